import LuaBridge
import Testing

/// Tables that change, or lie, while Swift reads them.
@Suite struct TraversalTests {
  static var functions: [LuaFunction] {
    [
      LuaFunction("names", "") { call in call.returns(try call.table(1).fields().map(\.name)) },
      LuaFunction("count", "") { call in call.returns(try call.table(1).entries().count) },
      LuaFunction("numbers", "") { call in call.returns(try call.numbers(1)) },
      LuaFunction("list", "", options: [LuaOption("list", .list(.number))]) { call in
        call.returns(try call.options().numbers("list"))
      },
      LuaFunction("option", "", options: [LuaOption("a", .integer), LuaOption("b", .integer)]) {
        call in
        call.returns(try call.options().has("a"))
      },
    ]
  }

  /// The collector runs all the time, and finalizers add to the table that is being read.
  @Test(arguments: ["names", "option"]) func finalizersMayChangeIt(_ reader: String) throws {
    try withLua(Self.functions) { lua in
      let values = try lua.run(
        """
        collectgarbage("incremental", 0, 1000)
        local t, added, alive = {a = 1, b = 2}, 0, true
        local function arm()
          setmetatable({}, {__gc = function()
            if not alive then return end
            added = added + 1
            if added % 40 == 0 then
              for key in pairs(t) do if key:find "^new" then t[key] = nil end end
            end
            t["new" .. added] = added
            arm()
          end})
        end
        arm()
        local read, failed = 0, 0
        for i = 1, 20000 do
          local done, message = pcall(m.\(reader), t)
          if done then read = read + 1 else failed = failed + 1 end
          assert(done or message:find "unknown option" or message:find "changes while", message)
        end
        alive = false
        return read + failed, added > 0
        """)
      #expect(values == [20000, true])
    }
  }

  @Test func theRegistryIsRead() throws {
    try withLua(Self.functions) { lua in
      let count = try lua.run("return m.count(debug.getregistry())")[0].asInteger ?? 0
      #expect(count > 4 && count < 1000)
      #expect(
        message(lua, "m.names(debug.getregistry())").contains("names expected as keys"))
    }
  }

  @Test func aLengthMayLie() throws {
    try withLua(Self.functions) { lua in
      // Lua finds the end of a sequence by doubling: numbers at all powers of 2 mislead it.
      try lua.run("t = {1, 2, 3, 4, 5} t[9] = 1 for i = 3, 62 do t[1 << i] = 1 end")
      #expect(results(lua, "return #t > 1 << 60") == [true])
      for call in ["m.numbers(t)", "m.list{list = t}"] {
        #expect(message(lua, call).contains("[6]: number expected, got nil"))
      }
    }
  }

  @Test func namesAreBytes() {
    withLua(Self.functions) { lua in
      // é in two ways, which are equal for Unicode and differ for Lua.
      #expect(results(lua, "return #m.names{['\\u{e9}'] = 1, ['e\\u{301}'] = 2}") == [2])
      // And what is no UTF-8 at all.
      #expect(results(lua, "return #m.names{['\\xff'] = 1, ['\\xfe'] = 2}") == [2])
      #expect(results(lua, "return m.names{['a\\xff'] = 1}[1] == 'a\\xff'") == [true])
    }
  }
}
