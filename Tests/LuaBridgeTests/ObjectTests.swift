import CLua
import LuaBridge
import Testing

/// Objects held by Lua: identity, lifetime, classes above them.
@Suite struct ObjectTests {
  func withCounters<R>(
    _ tally: Counter.Tally, _ more: [LuaFunction] = [], _ body: (Lua) throws -> R
  ) rethrows -> R {
    let (functions, classes) = Counter.declarations(tally)
    return try withLua(functions + more, classes: classes, body)
  }

  @Test func collectionReleases() throws {
    let tally = Counter.Tally()
    try withCounters(tally) { lua in
      try lua.run("kept = m.counter(1) for i = 1, 100 do m.counter(i) end")
      lua.collect()
      #expect(tally.alive == 1)
      try lua.run("kept = nil")
      lua.collect()
      #expect(tally.alive == 0)
    }
  }

  @Test func closingTheStateReleases() throws {
    let tally = Counter.Tally()
    try withCounters(tally) { lua in
      try lua.run("kept = m.counter(1)")
      #expect(tally.alive == 1)
    }
    #expect(tally.alive == 0)
  }

  @Test func theLuaObjectGoesWithItsState() {
    weak var observed: Lua?
    withCounters(.init()) { lua in observed = lua }
    #expect(observed == nil)
  }

  @Test func toBeClosedVariables() throws {
    let tally = Counter.Tally()
    let alive = LuaFunction("alive", "") { $0.returns(tally.alive) }
    try withCounters(tally, [alive]) { lua in
      let counts = try lua.run(
        """
        local during
        do
          local c <close> = m.counter(1)
          escaped = c
          during = m.alive()
        end
        return during, m.alive()
        """)
      #expect(counts == [1, 0])
      #expect(
        message(lua, "escaped:get()")
          == "script.lua:1: calling 'get' on bad self (Counter expected, got a closed Counter)")
      // Collected after it was closed: released once.
      try lua.run("escaped = nil")
      lua.collect()
      #expect(tally.alive == 0)
    }
  }

  @Test func identityAndNames() throws {
    let tally = Counter.Tally()
    let shared = Counter(tally, 3)
    let get = LuaFunction("shared", "") { $0.returns(shared) }
    try withCounters(tally, [get]) { lua in
      let values = try lua.run(
        """
        local a, b = m.shared(), m.shared()
        return a == b, rawequal(a, b), a == m.counter(3), getmetatable(a),
          tostring(a):match "^Counter: 0x" ~= nil, a.nothing, (a + b):get(), a(5)
        """)
      #expect(values == [true, false, false, "Counter", true, .nil, 6, 5])
      #expect(message(lua, "setmetatable(m.shared(), {})").contains("table expected"))
      #expect(message(lua, "m.shared().x = 1").contains("attempt to index a Counter value"))
    }
  }

  final class Special: Counter {}
  final class Other: Named {
    let name = "other"
  }

  @Test func subclassesAndProtocols() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    let more = [
      LuaFunction("special", "") { $0.returns(Special(tally, 8)) },
      LuaFunction("other", "") { $0.returns(Other()) },
      LuaFunction("name", "") { $0.returns(try $0.object(1, (any Named).self).name) },
      LuaFunction("optional", "", options: [LuaOption("model", .object("Named"), .required)]) {
        call in
        call.returns(try call.options().object("model", (any Named).self).name)
      },
    ]
    let named = LuaClass("Named", for: (any Named).self, "Anything with a name.")
    try withLua(functions + more, classes: classes + [named]) { lua in
      let values = try lua.run(
        "return m.special():get(), m.name(m.other()), m.optional {model = m.other()}")
      #expect(values == [8, "other", "other"])
      #expect(
        message(lua, "m.name(m.special())")
          == "script.lua:1: bad argument #1 to 'name' (Named expected, got Counter)")
    }
  }

  @Test func indexFallsBackAfterMethods() throws {
    let tally = Counter.Tally()
    let rows = LuaClass(
      "Rows", for: Counter.self, "Rows.",
      methods: [LuaFunction("size", "") { $0.returns(try $0.object(1, Counter.self).value) }],
      index: { call in
        if let row = call.value(2).asInteger { return call.returns(row * 10) }
        if call.value(2) == "grad" { return call.returns("gradient") }
        throw Failure(description: "no field \(call.value(2))")
      },
      newindex: { call in
        try call.object(1, Counter.self).value = call.integer(3)
        return 0
      })
    let make = LuaFunction("rows", "") { $0.returns(Counter(tally, 2)) }
    try withLua([make], classes: [rows]) { lua in
      let values = try lua.run(
        "local r = m.rows() local before = r:size() r.x = 9 return before, r:size(), r[3], r.grad")
      #expect(values == [2, 9, 30, "gradient"])
      #expect(message(lua, "\nlocal x = m.rows().y") == "script.lua:2: no field \"y\"")
      #expect(
        message(lua, "m.rows()[1] = {}")
          == "script.lua:1: bad value (number expected, got table)")
    }
  }

  @Test func userValuesDoNotKeepACycleAlive() throws {
    let tally = Counter.Tally()
    let functions = [
      LuaFunction("keep", "") { call in
        call.setUserValue(1, try call.function(2))
        return 0
      },
      LuaFunction("kept", "") { call in
        guard case .function(let function) = call.userValue(1) else { return call.returns(false) }
        return call.returns(all: try function.call())
      },
    ]
    try withCounters(tally, functions) { lua in
      let result = try lua.run(
        """
        local c = m.counter(5)
        m.keep(c, function() return c:get() end)
        return m.kept(c)
        """)
      #expect(result == [5])
      lua.collect()
      lua.collect()
      #expect(tally.alive == 0)
    }
  }

  @Test func callsNeitherGrowTheStackNorTheRegistry() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    let more = [
      ErrorTests.callback, OptionsTests.bigram,
      LuaFunction("table", "") { $0.returns(try $0.table(1).table("x").numbers(1).count) },
    ]
    try withLua(functions + more, classes: classes) { lua in
      let work = try lua.load(
        """
        local c = m.counter(1)
        for i = 1, 2000 do
          c:add(1)
          m.callback(function(...) return 1, {}, c end)
          pcall(m.callback, function() error {} end)
          m.data.bigram {corpus = c, range = {1, 2}}
          pcall(m.data.bigram, {corpus = c, trigers = 2})
          m.table {x = {{1, 2, 3}}}
          pcall(m.table, {x = {{1, "y"}}})
        end
        return #debug.getregistry()
        """, chunkName: "=work")
      let first = try lua.run(work)
      let top = lua_gettop(lua.state)
      lua.collect()
      let used = lua.usedBytes
      let second = try lua.run(work)
      #expect(second == first)
      lua.collect()
      #expect(lua_gettop(lua.state) == top)
      #expect(lua.usedBytes < used + 10_000)
      #expect(tally.alive == 0)
    }
  }
}

protocol Named: AnyObject { var name: String { get } }
