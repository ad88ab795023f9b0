import CLua
import LuaShim

/// Typed access to Lua values by some key: arguments by position, options by name, table fields.
///
/// The getters check and never convert: a string is no number, though `3.0` is an integer. They
/// throw a `BadArgument` which names the argument, what it should be and what it is. The optional
/// ones give `nil` for `nil` or an absent value.
public protocol LuaReader {
  associatedtype Key

  /// The state the values live in.
  var lua: Lua { get }

  /// Calls `body` with the stack index of the value at `key`.
  func withValue<R>(at key: Key, _ body: (Int32) throws -> R) rethrows -> R

  /// The error that tells what is wrong with the value at `key`: `reason` goes in parentheses.
  func failure(_ key: Key, _ reason: String) -> BadArgument

  /// The type the declaration gives, for checks that the getters cannot do alone.
  func declaredType(of key: Key) -> LuaType?
}

extension LuaReader {
  /// Whether the value is `nil` or absent.
  public func isNoneOrNil(_ key: Key) -> Bool {
    withValue(at: key) { lua_type(lua.current, $0) <= LUA_TNIL }
  }

  /// Whether there is a value other than `nil`.
  public func has(_ key: Key) -> Bool { !isNoneOrNil(key) }

  /// Whether the value is a number; asked before ``value(_:)`` where calls must be fast.
  public func isNumber(_ key: Key) -> Bool {
    withValue(at: key) { lua_type(lua.current, $0) == LUA_TNUMBER }
  }

  /// The object, if the value is one of this class; asked before ``value(_:)`` where calls must be
  /// fast.
  public func ifObject<T>(_ key: Key, _ type: T.Type = T.self) -> T? {
    withValue(at: key) { lua.object(at: $0, as: type) }
  }

  /// The type's name as messages give it.
  public func typeName(_ key: Key) -> String { withValue(at: key) { lua.typeName(at: $0) } }

  /// The value, whatever its type.
  public func value(_ key: Key) -> LuaValue { withValue(at: key) { lua.value(at: $0) } }

  /// A number.
  public func number(_ key: Key) throws -> Double {
    try withValue(at: key) { index in
      guard lua_type(lua.current, index) == LUA_TNUMBER else {
        throw mismatch(key, "number", index)
      }
      return lua_tonumberx(lua.current, index, nil)
    }
  }

  /// An integer; a float with an integral value is one.
  public func integer(_ key: Key) throws -> Int {
    try withValue(at: key) { index in
      guard lua_type(lua.current, index) == LUA_TNUMBER else {
        throw mismatch(key, "number", index)
      }
      var isIntegral: Int32 = 0
      let value = lua_tointegerx(lua.current, index, &isIntegral)
      guard isIntegral != 0 else { throw failure(key, noInteger) }
      return Int(value)
    }
  }

  /// A string; if the declaration lists choices, one of them.
  public func string(_ key: Key) throws -> String {
    try withValue(at: key) { index in
      guard lua_type(lua.current, index) == LUA_TSTRING else {
        throw mismatch(key, declaredType(of: key)?.description ?? "string", index)
      }
      let value = lua.string(at: index)
      if case .choice(let names)? = declaredType(of: key), !names.contains(value) {
        throw failure(key, "\(LuaType.choice(names)) expected, got \"\(value)\"")
      }
      return value
    }
  }

  /// A string as the bytes it holds, which need not be UTF-8.
  public func bytes(_ key: Key) throws -> [UInt8] {
    try withValue(at: key) { index in
      var length = 0
      guard lua_type(lua.current, index) == LUA_TSTRING,
        let start = lua_tolstring(lua.current, index, &length)
      else { throw mismatch(key, "string", index) }
      return Array(UnsafeRawBufferPointer(start: start, count: length))
    }
  }

  /// A boolean.
  public func boolean(_ key: Key) throws -> Bool {
    try withValue(at: key) { index in
      guard lua_type(lua.current, index) == LUA_TBOOLEAN else {
        throw mismatch(key, "boolean", index)
      }
      return lua_toboolean(lua.current, index) != 0
    }
  }

  /// An object of a class, a subclass of it, or a class that conforms to a protocol.
  public func object<T>(_ key: Key, _ type: T.Type = T.self) throws -> T {
    try withValue(at: key) { index in
      guard let object = lua.object(at: index, as: type) else {
        throw mismatch(key, lua.name(of: type), index)
      }
      return object
    }
  }

  /// A function, or a value that can be called like one.
  public func function(_ key: Key) throws -> LuaReference {
    try withValue(at: key) { index in
      guard mnemo_iscallable(lua.current, index) != 0 else {
        throw mismatch(key, "function", index)
      }
      return lua.reference(at: index)
    }
  }

  /// A table.
  public func table(_ key: Key) throws -> TableReader {
    try withValue(at: key) { index in
      guard lua_type(lua.current, index) == LUA_TTABLE else {
        throw mismatch(key, "table", index)
      }
      return TableReader(lua.reference(at: index), path: "") { failure(key, $0) }
    }
  }

  /// A list of numbers.
  public func numbers(_ key: Key) throws -> [Double] {
    try elements(key, "number") { stack, index in
      lua_type(stack, index) == LUA_TNUMBER ? lua_tonumberx(stack, index, nil) : nil
    }
  }

  /// A list of integers.
  public func integers(_ key: Key) throws -> [Int] {
    try elements(key, "integer") { stack, index in
      guard lua_type(stack, index) == LUA_TNUMBER else { return nil }
      var isIntegral: Int32 = 0
      let value = lua_tointegerx(stack, index, &isIntegral)
      return isIntegral != 0 ? Int(value) : nil
    }
  }

  /// A list of strings.
  public func strings(_ key: Key) throws -> [String] {
    try elements(key, "string") { stack, index in
      lua_type(stack, index) == LUA_TSTRING ? lua.string(at: index) : nil
    }
  }

  /// A list of objects of one class.
  public func objects<T>(_ key: Key, _ type: T.Type = T.self) throws -> [T] {
    try elements(key, lua.name(of: type)) { _, index in lua.object(at: index, as: type) }
  }

  /// A number, or `nil`.
  public func optionalNumber(_ key: Key) throws -> Double? { try has(key) ? number(key) : nil }
  /// An integer, or `nil`.
  public func optionalInteger(_ key: Key) throws -> Int? { try has(key) ? integer(key) : nil }
  /// A string, or `nil`.
  public func optionalString(_ key: Key) throws -> String? { try has(key) ? string(key) : nil }
  /// A boolean, or `nil`.
  public func optionalBoolean(_ key: Key) throws -> Bool? { try has(key) ? boolean(key) : nil }
  /// An object, or `nil`.
  public func optionalObject<T>(_ key: Key, _ type: T.Type = T.self) throws -> T? {
    try has(key) ? object(key, type) : nil
  }
  /// A function, or `nil`.
  public func optionalFunction(_ key: Key) throws -> LuaReference? {
    try has(key) ? function(key) : nil
  }
  /// A table, or `nil`.
  public func optionalTable(_ key: Key) throws -> TableReader? { try has(key) ? table(key) : nil }
  /// A list of numbers, or `nil`.
  public func optionalNumbers(_ key: Key) throws -> [Double]? {
    try has(key) ? numbers(key) : nil
  }
  /// A list of integers, or `nil`.
  public func optionalIntegers(_ key: Key) throws -> [Int]? {
    try has(key) ? integers(key) : nil
  }

  private func mismatch(_ key: Key, _ expected: String, _ index: Int32) -> BadArgument {
    failure(key, "\(expected) expected, got \(lua.typeName(at: index))")
  }

  private func elements<R>(
    _ key: Key, _ expected: String, _ read: (OpaquePointer, Int32) -> R?
  ) throws -> [R] {
    try withValue(at: key) { index in
      let stack = lua.current
      guard lua_type(stack, index) == LUA_TTABLE else {
        throw mismatch(key, "list of \(expected)", index)
      }
      lua.reserve(2)
      let table = lua_absindex(stack, index)
      // A table with holes may claim any length; the first hole ends the reading.
      let count = Int(clamping: lua_rawlen(stack, table))
      var result: [R] = []
      result.reserveCapacity(min(count, 1 << 16))
      var position = 1
      while position <= count {
        lua_rawgeti(stack, table, lua_Integer(position))
        defer { mnemo_pop(stack, 1) }
        guard let element = read(stack, -1) else {
          throw failure(
            key, "[\(position)]: \(expected) expected, got \(describe(-1, wanted: expected))")
        }
        result.append(element)
        position += 1
      }
      return result
    }
  }

  /// A number that is no integer is shown, since "got number" would not explain itself.
  private func describe(_ index: Int32, wanted: String) -> String {
    guard wanted == "integer", lua_type(lua.current, index) == LUA_TNUMBER else {
      return lua.typeName(at: index)
    }
    return String(lua_tonumberx(lua.current, index, nil))
  }
}
