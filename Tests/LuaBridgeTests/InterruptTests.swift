import Glibc
import LuaBridge
import Testing

/// SIGINT, sent by the script to itself; one at a time, since a process has one handler.
@Suite(.serialized) struct InterruptTests {
  static var functions: [Function] {
    [
      Function("sigint", "") { _ in
        raise(SIGINT)
        return 0
      },
      Function("cut", "") { _ in throw Interrupted() },
      Function("take", "") { $0.returns(Interrupt.take()) },
      Function("pending", "") { $0.returns(Interrupt.isPending) },
      Function("deferring", "") { call in
        try Interrupt.deferring { try call.returns(all: call.function(1).call()) }
      },
      ErrorTests.callback,
    ]
  }

  func withInterrupts(_ body: (Lua) throws -> Void) rethrows {
    try withLua(Self.functions) { lua in
      Interrupt.install(lua)
      defer { Interrupt.uninstall() }
      try body(lua)
    }
  }

  @Test func stopsALoop() {
    withInterrupts { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run("m.sigint()\nwhile true do end", chunkName: "@loop.lua")
      }
      #expect(error?.isInterrupt == true)
      #expect(error?.message.hasPrefix("loop.lua:") == true)
      #expect(!Interrupt.isPending)
      // And once more: the handler is still there.
      #expect(message(lua, "m.sigint() while true do end").hasSuffix("interrupted!"))
      #expect(results(lua, "return 1") == [1])
    }
  }

  @Test func stopsACallback() {
    withInterrupts { lua in
      #expect(
        message(lua, "m.callback(function() m.sigint() while true do end end)")
          .hasSuffix("interrupted!"))
    }
  }

  @Test func isKnownByItsValueNotItsWords() throws {
    try withInterrupts { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run("error('the upload was interrupted!')", chunkName: "@disk.lua")
      }
      #expect(error?.isInterrupt == false)
      #expect(message(lua, "error 'interrupted!'").hasPrefix("script.lua:1: "))
      // What a script caught: it knows it by its text, and may raise it again.
      let caught = try lua.run(
        "local _, e = pcall(function() m.sigint() while true do end end) return e",
        chunkName: "@loop.lua")
      #expect(lua.isInterrupt(caught[0]))
      #expect(!lua.isInterrupt("loop.lua:1: interrupted!") && !lua.isInterrupt(.nil))
      lua.setGlobal("caught", caught[0])
      #expect(
        results(lua, "return tostring(caught), 'ended: ' .. caught, caught .. '?'") == [
          "loop.lua:1: interrupted!", "ended: loop.lua:1: interrupted!",
          "loop.lua:1: interrupted!?",
        ])
      let again = #expect(throws: LuaError.self) { try lua.run("error(caught)") }
      #expect(again?.isInterrupt == true)
      let words = #expect(throws: LuaError.self) { try lua.run("error(tostring(caught), 0)") }
      #expect(words?.isInterrupt == false)
    }
  }

  @Test func swiftMayRaiseOne() {
    withInterrupts { lua in
      let error = #expect(throws: LuaError.self) { try lua.run("m.cut()", chunkName: "@a.lua") }
      #expect(error?.isInterrupt == true)
      #expect(error?.message == "a.lua:1: interrupted!")
    }
  }

  @Test func swiftMayTakeIt() {
    withInterrupts { lua in
      raise(SIGINT)
      #expect(Interrupt.isPending)
      #expect(Interrupt.take())
      #expect(!Interrupt.take())
      #expect(results(lua, "return 1") == [1])
    }
  }

  @Test func deferredUntilTheStepEnds() throws {
    try withInterrupts { lua in
      let values = try lua.run(
        """
        return m.deferring(function()
          m.sigint()
          local seen = m.pending()
          for i = 1, 100 do end
          return seen, m.take(), m.pending()
        end)
        """)
      #expect(values == [true, true, false])
      // Nobody took it: raised when the deferral ends.
      #expect(
        message(lua, "m.deferring(function() m.sigint() end) while true do end")
          .hasSuffix("interrupted!"))
      // A second one is raised at once.
      #expect(
        message(lua, "m.deferring(function() m.sigint() m.sigint() while true do end end)")
          .hasSuffix("interrupted!"))
    }
  }
}
