import LuaBridge
import Testing

/// Positions, texts and values of errors, as a script sees them.
@Suite struct ErrorTests {
  static var getters: [(String, LuaFunction.Body)] {
    [
      ("number", { $0.returns(try $0.number(1)) }),
      ("integer", { $0.returns(try $0.integer(1)) }),
      ("string", { $0.returns(try $0.string(1)) }),
      ("boolean", { $0.returns(try $0.boolean(1)) }),
      ("table", { $0.returns(try $0.table(1).count) }),
      ("func", { $0.returns(try $0.function(1)) }),
      ("object", { $0.returns(try $0.object(1, Counter.self).value) }),
      ("numbers", { $0.returns(try $0.numbers(1)) }),
      ("integers", { $0.returns(try $0.integers(1)) }),
      ("objects", { $0.returns(try $0.objects(1, Counter.self).count) }),
      ("maybe", { $0.returns(try $0.optionalNumber(1)) }),
    ]
  }

  @Test(arguments: [
    ("number('3')", "bad argument #1 to 'number' (number expected, got string)"),
    ("number()", "bad argument #1 to 'number' (number expected, got no value)"),
    ("number(nil)", "bad argument #1 to 'number' (number expected, got nil)"),
    ("integer(3.5)", "bad argument #1 to 'integer' (number has no integer representation)"),
    ("integer{}", "bad argument #1 to 'integer' (number expected, got table)"),
    ("string(3)", "bad argument #1 to 'string' (string expected, got number)"),
    ("boolean(nil)", "bad argument #1 to 'boolean' (boolean expected, got nil)"),
    ("table(1)", "bad argument #1 to 'table' (table expected, got number)"),
    ("func{}", "bad argument #1 to 'func' (function expected, got table)"),
    ("object(1)", "bad argument #1 to 'object' (Counter expected, got number)"),
    ("object(io.stdout)", "bad argument #1 to 'object' (Counter expected, got FILE*)"),
    ("numbers{1, 'x'}", "bad argument #1 to 'numbers' ([2]: number expected, got string)"),
    ("numbers(1)", "bad argument #1 to 'numbers' (list of number expected, got number)"),
    ("integers{1, 2.5}", "bad argument #1 to 'integers' ([2]: integer expected, got 2.5)"),
    ("objects{1}", "bad argument #1 to 'objects' ([1]: Counter expected, got number)"),
    ("maybe'x'", "bad argument #1 to 'maybe' (number expected, got string)"),
  ])
  func getterMessages(call: String, expected: String) {
    let (functions, classes) = Counter.declarations(.init())
    withLua(functions + Self.getters.map { LuaFunction($0.0, "", body: $0.1) }, classes: classes) {
      lua in
      #expect(message(lua, "\n\nlocal x = m." + call) == "script.lua:3: " + expected)
    }
  }

  @Test func goodValuesPass() throws {
    try withLua(Self.getters.map { LuaFunction($0.0, "", body: $0.1) }) { lua in
      let values = try lua.run(
        """
        return m.number(2), m.integer(3.0), m.string "é\\0x", m.boolean(false), m.table {1, 2},
          #m.numbers {1, 2.5}, m.maybe(), m.maybe(nil), m.integers {4, 5.0}[2]
        """)
      #expect(
        values == [
          .number(2), .integer(3), .string("é\0x"), .boolean(false), .integer(2), .integer(2), .nil,
          .nil, .integer(5),
        ])
      // Lua distinguishes 3 and 3.0 and so do results.
      #expect(results(lua, "return math.type(m.integer(3.0))") == ["integer"])
    }
  }

  @Test func colonCallsDoNotCountTheObject() {
    let (functions, classes) = Counter.declarations(.init())
    withLua(functions, classes: classes) { lua in
      let start = "local c = m.counter(1) "
      #expect(
        message(lua, start + "c:add('x')")
          == "script.lua:1: bad argument #1 to 'add' (number expected, got string)")
      #expect(
        message(lua, start + "c.add(c, 'x')")
          == "script.lua:1: bad argument #2 to 'add' (number expected, got string)")
      #expect(
        message(lua, start + "c.add(nil, 1)")
          == "script.lua:1: bad argument #1 to 'add' (Counter expected, got nil)")
      #expect(
        message(lua, start + "local t = {add = c.add} t:add(1)")
          == "script.lua:1: calling 'add' on bad self (Counter expected, got table)")
      #expect(
        message(lua, start + "local x = c + nil")
          == "script.lua:1: bad operand #2 to '+' (Counter expected, got nil)")
      #expect(
        message(lua, start + "c('x')")
          == "script.lua:1: bad argument #1 to '__call' (number expected, got string)")
    }
  }

  @Test func swiftErrorsCarryThePosition() throws {
    let fail = LuaFunction("fail", "") { _ in throw Failure(description: "sizes differ") }
    try withLua([fail]) { lua in
      #expect(message(lua, "\nm.fail()") == "script.lua:2: sizes differ")
      let caught = try lua.run("return pcall(function() m.fail() end)", chunkName: "@a.lua")
      #expect(caught == [false, "a.lua:1: sizes differ"])
      // Called by pcall itself there is no script position to tell.
      #expect(results(lua, "return pcall(m.fail)") == [false, "sizes differ"])
    }
  }

  @Test func tracebackNamesTheCallers() throws {
    let fail = LuaFunction("fail", "") { _ in throw Failure(description: "no") }
    withLua([fail]) { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run("local function inner() m.fail() end\ninner()", chunkName: "@s.lua")
      }
      let report = error?.report ?? ""
      #expect(report.hasPrefix("s.lua:1: no\nstack traceback:\n\t[C]: in "))
      #expect(report.contains("s.lua:2: in main chunk"))
    }
  }

  static var callback: LuaFunction {
    LuaFunction("callback", "") { call in
      try call.returns(all: call.function(1).call([], label: "callback"))
    }
  }

  @Test func errorValuesPassThroughSwiftUnchanged() throws {
    try withLua([Self.callback]) { lua in
      let same = try lua.run(
        """
        local thrown = {code = 7}
        local ok, caught = pcall(m.callback, function() error(thrown) end)
        local deep, again = pcall(m.callback, function()
          m.callback(function() error(thrown) end)
        end)
        local nothing, value = pcall(m.callback, function() error(nil) end)
        return ok, rawequal(caught, thrown), rawequal(again, thrown), value
        """)
      #expect(same == [false, true, true, .nil])
    }
  }

  @Test func messagesKeepTheInnermostPositionAndTraceback() {
    withLua([Self.callback]) { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run(
          """
          local function probe()
            local x = nil + 1
          end
          m.callback(function()
            probe()
          end)
          """, chunkName: "@s.lua")
      }
      #expect(error?.message == "s.lua:2: attempt to perform arithmetic on a nil value")
      let traceback = error?.traceback ?? ""
      #expect(traceback.contains("s.lua:2: in upvalue 'probe'"), "\(traceback)")
      #expect(traceback.contains("s.lua:4: in main chunk"), "\(traceback)")
    }
  }

  @Test func nestedErrorsFromSwift() {
    let fail = LuaFunction("fail", "") { _ in throw Failure(description: "deep") }
    withLua([Self.callback, fail]) { lua in
      #expect(
        message(lua, "m.callback(function()\nm.callback(function()\nm.fail() end) end)")
          == "script.lua:3: deep")
    }
  }

  @Test func wordsForErrorObjects() {
    withLua { lua in
      #expect(message(lua, "error({})") == "(error object is a table value)")
      #expect(message(lua, "error()") == "(error object is a nil value)")
      #expect(
        message(lua, "error(setmetatable({}, {__tostring = function() return 'mine' end}))")
          == "mine")
      #expect(
        message(lua, "error(setmetatable({}, {__tostring = function() error 'x' end}))")
          == "(table value whose __tostring fails)")
    }
  }

  @Test func stackOverflowIsAnError() {
    withLua([Self.callback]) { lua in
      #expect(message(lua, "local function f() return 1 + f() end f()").contains("stack overflow"))
      let text = message(lua, "local function f() m.callback(f) end f()")
      #expect(text.contains("C stack overflow"), "\(text)")
    }
  }

  @Test func bytecodeIsRefused() {
    withLua { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.load(bytes: [0x1b] + Array("Lua".utf8), chunkName: "=chunk")
      }
      #expect(error?.message == "attempt to load a binary chunk (mode is 't')")
    }
  }

  @Test func compilerErrors() throws {
    withLua { lua in
      let broken = #expect(throws: LuaError.self) { try lua.load("x = = 1", chunkName: "@b.lua") }
      #expect(broken?.message == "b.lua:1: unexpected symbol near '='")
      #expect(broken?.isIncomplete == false)
      let open = #expect(throws: LuaError.self) { try lua.load("for i = 1, 2 do", chunkName: "=x") }
      #expect(open?.isIncomplete == true)
      #expect(throws: Never.self) { try lua.run("") }
    }
  }
}
