import LuaBridge
import Prompt
import Testing

/// The script that `:save` writes.
@Suite struct SessionScriptTests {
  private typealias Entry = SessionScript.Entry

  /// The script of some inputs without its heading, which Lua runs.
  private func script(_ entries: [Entry], runs: Bool = true) throws -> String {
    let lua = Lua()
    defer { lua.close() }
    lua.setLoaded("mnemo", lua.newTable())
    let text = SessionScript(entries) { (try? lua.load($0, chunkName: "=")) != nil }.text
    let heading = "-- Typed at the prompt of mnemo.\nlocal mnemo = require \"mnemo\"\n"
    #expect(text.hasPrefix(heading))
    if runs { _ = try lua.run(lua.load(text, chunkName: "=script")) }
    return String(text.dropFirst(heading.count))
  }

  private func expression(_ text: String, _ results: Int?...) -> Entry {
    Entry(text, expression: text, results: results)
  }

  @Test func whatIsNotUsedLeavesNoName() throws {
    let inputs = [
      Entry("local x = 'a'"), expression("x:rep(3)", 1), expression("x", 2), expression("nil", nil),
      expression("('b'):rep(2)", 3), expression("-- a word"), Entry("local y = 3"),
      expression("nil, nil", nil, nil), expression("..."),
    ]
    #expect(
      try script(inputs) == """
        local x = 'a'
        x:rep(3)
        _ = x
        _ = nil
        ;('b'):rep(2)
        -- a word
        local y = 3
        _ = nil, nil
        do local _ = ... end

        """)
  }

  @Test func resultsThatAreUsedAreNamed() throws {
    let inputs = [
      expression("20", 1), expression("_ + 1", 2), expression("_1 + _2", 3),
      expression("5, nil, 6", 4, nil, 5), expression("_ * _5", 6), expression("7, nil", 7, nil),
      Entry("kept = _"),
    ]
    #expect(
      try script(inputs) == """
        _1 = 20
        _ = _1
        _2 = _ + 1
        _ = _1 + _2
        _4, _, _5 = 5, nil, 6
        _ = _5
        _ = _ * _5
        _7, _ = 7, nil
        kept = _

        """)
  }

  @Test func onlyUsesCount() throws {
    let loop = Entry("for _, x in ipairs {} do local _, y = x, _G._1 end")
    #expect(try script([expression("3", 1), loop]) == "_ = 3\n" + loop.text + "\n")
    // A function may look at any time.
    let function = Entry("function last(_1, b) return _ end")
    #expect(
      try script([function, expression("3", 1), expression("last(1)", 2)])
        == function.text + "\n_ = 3\n_ = last(1)\n")
  }

  @Test func returnsDoNotEndTheScript() throws {
    let inputs = [
      Entry("local a = 1 return a", results: [1]), Entry("if _1 then return end"),
      Entry("assert(a == 1 and _1 == 1)\nreached = true"), Entry("assert(reached)"),
    ]
    #expect(try script(inputs).hasPrefix("_1 = (function()\na = 1 return a\nend)()\n"))
  }

  /// At the prompt a function sees the local that is declared after it.
  @Test func localsThatAreUsedBeforeAreGlobals() throws {
    let inputs = [
      Entry("local function f() return later end"), Entry("local later <const> = 4"),
      Entry("assert(f() == 4)"),
    ]
    #expect(
      try script(inputs) == "function f() return later end\nlater  = 4\nassert(f() == 4)\n")
    let many = (1...250).map { Entry("local x\($0) = \($0)") } + [Entry("assert(x1 + x250 == 251)")]
    #expect(try script(many).hasPrefix("x1 = 1\nx2 = 2\n"))
  }

  @Test func labelsAndFailuresHaveBlocks() throws {
    let loop = "do goto done end ::done::"
    #expect(try script([Entry(loop), Entry(loop)]) == "do\n\(loop)\nend\ndo\n\(loop)\nend\n")
    let failed = Entry("local a = 5; error 'no'", .failed)
    #expect(try script([failed, Entry("assert(a == 5)")]).hasPrefix("pcall(function()\n"))
  }

  @Test func theTourIsThereIfItIsUsed() throws {
    let steps = [
      Entry("local task = 5", .tour),
      Entry("task", .tour, expression: "task", results: [1]),
    ]
    let own = [Entry("local task = 'mine'"), Entry("assert(task == 'mine')")]
    #expect(
      try script([own[0]] + steps + [own[1]]) == "local task = 'mine'\nassert(task == 'mine')\n")
    let used = try script(
      [own[0]] + steps + [expression("_ + _1", 2), Entry("assert(_ == 10 and task == 'mine')")])
    #expect(used.hasPrefix("do\nlocal _ENV = "))
    #expect(used.contains("task = 5\n_G._1 = task\nend\nlocal task = 'mine'\n_ = _1\n"))
  }

  @Test func toolsOfThePromptAreThere() throws {
    #expect(
      try script([expression("who()"), expression("help(1)")], runs: false).hasPrefix(
        "local help = help or mnemo.help\nlocal who = who or function() end\n"))
  }
}
