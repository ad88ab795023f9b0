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
    return Int(clamping: lua_rawlen(lua.current, -1))
  }

  /// Calls `body` with the stack index of a field.
  public func withValue<R>(at key: LuaKey, _ body: (Int32) throws -> R) rethrows -> R {
    let stack = lua.current
    lua.reserve(4)
    reference.push()
    switch key {
    case .index(let index): lua_pushinteger(stack, lua_Integer(index))
    case .name(let name): lua.pushString(name)
    }
    _ = mnemo_rawget(stack, -2)
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
  ///
  /// They are those of one moment: a finalizer may change the table while it is read.
  /// - Throws: `LuaError` if there is no memory for them.
  public func entries() throws -> [(key: LuaValue, value: LuaValue)] {
    var result: [(key: LuaValue, value: LuaValue)] = []
    try withTable { table in
      try lua.withEntries(ofTableAt: table) { key, value in
        result.append((lua.value(at: key), lua.value(at: value)))
      }
    }
    return result.sorted { a, b in
      switch (a.key.asString, b.key.asString) {
      case (let x?, let y?): x.utf8.lexicographicallyPrecedes(y.utf8)
      case (nil, nil): (a.key.asNumber ?? .infinity) < (b.key.asNumber ?? .infinity)
      case (let x, _): x == nil
      }
    }
  }

  /// The fields with string keys, sorted by name; any other key is an error.
  public func fields() throws -> [(name: String, value: LuaValue)] {
    let prefix = path.isEmpty ? "" : path + ": "
    var result: [(name: String, value: LuaValue)] = []
    try withTable { table in
      try lua.withEntries(ofTableAt: table) { key, value in
        guard lua_type(lua.current, key) == LUA_TSTRING else {
          throw fail(prefix + "names expected as keys, got a \(lua.typeName(at: key))")
        }
        result.append((lua.string(at: key), lua.value(at: value)))
      }
    }
    return result.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private func withTable(_ body: (Int32) throws -> Void) throws {
    lua.reserve(4)
    reference.push()
    defer { mnemo_pop(lua.current, 1) }
    try body(lua_gettop(lua.current))
  }
}

extension Lua {
  /// Calls `body` with the stack indices of every key and its value, as the table holds them now.
  func withEntries(
    ofTableAt index: Int32, _ body: (_ key: Int32, _ value: Int32) throws -> Void
  ) throws {
    let stack = current
    let top = lua_gettop(stack)
    defer { lua_settop(stack, top) }
    reserve(8)
    note(mnemo_pushentries(stack, index))
    try checkPushes()
    for position in stride(from: 1, to: lua_Integer(lua_rawlen(stack, top + 1)), by: 2) {
      lua_rawgeti(stack, top + 1, position)
      lua_rawgeti(stack, top + 1, position + 1)
      try body(top + 2, top + 3)
      lua_settop(stack, top + 1)
    }
  }
}
