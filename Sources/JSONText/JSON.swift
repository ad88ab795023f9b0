import ByteStrings

/// A value of JSON text, integers and other numbers kept apart.
public enum JSON: Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([JSON])
  /// Names are the same if their bytes are; the strings of Swift are equal where Unicode takes one
  /// for the other.
  case object([(name: String, value: JSON)])

  /// The text, of which one value has one: names in alphabetical order, NaN as null, infinity as
  /// 1e999, so that every number comes back and any program that reads JSON can read it.
  public var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  /// The value under a name; nil if there is none, it is null, or this is no object.
  public subscript(name: String) -> JSON? {
    guard case .object(let fields) = self,
      let field = fields.first(where: { $0.name.utf8.elementsEqual(name.utf8) })
    else { return nil }
    if case .null = field.value { return nil }
    return field.value
  }

  /// The value as messages show it.
  public var shown: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): "\(flag)"
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .text(let text): "\"\(text.printable)\""
    case .list: "a list"
    case .object: "an object"
    }
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .boolean(let flag): text += flag ? "true" : "false"
    case .integer(let integer): text += "\(integer)"
    case .number(let number):
      text +=
        number.isNaN ? "null" : number.isFinite ? "\(number)" : number < 0 ? "-1e999" : "1e999"
    case .text(let content): JSON.write(content, to: &text)
    case .list(let values):
      text += "["
      for (i, value) in values.enumerated() {
        if i > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .object(let fields):
      text += "{"
      let sorted = fields.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      for (i, field) in sorted.enumerated() {
        if i > 0 { text += "," }
        JSON.write(field.name, to: &text)
        text += ":"
        field.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func write(_ content: String, to text: inout String) {
    text += "\""
    for scalar in content.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
