import CLua
import LuaBridge
import Testing

/// Lua called from Swift called from Lua, coroutines included.
@Suite struct CallbackTests {
  @Test func resultsAndArguments() throws {
    try withLua { lua in
      let chunk = try lua.load("return select('#', ...), ...", chunkName: "=c")
      #expect(try chunk.call([1, "x", nil]) == [3, 1, "x", nil])
      #expect(try chunk.call([5], results: 3) == [1, 5, nil])
      #expect(try chunk.call([5], results: 0) == [])
      #expect(lua_gettop(lua.state) == 0)
    }
  }

  @Test func labelsOfRunningCallbacks() throws {
    var seen: [String] = []
    let look = LuaFunction("look", "") { call in
      seen.append("\(call.lua.callbackDepth) \(call.lua.currentCallback ?? "-")")
      return 0
    }
    let probe = LuaFunction("probe", "") { call in
      try call.function(1).call(label: "probe")
      return 0
    }
    try withLua([look, probe]) { lua in
      try lua.run(
        "m.look() m.probe(function() m.look() pcall(m.probe, function() m.look() error() end) m.look() end)"
      )
      #expect(seen == ["0 -", "1 probe", "2 probe", "1 probe"])
      #expect(lua.callbackDepth == 0)
      #expect(lua.currentCallback == nil)
    }
  }

  @Test func functionsWorkInCoroutines() throws {
    let (functions, classes) = Counter.declarations(.init())
    try withLua(functions + [ErrorTests.callback], classes: classes) { lua in
      let values = try lua.run(
        """
        local running
        local co = coroutine.wrap(function(a)
          local c = m.counter(a)
          local b = coroutine.yield(c:get())
          c:add(b)
          -- The callback runs on the coroutine that made it.
          local mine = coroutine.running()
          m.callback(function() running = coroutine.running() == mine end)
          return c:get()
        end)
        return co(3), co(4), running
        """)
      #expect(values == [3, 7, true])
      #expect(
        results(
          lua, "return select(2, coroutine.resume(coroutine.create(function() m.counter {} end)))",
          chunkName: "@c.lua")
          == ["c.lua:1: bad argument #1 to 'counter' (number expected, got table)"])
    }
  }

  @Test func yieldAcrossSwiftIsAnError() throws {
    try withLua([ErrorTests.callback]) { lua in
      let values = try lua.run(
        """
        local co = coroutine.create(function() m.callback(function() coroutine.yield(1) end) end)
        return coroutine.resume(co)
        """)
      #expect(values == [false, "attempt to yield across a C-call boundary"])
      #expect(
        message(lua, "m.callback(function() coroutine.yield() end)")
          == "attempt to yield from outside a coroutine")
    }
  }

  @Test func fieldsWithMetamethods() throws {
    try withLua { lua in
      guard
        case .table(let model) = try lua.run(
          """
          local class = {forward = function(self, x) return self.w * x end}
          class.__index = class
          return setmetatable({w = 3}, class)
          """)[0]
      else {
        Issue.record("no table")
        return
      }
      #expect(try model.call(method: "forward", [4]) == [12])
      try model.setField("w", 5)
      #expect(try model.call(method: "forward", [4]) == [20])
      #expect(throws: (any Error).self) { try model.call(method: "backward") }
      guard
        case .table(let broken) = try lua.run(
          "return setmetatable({}, {__index = function() error 'no' end})", chunkName: "@b.lua")[0]
      else { return }
      let error = #expect(throws: LuaError.self) { try broken.field("x") }
      #expect(error?.message == "b.lua:1: no")
      #expect(lua_gettop(lua.state) == 0)
    }
  }

  @Test func returnsInAllShapes() throws {
    let functions = [
      LuaFunction("record", "") { call in
        call.returns(["a": 1, "b": "x", "c": [1.5, 2.5], "d": Int?.none] as LuaRecord)
      },
      LuaFunction("several", "") { $0.returns(1, "x", true) },
      LuaFunction("nothing", "") { $0.returns() },
      LuaFunction("map", "") { $0.returns(["a": 1]) },
      LuaFunction("many", "") { $0.returns(all: Array(repeating: 7, count: 500)) },
    ]
    try withLua(functions) { lua in
      let values = try lua.run(
        """
        local r = m.record()
        return r.a, r.b, r.c[2], r.d, select("#", m.several()), select("#", m.nothing()),
          m.map().a, select("#", m.many())
        """)
      #expect(values == [1, "x", 2.5, nil, 3, 0, 1, 500])
    }
  }

  @Test func finalizersOfScriptsMayCallSwiftWhileClosing() throws {
    var calls = 0
    let note = LuaFunction("note", "") { _ in
      calls += 1
      return 0
    }
    _ = try withLua([note]) { lua in
      try lua.run("x = setmetatable({}, {__gc = function() m.note() end})")
    }
    #expect(calls == 1)
  }

  @Test func borrowedStates() throws {
    guard let state = luaL_newstate() else { return }
    luaL_openlibs(state)
    // Older than the bridge's anchor, so finalized after it: its call is refused.
    luaL_loadstring(state, "old = setmetatable({}, {__gc = function() pcall(m.note) end})")
    lua_callk(state, 0, 0, 0, nil)
    var calls = 0
    let note = LuaFunction("note", "") { call in
      calls += 1
      return call.returns(calls)
    }
    do {
      let registry = Registry()
      registry.add([note])
      let (functions, classes) = Counter.declarations(.init())
      registry.add(functions)
      registry.add(classes)
      let lua = Lua(borrowing: state)
      lua.setGlobal("m", registry.install(in: lua))
      #expect(results(lua, "return m.note()") == [1])
    }
    lua_close(state)
    #expect(calls == 1)
  }
}
