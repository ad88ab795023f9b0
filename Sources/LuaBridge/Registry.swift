import CLua
import LuaShim

/// The declarations of a module: builds its Lua table, and answers questions about them.
public final class Registry {
  /// The module's functions, without methods, in the order they were added.
  public private(set) var functions: [Function] = []
  /// The module's classes, in the order they were added.
  public private(set) var classes: [LuaClass] = []

  /// An empty registry.
  public init() {}

  /// Adds functions.
  public func add(_ functions: [Function]) { self.functions += functions }

  /// Adds classes.
  public func add(_ classes: [LuaClass]) { self.classes += classes }

  /// Registers the classes with a state and builds the module's table.
  ///
  /// `data.bigram` becomes the field `bigram` of a table `data`. A name that is both a function
  /// and the start of others (`train` and `train.resume`) is an error of ours.
  public func install(in lua: Lua) -> LuaReference {
    for declaration in classes { _ = lua.register(declaration) }
    let stack = lua.current
    let module = lua.newTable()
    for function in functions {
      lua.reserve(6)
      let top = lua_gettop(stack)
      module.push()
      let path = function.name.split(separator: ".").map(String.init)
      for part in path.dropLast() {
        lua.pushString(part)
        if lua_rawget(stack, -2) == LUA_TNIL {
          mnemo_pop(stack, 1)
          lua_createtable(stack, 0, 0)
          lua.pushString(part)
          lua_pushvalue(stack, -2)
          lua_rawset(stack, -4)
        }
        precondition(lua_type(stack, -1) == LUA_TTABLE, "\(function.name): \(part) is a function")
      }
      lua.pushString(path.last ?? function.name)
      lua.push(function)
      lua_rawset(stack, -3)
      lua_settop(stack, top)
    }
    return module
  }

  /// Every function and method.
  public var all: [Function] { functions + classes.flatMap(\.methods) }

  /// Every name `help` knows: functions, methods, classes, and the tables between (`data`).
  public var names: [String] {
    var names = all.map(\.name) + classes.map(\.name)
    for function in functions {
      let parts = function.name.split(separator: ".")
      for count in 1..<max(1, parts.count) {
        let table = parts.prefix(count).joined(separator: ".")
        if !names.contains(table) { names.append(table) }
      }
    }
    return names
  }

  /// The function or method with this name: `data.bigram`, `Tensor:sum` or `Tensor.sum`.
  public func function(named name: String) -> Function? {
    functions.first { $0.name == name }
      ?? classes.lazy.flatMap(\.methods).first {
        $0.name == name || String($0.name.map { $0 == ":" ? "." : $0 }) == name
      }
  }

  /// The class with this name.
  public func luaClass(named name: String) -> LuaClass? { classes.first { $0.name == name } }

  /// The known name nearest to a mistyped one.
  public func suggestion(for name: String) -> String? { nearest(name, among: names) }

  // MARK: Help

  /// The help on a name: a function, a method, a class, or the functions of a table.
  public func help(_ name: String) -> String? {
    if let function = function(named: name) { return function.help }
    if let found = luaClass(named: name) { return found.help }
    let inside = functions.filter { $0.name.hasPrefix(name + ".") }
    return inside.isEmpty ? nil : inside.map(\.line).joined(separator: "\n")
  }

  /// The help on a Lua value: a function of this module, an object, a name given as a string.
  public func help(_ value: LuaValue, in lua: Lua) -> String? {
    switch value {
    case .function(let reference): lua.function(of: reference)?.help
    case .object(let object): lua.luaClass(of: object)?.help
    case .string(let name): help(name)
    default: nil
    }
  }

  /// One line for each function and class.
  public var overview: String {
    (functions.map(\.line) + classes.map { "\($0.name)  \(firstSentence($0.summary))" })
      .joined(separator: "\n")
  }
}
