import CLua
import LuaShim

/// A position or a name in a table.
public enum LuaKey: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  case index(Int)
  case name(String)

  /// A position written as itself.
  public init(integerLiteral value: Int) { self = .index(value) }
  /// A name written as itself.
  public init(stringLiteral value: String) { self = .name(value) }

  var path: String {
    switch self {
    case .index(let index): "[\(index)]"
    case .name(let name): ".\(name)"
    }
  }
}

/// Reads the fields of a table an argument or an option holds, without metamethods.
///
/// Messages tell the way: `bad argument #1 to 'tensor' ([2][3]: number expected, got string)`.
public struct TableReader: LuaReader {
  /// The table itself.
  public let reference: LuaReference
  private let path: String
  private let fail: (String) -> BadArgument

  init(_ reference: LuaReference, path: String, fail: @escaping (String) -> BadArgument) {
    self.reference = reference
    self.path = path
    self.fail = fail
  }

  /// The state the table lives in.
  public var lua: Lua { reference.lua }

  /// The length of the sequence in it.
  public var count: Int {
    reference.push()
    defer { mnemo_pop(lua.current, 1) }
    return Int(lua_rawlen(lua.current, -1))
  }

  /// Calls `body` with the stack index of a field.
  public func withValue<R>(at key: LuaKey, _ body: (Int32) throws -> R) rethrows -> R {
    let stack = lua.current
    lua.reserve(4)
    reference.push()
    switch key {
    case .index(let index): lua_rawgeti(stack, -1, lua_Integer(index))
    case .name(let name):
      lua.pushString(name)
      lua_rawget(stack, -2)
    }
    defer { mnemo_pop(stack, 2) }
    return try body(lua_gettop(stack))
  }

  /// The error about a field.
  public func failure(_ key: LuaKey, _ reason: String) -> BadArgument {
    fail(path + key.path + ": " + reason)
  }

  /// Tables declare no types.
  public func declaredType(of key: LuaKey) -> LuaType? { nil }

  /// A table in a field; its messages name the whole path.
  public func table(_ key: LuaKey) throws -> TableReader {
    try withValue(at: key) { index in
      guard lua_type(lua.current, index) == LUA_TTABLE else {
        throw failure(key, "table expected, got \(lua.typeName(at: index))")
      }
      return TableReader(lua.reference(at: index), path: path + key.path, fail: fail)
    }
  }

  /// Every key with its value; string keys come sorted, since Lua's order varies between runs.
  public func entries() -> [(key: LuaValue, value: LuaValue)] {
    let stack = lua.current
    lua.reserve(6)
    reference.push()
    let table = lua_gettop(stack)
    var result: [(key: LuaValue, value: LuaValue)] = []
    lua_pushnil(stack)
    while lua_next(stack, table) != 0 {
      result.append((lua.value(at: -2), lua.value(at: -1)))
      mnemo_pop(stack, 1)
    }
    mnemo_pop(stack, 1)
    return result.sorted { a, b in
      switch (a.key.asString, b.key.asString) {
      case (let x?, let y?): x < y
      case (nil, nil): (a.key.asNumber ?? .infinity) < (b.key.asNumber ?? .infinity)
      case (let x, _): x == nil
      }
    }
  }

  /// The fields with string keys, sorted by name; any other key is an error.
  public func fields() throws -> [(name: String, value: LuaValue)] {
    try entries().map { key, value in
      guard let name = key.asString else {
        throw fail(
          (path.isEmpty ? "" : path + ": ") + "names expected as keys, got a \(key.typeName)")
      }
      return (name, value)
    }
  }
}
