import LuaBridge
import MnemoModule
import Prompt
import Testing

/// What inputs leave behind, without a terminal; CommandTests look at the prompt on one.
@Suite(.serialized) struct REPLTests {
  private func withREPL(_ body: (REPL) throws -> Void) throws {
    let lua = Lua()
    defer { lua.close() }
    let registry = try MnemoModule.open(in: lua, scripts: nil).registry
    lua.setGlobal("mnemo", try lua.run("return require 'mnemo'", chunkName: "=").first ?? .nil)
    try body(REPL(lua, registry, scripts: nil, options: REPL.Options(isQuiet: true)))
  }

  @Test func localsPersistAndStayHidden() throws {
    try withREPL { repl in
      repl.submit("local a, b <const> = 1, 2")
      repl.submit("c = a + b;")
      #expect(repl.locals.rawGet("a").asInteger == 1)
      #expect(repl.lua.global("a").isNil)
      #expect(repl.lua.global("c").asInteger == 3)
      #expect(repl.isOwn("a") && repl.isOwn("c") && !repl.isOwn("print") && !repl.isOwn("none"))
    }
  }

  @Test func resultsAreKeptByNumber() throws {
    try withREPL { repl in
      repl.submit("6 * 7;")
      repl.submit("_ + 1, _1 + 2;")
      #expect(repl.locals.rawGet("_1").asInteger == 42)
      #expect(repl.locals.rawGet("_2").asInteger == 43)
      #expect(repl.locals.rawGet("_3").asInteger == 44)
      #expect(repl.locals.rawGet("_").asInteger == 44)
      repl.forgetResults()
      #expect(repl.locals.rawGet("_2").isNil && repl.locals.rawGet("_").isNil)
    }
  }

  @Test func theLogIsAScript() throws {
    try withREPL { repl in
      repl.submit("local x = 4")
      repl.submit("x * 10;")
      #expect(repl.log.map(\.text) == ["local x = 4", "x * 10;"])
      #expect(repl.log.map(\.expression) == [nil, "x * 10"])
      #expect(repl.log.map(\.results) == [[], [1]])
      // What failed is no part of it.
      repl.submit("error 'no'")
      #expect(repl.lastTraceback?.contains("in main chunk") == true)
      repl.submit("x = = 1")
      #expect(repl.log.count == 2)
      // But for statements of which some may have worked.
      repl.submit("y = 1; error 'no'")
      #expect(repl.log.last?.origin == .failed)
      repl.submit("nil, 6;")
      #expect(repl.log.last?.results == [nil, 2])
    }
  }

  @Test func statementsAndAnExpressionAreTakenApart() throws {
    try withREPL { repl in
      repl.submit("y = 1\ny = y + 1\ny * 10;")
      #expect(repl.locals.rawGet("_1").asInteger == 20)
    }
  }

  @Test func commandsAreToldFromLua() throws {
    try withREPL { repl in
      for line in ["?x", " :time 1", "$ ls", "??word"] { #expect(repl.isCommand(line)) }
      for line in ["::label::", "x = ':time'", "-- ?", ""] { #expect(!repl.isCommand(line)) }
    }
  }
}
