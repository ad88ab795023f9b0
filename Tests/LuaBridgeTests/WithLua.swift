import LuaBridge
import Testing

/// Opens a state with these declarations as the global `m`, runs `body`, closes the state.
func withLua<R>(
  _ functions: [LuaFunction] = [], classes: [LuaClass] = [], _ body: (Lua) throws -> R
) rethrows -> R {
  let lua = Lua()
  defer { lua.close() }
  let registry = Registry()
  registry.add(functions)
  registry.add(classes)
  lua.setGlobal("m", registry.install(in: lua))
  return try body(lua)
}

/// The message a piece of Lua fails with.
func message(_ lua: Lua, _ text: String, chunkName: String = "@script.lua") -> String {
  do {
    try lua.run(text, chunkName: chunkName)
    return "(no error)"
  } catch {
    return String(describing: error)
  }
}

/// What a piece of Lua returns; an error is an issue of the test.
func results(
  _ lua: Lua, _ text: String, chunkName: String = "@script.lua",
  sourceLocation: SourceLocation = #_sourceLocation
) -> [LuaValue] {
  do {
    return try lua.run(text, chunkName: chunkName)
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
    return []
  }
}

/// An object that counts how many of its kind are alive.
class Counter {
  final class Tally { var alive = 0 }
  let tally: Tally
  var value: Int

  init(_ tally: Tally, _ value: Int = 0) {
    self.tally = tally
    self.value = value
    tally.alive += 1
  }
  deinit { tally.alive -= 1 }

  /// The class and a constructor `m.counter(value)`.
  static func declarations(_ tally: Tally) -> ([LuaFunction], [LuaClass]) {
    (
      [
        LuaFunction("counter", "Makes a counter.", parameters: [LuaParameter("value", .integer)]) {
          call in call.returns(Counter(tally, try call.optionalInteger(1) ?? 0))
        }
      ],
      [
        LuaClass(
          "Counter", for: Counter.self, "Counts.",
          methods: [
            LuaFunction("get", "The value.", returns: [.integer]) { call in
              call.returns(try call.object(1, Counter.self).value)
            },
            LuaFunction("add", "Adds.", parameters: [LuaParameter("n", .integer)]) { call in
              try call.object(1, Counter.self).value += call.integer(2)
              return call.returns(argument: 1)
            },
          ],
          metamethods: [
            "__add": { call in
              let a = try call.object(1, Counter.self)
              return call.returns(
                Counter(a.tally, a.value + (try call.object(2, Counter.self)).value))
            },
            "__call": { call in call.returns(try call.integer(2)) },
          ])
      ]
    )
  }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
}
