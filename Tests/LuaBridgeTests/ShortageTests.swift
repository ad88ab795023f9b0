import CLua
import LuaBridge
import Testing

/// Memory and stack that Lua does not have: errors, after which the state goes on.
@Suite struct ShortageTests {
  /// Lets a number of allocations succeed; then all fail until it goes.
  private final class Limit {
    private let state: OpaquePointer
    private var allocate: lua_Alloc?
    private var data: UnsafeMutableRawPointer?
    private var left: Int
    private(set) var refused = 0

    init(_ lua: Lua, after count: Int) {
      (state, left) = (lua.state, count)
      allocate = lua_getallocf(state, &data)
      lua_setallocf(
        state,
        { limit, block, oldSize, size in
          guard let limit else { return nil }
          return Unmanaged<Limit>.fromOpaque(limit).takeUnretainedValue()
            .allocate(block, oldSize, size)
        }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func allocate(
      _ block: UnsafeMutableRawPointer?, _ oldSize: Int, _ size: Int
    ) -> UnsafeMutableRawPointer? {
      let grows = size > 0 && (block == nil || size > oldSize)
      if grows && left <= 0 {
        refused += 1
        return nil
      }
      if grows { left -= 1 }
      return allocate?(data, block, oldSize, size)
    }

    func end() { lua_setallocf(state, allocate, data) }
  }

  private static func functions(_ tally: Counter.Tally) -> [LuaFunction] {
    [
      LuaFunction("record", "") { call in
        let texts = ["one", "a text of more than forty bytes, which Lua copies as it is"]
        return call.returns(
          LuaRecord([
            ("texts", texts), ("counter", LuaObject(Counter(tally))), ("matrix", [[1, 2], [3]]),
          ]))
      },
      LuaFunction(
        "options", "",
        options: [LuaOption("n", .integer, 3), LuaOption("names", .list(.string), [])]
      ) { call in
        let options = try call.options()
        return call.returns(
          try options.integer("n"), try options.strings("names").joined(),
          call.lua.newTable().text)
      },
      LuaFunction("entries", "") { call in
        call.returns(try call.table(1).fields().map(\.name))
      },
      LuaFunction("callback", "") { call in
        let table = call.lua.value(of: LuaRecord([("x", [1, 2, 3])]))
        return call.returns(
          all: try call.function(1).call([table, .object(Counter(tally)), "text"], label: "it"))
      },
      LuaFunction("keep", "") { call in
        let object = Counter(tally)
        let held = call.lua.reference(to: object)
        call.lua.setUserValue(of: object, try call.function(1))
        return call.returns(held)
      },
    ]
  }

  @Test(arguments: [
    "return m.record().texts[1]", "return m.options{n = 4, names = {'a', 'b'}}",
    "return #m.entries{a = 1, b = {}, c = print}",
    "return m.callback(function(t, c, s) return #t.x + c:get(), s end)",
    "return pcall(m.callback, function() error{} end)", "return m.keep(print):get()",
    "m.nothing()", "return tostring(m.counter()), m.counter(2) + m.counter(3)",
  ]) func everyAllocationMayFail(_ text: String) throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    try withLua(functions + Self.functions(tally), classes: classes) { lua in
      let chunk = try lua.load(text, chunkName: "=chunk")
      let expected = (try? lua.run(chunk).count) ?? -1
      var failures = 0
      for count in 0..<200 {
        let limit = Limit(lua, after: count)
        var message: String?
        var found: Int?
        do { found = try lua.run(chunk).count } catch { message = "\(error)" }
        limit.end()
        #expect(lua.callbackDepth == 0 && lua.current == lua.state)
        #expect(lua_gettop(lua.state) == 0)
        if limit.refused > 0 { failures += 1 }
        if let found {
          #expect(found == expected || found == 2, "\(count)")
        } else if limit.refused > 0 {
          #expect(message == "not enough memory" || expected == -1, "\(count): \(message ?? "")")
        }
        lua.collect()
      }
      #expect(failures > 0)
      #expect((try? lua.run(chunk).count) ?? -1 == expected)
    }
    #expect(tally.alive == 0)
  }

  /// As many arguments as Lua's stack takes, and a few more or less.
  @Test func aFullStackIsAnError() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    try withLua(functions + Self.functions(tally), classes: classes) { lua in
      let values = try lua.run(
        """
        local many, messages = table.pack(string.byte(("x"):rep(999990), 1, 0)), {}
        for i = 1, 999990 do many[i] = i end
        local entered = 0
        for n = 999880, 999990, 2 do
          for _, f in ipairs{m.record, m.entries, m.counter} do
            local done, message = pcall(function() f(table.unpack(many, 1, n)) end)
            messages[#messages + 1] = not done and message or nil
            entered = entered + (done and 1 or 0)
          end
        end
        return entered, #messages, messages[#messages]
        """)
      let (entered, refused) = (values[0].asInteger ?? 0, values[1].asInteger ?? 0)
      #expect(entered > 0 && refused > 0)
      #expect(
        values[2].asString?.contains("too many results to unpack") == true
          || values[2].asString?.contains("stack overflow") == true)
    }
    #expect(tally.alive == 0)
  }

  @Test func aStateStaysOpenWhileItRuns() throws {
    let lua = Lua()
    let registry = Registry()
    registry.add([
      LuaFunction("close", "") { call in
        call.lua.close()
        return call.returns(!call.lua.isClosed)
      }
    ])
    lua.setGlobal("m", registry.install(in: lua))
    #expect(results(lua, "return m.close()") == [true])
    lua.close()
    #expect(lua.isClosed)
  }

  /// What a state held goes with it, whoever closes it.
  @Test func aClosedStateKeepsNothing() throws {
    weak var owned: Lua?
    weak var borrowed: Lua?
    weak var attached: Counter?
    let tally = Counter.Tally()
    do {
      let (functions, classes) = Counter.declarations(tally)
      let registry = Registry()
      registry.add(functions)
      registry.add(classes)
      let lua = Lua()
      owned = lua
      lua.setGlobal("m", registry.install(in: lua))
      try lua.run("kept = m.counter(1)")
      lua.close()

      let state = try #require(luaL_newstate())
      luaL_openlibs(state)
      let other = Lua(borrowing: state)
      borrowed = other
      let attachment = Counter(tally)
      attached = attachment
      other.attachment = attachment
      other.setGlobal("m", registry.install(in: other))
      try other.run(
        "kept = m.counter(1) setmetatable({}, {__gc = function() kept:add(1) end})")
      lua_close(state)
    }
    #expect(owned == nil && borrowed == nil && attached == nil)
    #expect(tally.alive == 0)
  }
}
