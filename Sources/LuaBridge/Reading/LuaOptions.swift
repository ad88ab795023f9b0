import CLua
import LuaShim

/// The checked options of one call, by name; what was not given has its declared default.
///
/// The table is read without metamethods, while the call lasts.
public struct LuaOptions: LuaReader {
  /// The state the table lives in.
  public let lua: Lua
  private let index: Int32?
  private let declared: [LuaOption]
  private let entry: FunctionEntry

  init(checking declared: [LuaOption], at index: Int32?, of entry: FunctionEntry, in lua: Lua)
    throws
  {
    self.lua = lua
    self.index = index
    self.declared = declared
    self.entry = entry
    if let index { try check(index) }
  }

  private func check(_ index: Int32) throws {
    try lua.withEntries(ofTableAt: index) { key, value in
      guard lua_type(lua.current, key) == LUA_TSTRING else {
        throw BadArgument(
          description: "\(entry.name): option names are strings, got a \(lua.typeName(at: key))")
      }
      let name = lua.string(at: key)
      guard let option = declared.first(where: { $0.name == name }) else { throw unknown(name) }
      if let reason = option.type.mismatch(at: value, in: lua) { throw failure(name, reason) }
    }
    for option in declared where option.isRequired && isNoneOrNil(option.name) {
      throw BadArgument(
        description: "\(entry.name): missing option '\(option.name)' (\(option.type) expected)")
    }
  }

  private func unknown(_ name: String) -> BadArgument {
    let allowed = declared.map(\.name)
    let hint =
      nearest(name, among: allowed).map { "did you mean '\($0)'?" }
      ?? (allowed.isEmpty
        ? "there are none" : "allowed are " + allowed.map { "'\($0)'" }.joined(separator: ", "))
    return BadArgument(description: "\(entry.name): unknown option '\(name)'; \(hint)")
  }

  /// Calls `body` with the stack index of the option's value, or of its default.
  public func withValue<R>(at name: String, _ body: (Int32) throws -> R) rethrows -> R {
    guard let option = declared.first(where: { $0.name == name }) else {
      preconditionFailure("\(entry.name) does not declare an option '\(name)'")
    }
    let stack = lua.current
    lua.reserve(5)
    if let index {
      lua.pushString(name)
      _ = mnemo_rawget(stack, index)
    } else {
      lua_pushnil(stack)
    }
    if lua_type(stack, -1) == LUA_TNIL {
      switch option.fallback {
      case .value(let value):
        mnemo_pop(stack, 1)
        value.push(to: lua)
      case .list(let values):
        mnemo_pop(stack, 1)
        values.push(to: lua)
      case .required, .none, .described: break
      }
    }
    defer { mnemo_pop(stack, 1) }
    return try body(lua_gettop(stack))
  }

  /// The error `bad option 'lr' to 'optim.sgd' (reason)`.
  public func failure(_ name: String, _ reason: String) -> BadArgument {
    BadArgument(description: "bad option '\(name)' to '\(entry.name)' (\(reason))")
  }

  /// The type declared for an option.
  public func declaredType(of name: String) -> LuaType? {
    declared.first { $0.name == name }?.type
  }

  /// The names of the options that the caller gave, in the order of the declaration.
  public var given: [String] { declared.map(\.name).filter(isGiven) }

  /// Whether the caller gave the option, default or not.
  public func isGiven(_ name: String) -> Bool {
    guard let index else { return false }
    lua.reserve(2)
    lua.pushString(name)
    defer { mnemo_pop(lua.current, 1) }
    return mnemo_rawget(lua.current, index) != LUA_TNIL
  }
}
