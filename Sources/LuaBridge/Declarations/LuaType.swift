import CLua
import LuaShim

/// The type of a parameter or an option, in Lua's words.
public indirect enum LuaType: Sendable, Equatable {
  /// Anything but `nil`.
  case any
  case boolean
  /// A number with an integral value; `3.0` will do.
  case integer
  case number
  case string
  /// One of these strings.
  case choice([String])
  case table
  /// A table that is a sequence of one type.
  case list(LuaType)
  /// A function, or what can be called like one.
  case function
  /// An object of the class with this name, or of a class below it.
  case object(String)
  case union([LuaType])
}

extension LuaType: CustomStringConvertible {
  /// The type as messages and the documentation write it: `number`, `"fixed" or "random"`.
  public var description: String {
    switch self {
    case .any: "value"
    case .boolean: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .choice: Self.either(alternatives)
    case .table: "table"
    case .list(let element) where element.alternatives.count > 1: "list of (\(element))"
    case .list(let element): "list of \(element)"
    case .function: "function"
    case .object(let name): name
    case .union(let types): Self.either(types.flatMap(\.alternatives))
    }
  }

  /// The strings that are allowed; none where any string is.
  public var choices: [String] {
    switch self {
    case .choice(let names): names
    case .union(let types): types.flatMap(\.choices)
    default: []
    }
  }

  private var alternatives: [String] {
    switch self {
    case .choice(let names): names.map { "\"\($0)\"" }
    case .union(let types): types.flatMap(\.alternatives)
    default: [description]
    }
  }

  /// Whether some strings are allowed, so that a message shows the one given.
  private var hasChoices: Bool {
    switch self {
    case .choice: true
    case .union(let types): types.contains(where: \.hasChoices)
    default: false
    }
  }

  /// `a`, `a or b`, `a, b or c`.
  private static func either(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }
}

extension LuaType {
  /// Why the value at a positive stack index is not of this type; `nil` if it is.
  func mismatch(at index: Int32, in lua: Lua) -> String? {
    let stack = lua.current
    let type = lua_type(stack, index)
    var matches = false
    switch self {
    case .any: matches = type != LUA_TNIL && type != LUA_TNONE
    case .boolean: matches = type == LUA_TBOOLEAN
    case .number: matches = type == LUA_TNUMBER
    case .string: matches = type == LUA_TSTRING
    case .table: matches = type == LUA_TTABLE
    case .function: matches = mnemo_iscallable(stack, index) != 0
    case .integer:
      if type == LUA_TNUMBER { return integer(at: index, in: lua) }
      // The message says number, as Lua's own do.
      return LuaType.number.mismatch(at: index, in: lua)
    case .choice(let names): matches = type == LUA_TSTRING && names.contains(lua.string(at: index))
    case .list(let element):
      guard type == LUA_TTABLE else { break }
      return element.mismatch(ofElementsAt: index, in: lua)
    case .object(let name):
      guard let object = lua.object(at: index) else { break }
      matches =
        lua.typeName(at: index) == name || lua.luaClass(named: name)?.matches(object) == true
    case .union(let types):
      // A type that fits but for its content gives the better reason.
      var reason: String?
      for alternative in types {
        guard let mismatch = alternative.mismatch(at: index, in: lua) else { return nil }
        if !mismatch.contains(" expected, got ") || mismatch.hasPrefix("[") { reason = mismatch }
      }
      if let reason { return reason }
    }
    guard !matches else { return nil }
    let given =
      type == LUA_TSTRING && hasChoices ? "\"\(lua.string(at: index))\"" : lua.typeName(at: index)
    return "\(self) expected, got \(given)"
  }

  private func integer(at index: Int32, in lua: Lua) -> String? {
    var isIntegral: Int32 = 0
    _ = lua_tointegerx(lua.current, index, &isIntegral)
    return isIntegral != 0 ? nil : noInteger
  }

  private func mismatch(ofElementsAt index: Int32, in lua: Lua) -> String? {
    let stack = lua.current
    lua.reserve(3)
    let count = Int(clamping: lua_rawlen(stack, index))
    var element = 1
    while element <= count {
      lua_rawgeti(stack, index, lua_Integer(element))
      defer { mnemo_pop(stack, 1) }
      if let reason = mismatch(at: lua_gettop(stack), in: lua) { return "[\(element)]: " + reason }
      element += 1
    }
    return nil
  }
}

/// Lua's own words for a number such as 3.5 where an integer is wanted.
let noInteger = "number has no integer representation"
