import Tensors

/// A value of JSON text.
///
/// Its texts are bytes. The strings of Swift, and so the keys that Foundation reads, are equal
/// where Unicode takes one for the other; the entries of a vocabulary are equal byte by byte.
enum JSON {
  case null
  case boolean(Bool)
  case number(Double)
  /// In UTF-8.
  case text([UInt8])
  case list([JSON])
  /// No name comes twice.
  case record([Field])

  /// A value of a record under its name.
  struct Field {
    let name: [UInt8]
    let value: JSON
  }

  /// Reads a whole text.
  /// - Throws: `Refusal` that says at which byte, counted from 1, the text is no JSON; `Stopped`.
  init(_ bytes: [UInt8]) throws {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw Refusal("is not JSON: it is no UTF-8 text")
    }
    var reader = JSONReader(bytes)
    self = try reader.whole()
  }

  /// The value under a name; nil if there is none, it is null, or this is no record.
  subscript(name: String) -> JSON? {
    guard case .record(let fields) = self,
      let field = fields.first(where: { $0.name.elementsEqual(name.utf8) })
    else { return nil }
    if case .null = field.value { return nil }
    return field.value
  }

  /// The value as messages show it.
  var shown: String {
    switch self {
    case .null: "null"
    case .boolean(let value): String(value)
    case .number(let value): Int(exactly: value).map(String.init) ?? String(value)
    case .text(let bytes): quoted(bytes)
    case .list: "a list"
    case .record: "an object"
    }
  }
}

/// Reads JSON from valid UTF-8 (RFC 8259).
private struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  private var valuesRead = 0
  private static let deepest = 64

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func whole() throws -> JSON {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw malformed("more after its end") }
    return value
  }

  private func malformed(_ what: String) -> Refusal {
    Refusal("is not JSON: \(what) at byte \(position + 1)")
  }

  /// The next byte; 0, which no value begins with or ends in, after the last.
  private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  private mutating func skipSpace() {
    while [0x20, 0x0A, 0x0D, 0x09].contains(next) { position += 1 }
  }

  /// Goes past `byte`, if that comes next.
  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  private mutating func value() throws -> JSON {
    valuesRead += 1
    if valuesRead & 0xFFFF == 0 { try StopToken.checkpoint() }
    skipSpace()
    switch next {
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "{"): return .record(try nested(record))
    case UInt8(ascii: "["): return .list(try nested(list))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default:
      for (word, value) in [("true", .boolean(true)), ("false", .boolean(false)), ("null", .null)]
        as [(String, JSON)]
      where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return value
      }
      throw malformed(position < bytes.count ? "no value" : "it ends early,")
    }
  }

  private mutating func nested<R>(
    _ read: (inout JSONReader) throws -> R
  ) throws -> R {
    guard depth < Self.deepest else {
      throw malformed("values nested deeper than \(Self.deepest) levels")
    }
    depth += 1
    defer { depth -= 1 }
    position += 1
    return try read(&self)
  }

  private func list(_ reader: inout JSONReader) throws -> [JSON] {
    var values: [JSON] = []
    reader.skipSpace()
    if reader.take("]") { return values }
    repeat {
      values.append(try reader.value())
      reader.skipSpace()
    } while reader.take(",")
    guard reader.take("]") else { throw reader.malformed("no , or ]") }
    return values
  }

  private func record(_ reader: inout JSONReader) throws -> [JSON.Field] {
    var fields: [JSON.Field] = []
    var names: Set<[UInt8]> = []
    reader.skipSpace()
    if reader.take("}") { return fields }
    repeat {
      reader.skipSpace()
      let name = try reader.text()
      guard names.insert(name).inserted else {
        throw reader.malformed("the name \(quoted(name)) a second time")
      }
      reader.skipSpace()
      guard reader.take(":") else { throw reader.malformed("no :") }
      fields.append(JSON.Field(name: name, value: try reader.value()))
      reader.skipSpace()
    } while reader.take(",")
    guard reader.take("}") else { throw reader.malformed("no , or }") }
    return fields
  }

  private mutating func number() throws -> JSON {
    let start = position
    func digits(_ reader: inout JSONReader) throws {
      let first = reader.position
      while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(reader.next) { reader.position += 1 }
      guard reader.position > first else { throw reader.malformed("no digit") }
    }
    _ = take("-")
    if !take("0") { try digits(&self) }
    if take(".") { try digits(&self) }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      try digits(&self)
    }
    guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw malformed("no number")
    }
    return .number(value)
  }

  private mutating func text() throws -> [UInt8] {
    guard take("\"") else { throw malformed("no text in quotation marks") }
    var result: [UInt8] = []
    var start = position
    while true {
      switch next {
      case UInt8(ascii: "\""):
        result += bytes[start..<position]
        position += 1
        return result
      case UInt8(ascii: "\\"):
        result += bytes[start..<position]
        position += 1
        result += String(try escaped()).utf8
        start = position
      case 0..<0x20:
        throw malformed(position < bytes.count ? "a control character" : "it ends early,")
      default: position += 1
      }
    }
  }

  /// The character that follows a backslash stands for.
  private mutating func escaped() throws -> Unicode.Scalar {
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = try fourDigits()
      // The halves of a surrogate pair are two escapes.
      if (0xD800..<0xDC00).contains(code), take("\\"), take("u") {
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low) else { throw malformed("half a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw malformed("half a surrogate pair") }
      return scalar
    default:
      position -= 1
      throw malformed("no escape")
    }
  }

  private mutating func fourDigits() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(next)).hexDigitValue else {
        throw malformed("no hexadecimal digit")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
