import CLua
import LuaShim

/// One call of a Swift function from Lua: its arguments, and the way to return results.
///
/// Arguments count from 1; the object of a method is the first of them. Messages count as the
/// caller wrote: in `t:sum("x")` the string is argument 1. A `LuaCall` ends with the body it was
/// passed to.
public struct LuaCall: LuaReader {
  /// The state that made the call.
  public let lua: Lua
  /// The thread that made the call: a coroutine, or the main thread.
  public let state: OpaquePointer
  /// How many arguments were given.
  public let count: Int
  private let entry: FunctionEntry

  init(_ lua: Lua, _ state: OpaquePointer, _ entry: FunctionEntry) {
    self.lua = lua
    self.state = state
    self.entry = entry
    count = Int(lua_gettop(state))
  }

  /// The declaration of the function that was called.
  public var function: LuaFunction { entry.function }

  /// Calls `body` with the stack index of an argument.
  public func withValue<R>(at position: Int, _ body: (Int32) throws -> R) rethrows -> R {
    // Results already pushed are no arguments.
    try body(Int32(position <= count ? position : Int(lua_gettop(state)) + 1))
  }

  /// Whether this is an `__index` that the loop of Lua's `ipairs` asks for its next element: it
  /// ends at nil.
  public var isFromIpairs: Bool { mnemo_isipairs(state) != 0 }

  /// The type declared for an argument.
  public func declaredType(of position: Int) -> LuaType? {
    let index = position - (entry.kind == .function ? 1 : 2)
    return function.parameters.indices.contains(index) ? function.parameters[index].type : nil
  }

  /// The error `bad argument #1 to 'f' (reason)`.
  ///
  /// Like Lua's own: a call with a colon does not count the object, and an operator names the
  /// operand.
  public func failure(_ position: Int, _ reason: String) -> BadArgument {
    BadArgument(description: subject(position, reason))
  }

  private func subject(_ position: Int, _ reason: String) -> String {
    if entry.kind == .metamethod {
      switch entry.name {
      case "__index", "__newindex":
        return position == 3 ? "bad value (\(reason))" : "bad index (\(reason))"
      case "__call": return numbered(position - 1, "__call", reason)
      default:
        guard let sign = operatorSigns[entry.name] else { break }
        return "bad operand #\(position) to '\(sign)' (\(reason))"
      }
    }
    let hidden = mnemo_ismethodcall(state) != 0 ? 1 : 0
    return numbered(position - hidden, entry.name, reason)
  }

  private func numbered(_ position: Int, _ name: String, _ reason: String) -> String {
    position == 0
      ? "calling '\(name)' on bad self (\(reason))"
      : "bad argument #\(position) to '\(name)' (\(reason))"
  }

  // MARK: Options

  /// The option table, checked against the declaration.
  ///
  /// Every key must be declared, every value have its type, every required option be there. A
  /// missing table counts as an empty one unless an option is required.
  ///
  /// - Parameter position: Where the table is; by default after the declared parameters.
  /// - Returns: The options, with defaults for what was not given.
  /// - Throws: `BadArgument`, which for an unknown key names the nearest declared one.
  public func options(_ position: Int? = nil) throws -> LuaOptions {
    let declared = function.options ?? []
    let position = position ?? function.parameters.count + (entry.kind == .function ? 1 : 2)
    let index: Int32? =
      try withValue(at: position) { index in
        switch lua_type(state, index) {
        case LUA_TTABLE: return index
        case LUA_TNIL where !declared.contains(where: \.isRequired),
          LUA_TNONE where !declared.contains(where: \.isRequired):
          return nil
        default:
          throw failure(position, "table expected, got \(lua.typeName(at: index))")
        }
      }
    return try LuaOptions(checking: declared, at: index, of: entry, in: lua)
  }

  // MARK: Results

  /// Returns nothing.
  public func returns() -> Int { 0 }

  /// Returns one value.
  public func returns(_ value: some LuaPushable) -> Int {
    lua.reserve(1)
    value.push(to: lua)
    return 1
  }

  /// Returns one object of a registered class.
  public func returns(_ object: AnyObject) -> Int {
    lua.push(object)
    return 1
  }

  /// Returns the Lua value that Swift holds.
  public func returns(_ reference: LuaReference) -> Int {
    reference.push()
    return 1
  }

  /// Returns several values.
  public func returns(
    _ first: any LuaPushable, _ second: any LuaPushable, _ others: any LuaPushable...
  ) -> Int {
    guard lua.reserve(others.count + 2) else { return 0 }
    first.push(to: lua)
    second.push(to: lua)
    for value in others { value.push(to: lua) }
    return others.count + 2
  }

  /// Returns several objects of registered classes.
  public func returns(_ first: AnyObject, _ second: AnyObject, _ others: AnyObject...) -> Int {
    guard lua.reserve(others.count + 2) else { return 0 }
    for object in [first, second] + others { lua.push(object) }
    return others.count + 2
  }

  /// Returns a list of objects.
  public func returns(_ objects: [some AnyObject]) -> Int { returns(objects.map(LuaObject.init)) }

  /// Returns these values in order.
  public func returns(all values: [LuaValue]) -> Int {
    guard lua.reserve(values.count) else { return 0 }
    for value in values { value.push(to: lua) }
    return values.count
  }

  /// Returns an argument as it is: the same userdata, so that calls can be chained.
  public func returns(argument position: Int) -> Int {
    lua.reserve(1)
    withValue(at: position) { lua_pushvalue(state, $0) }
    return 1
  }

  // MARK: User values

  /// Keeps a Lua value in the userdata at `position`, in place of the one kept before.
  ///
  /// The userdata is what keeps it alive. A `LuaReference` in the Swift object would instead be a
  /// root for the collector: a closure that can reach the object again would then never go.
  /// - Returns: `false` if the argument is no object.
  @discardableResult
  public func setUserValue(_ position: Int, _ value: some LuaPushable) -> Bool {
    guard mnemo_toblock(state, Int32(position)) != nil else { return false }
    lua.reserve(1)
    value.push(to: lua)
    return mnemo_setuservalue(state, Int32(position)) != 0
  }

  /// The Lua value kept in the userdata at `position`.
  public func userValue(_ position: Int) -> LuaValue {
    guard mnemo_toblock(state, Int32(position)) != nil else { return .nil }
    lua.reserve(1)
    mnemo_pushuservalue(state, Int32(position))
    defer { mnemo_pop(state, 1) }
    return lua.value(at: -1)
  }
}

/// How the operators are written, for messages.
private let operatorSigns = [
  "__add": "+", "__sub": "-", "__mul": "*", "__div": "/", "__mod": "%", "__pow": "^",
  "__unm": "-", "__idiv": "//", "__concat": "..", "__len": "#", "__eq": "==", "__lt": "<",
  "__le": "<=", "__band": "&", "__bor": "|", "__bxor": "~", "__shl": "<<", "__shr": ">>",
  "__bnot": "~",
]
