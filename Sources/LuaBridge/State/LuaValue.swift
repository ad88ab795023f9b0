import CLua
import LuaShim

/// What Swift can put on a Lua stack: numbers, strings, lists, records, references.
public protocol LuaPushable {
  /// Pushes exactly one value on the current thread's stack.
  func push(to lua: Lua)
}

/// One Lua value, as Swift sees it.
public enum LuaValue {
  /// `nil`, or no value at all.
  case `nil`
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  /// Text; bytes that are no UTF-8 were replaced.
  case string(String)
  /// A Swift object of a registered class.
  case object(AnyObject)
  case table(LuaReference)
  case function(LuaReference)
  /// Whatever else Lua has (a thread, another library's userdata), with its type's name.
  case other(LuaReference, typeName: String)

  static func reference(_ reference: LuaReference) -> LuaValue { .other(reference, typeName: "") }

  /// Whether this is `nil`.
  public var isNil: Bool { if case .nil = self { true } else { false } }
  /// What Lua takes for true: everything but `nil` and `false`.
  public var isTrue: Bool {
    switch self {
    case .nil, .boolean(false): false
    default: true
    }
  }
  /// The number, if it is one.
  public var asNumber: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The number as an integer, if it is one without loss.
  public var asInteger: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }
  /// The text, if it is a string.
  public var asString: String? { if case .string(let value) = self { value } else { nil } }
  /// The flag, if it is a boolean.
  public var asBoolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  /// The object as a `T`, if it is one.
  public func asObject<T>(_ type: T.Type = T.self) -> T? {
    if case .object(let value) = self { value as? T } else { nil }
  }
  /// A reader of the fields, if it is a table.
  public var asTable: TableReader? {
    if case .table(let value) = self { value.table } else { nil }
  }

  /// What messages call the type.
  public var typeName: String {
    switch self {
    case .nil: "nil"
    case .boolean: "boolean"
    case .integer, .number: "number"
    case .string: "string"
    case .object(let value): String(describing: type(of: value))
    case .table: "table"
    case .function: "function"
    case .other(_, let name): name
    }
  }
}

extension LuaValue: LuaPushable {
  /// Pushes the value; an object gets a new userdata.
  public func push(to lua: Lua) {
    switch self {
    case .nil: lua_pushnil(lua.current)
    case .boolean(let value): value.push(to: lua)
    case .integer(let value): value.push(to: lua)
    case .number(let value): value.push(to: lua)
    case .string(let value): value.push(to: lua)
    case .object(let value): lua.push(value)
    case .table(let value), .function(let value), .other(let value, _): value.push()
    }
  }
}

extension LuaValue: Equatable {
  /// Equality as in Lua without metamethods: numbers by value, objects by identity.
  public static func == (a: LuaValue, b: LuaValue) -> Bool {
    switch (a, b) {
    case (.nil, .nil): return true
    case (.boolean(let x), .boolean(let y)): return x == y
    case (.string(let x), .string(let y)): return x == y
    case (.integer(let x), .integer(let y)): return x == y
    case (.object(let x), .object(let y)): return x === y
    case (.table(let x), .table(let y)), (.function(let x), .function(let y)),
      (.other(let x, _), .other(let y, _)):
      return x == y
    default:
      guard let x = a.asNumber, let y = b.asNumber else { return false }
      return x == y
    }
  }
}

extension LuaValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral
{
  /// Writes `nil` as itself.
  public init(nilLiteral: ()) { self = .nil }
  /// Writes a boolean as itself.
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  /// Writes an integer as itself.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// Writes a float as itself.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// Writes a string as itself.
  public init(stringLiteral value: String) { self = .string(value) }
}

extension LuaValue: CustomStringConvertible {
  /// The value as Lua source would write it, where it can.
  public var description: String {
    switch self {
    case .nil: "nil"
    case .boolean(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): String(value)
    case .string(let value): "\"\(value)\""
    case .object, .table, .function, .other: "(\(typeName))"
    }
  }
}

extension Bool: LuaPushable {
  /// Pushes a boolean.
  public func push(to lua: Lua) { lua_pushboolean(lua.current, self ? 1 : 0) }
}

extension Int: LuaPushable {
  /// Pushes an integer.
  public func push(to lua: Lua) { lua_pushinteger(lua.current, lua_Integer(self)) }
}

extension Double: LuaPushable {
  /// Pushes a float.
  public func push(to lua: Lua) { lua_pushnumber(lua.current, self) }
}

extension Float: LuaPushable {
  /// Pushes a float.
  public func push(to lua: Lua) { lua_pushnumber(lua.current, Double(self)) }
}

extension String: LuaPushable {
  /// Pushes a string.
  public func push(to lua: Lua) { lua.pushString(self) }
}

extension Optional: LuaPushable where Wrapped: LuaPushable {
  /// Pushes the value, or `nil`.
  public func push(to lua: Lua) {
    if let value = self { value.push(to: lua) } else { lua_pushnil(lua.current) }
  }
}

extension Array: LuaPushable where Element: LuaPushable {
  /// Pushes a list.
  public func push(to lua: Lua) {
    let stack = lua.current
    guard lua.reserve(4) else { return lua_pushnil(stack) }
    guard lua.pushTable(elements: count) else { return }
    for (index, element) in enumerated() {
      // Nobody sees the rest: the interrupt is raised before Lua's next instruction.
      if index & 0xFFFF == 0xFFFF, StopToken.stopsHere { return }
      element.push(to: lua)
      // There is room for it already, so this needs no memory.
      lua_rawseti(stack, -2, lua_Integer(index + 1))
    }
  }
}

extension Dictionary: LuaPushable where Key == String, Value: LuaPushable {
  /// Pushes a table with string keys.
  public func push(to lua: Lua) {
    LuaRecord(self.map { ($0.key, $0.value) }).push(to: lua)
  }
}

/// A table with named fields, to be returned: `["tokens": .object(tokens), "loss": 0.5]`.
public struct LuaRecord: LuaPushable, ExpressibleByDictionaryLiteral {
  private let fields: [(String, any LuaPushable)]

  /// A record with these fields.
  public init(_ fields: [(String, any LuaPushable)]) { self.fields = fields }
  /// A record with these fields.
  public init(dictionaryLiteral fields: (String, any LuaPushable)...) { self.fields = fields }

  /// Pushes a table.
  public func push(to lua: Lua) {
    guard lua.reserve(5) else { return lua_pushnil(lua.current) }
    guard lua.pushTable(fields: fields.count) else { return }
    for (name, value) in fields {
      lua.pushString(name)
      value.push(to: lua)
      lua.rawSet(-3)
    }
  }
}

/// A Swift object among other values to push: `LuaObject(tensor)`.
public struct LuaObject: LuaPushable {
  private let object: AnyObject
  /// Wraps an object of a registered class.
  public init(_ object: AnyObject) { self.object = object }
  /// Pushes a userdata that holds the object.
  public func push(to lua: Lua) { lua.push(object) }
}
