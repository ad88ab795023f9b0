/// One of the values that a function returns.
public struct LuaResult {
  /// Its type.
  public let type: LuaType
  /// What to call it, where there are several; maybe empty.
  public let name: String
  /// What there is to say about it; maybe empty.
  public let doc: String
  /// Whether it may be `nil`.
  public let isOptional: Bool
  /// Whether any number of such values may be returned.
  public let isVariadic: Bool

  /// A result.
  public init(
    _ type: LuaType, _ doc: String = "", name: String = "", optional: Bool = false,
    variadic: Bool = false
  ) {
    self.type = type
    self.doc = doc
    self.name = name
    isOptional = optional
    isVariadic = variadic
  }

  /// A boolean.
  public static var boolean: LuaResult { LuaResult(.boolean) }
  /// An integer.
  public static var integer: LuaResult { LuaResult(.integer) }
  /// A number.
  public static var number: LuaResult { LuaResult(.number) }
  /// A string.
  public static var string: LuaResult { LuaResult(.string) }
  /// A table.
  public static var table: LuaResult { LuaResult(.table) }
  /// A list of one type.
  public static func list(_ element: LuaType) -> LuaResult { LuaResult(.list(element)) }
  /// An object of the class with this name.
  public static func object(_ name: String) -> LuaResult { LuaResult(.object(name)) }
  /// A value of one of these types.
  public static func union(_ types: [LuaType]) -> LuaResult { LuaResult(.union(types)) }

  /// The type as signatures write it: `Tensor values`, `number or nil`.
  var words: String {
    let words = type.description + (isOptional ? " or nil" : "") + (isVariadic ? "…" : "")
    return name.isEmpty ? words : "\(words) \(name)"
  }
}
