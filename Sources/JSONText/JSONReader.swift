import ByteStrings
import Stopping

/// Why a text is no JSON: the end of a sentence, with the place of the byte, counted from 1.
public struct JSONError: Error, Equatable {
  public let reason: String

  /// An error of this reason.
  public init(reason: String) { self.reason = reason }
}

extension JSON {
  /// Reads a whole text.
  /// - Throws: `JSONError`, also for a name that comes twice in an object and for values that are
  ///   nested deeper than 200 levels; `Stopped`.
  public init(_ text: String) throws {
    var reader = JSONReader(Array(text.utf8))
    self = try reader.whole()
  }

  /// Reads a whole text in UTF-8.
  /// - Throws: as for a text, and `JSONError` if it is not UTF-8.
  public init(utf8 bytes: [UInt8]) throws {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw JSONError(reason: "it is no UTF-8 text")
    }
    var reader = JSONReader(bytes)
    self = try reader.whole()
  }
}

/// Reads JSON from valid UTF-8 (RFC 8259).
private struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  private var valuesRead = 0
  private static let deepest = 200

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func whole() throws -> JSON {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw malformed("more after its end") }
    return value
  }

  private func malformed(_ what: String) -> JSONError {
    JSONError(reason: "\(what) at byte \(position + 1)")
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
    case UInt8(ascii: "{"): return .object(try nested(object))
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

  private func object(_ reader: inout JSONReader) throws -> [(name: String, value: JSON)] {
    var fields: [(name: String, value: JSON)] = []
    var names: Set<[UInt8]> = []
    reader.skipSpace()
    if reader.take("}") { return fields }
    repeat {
      reader.skipSpace()
      let name = try reader.text()
      guard names.insert(Array(name.utf8)).inserted else {
        throw reader.malformed("the name \"\(name.printable)\" a second time")
      }
      reader.skipSpace()
      guard reader.take(":") else { throw reader.malformed("no :") }
      fields.append((name, try reader.value()))
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
    let digits = String(decoding: bytes[start..<position], as: UTF8.self)
    if let integer = Int(digits) { return .integer(integer) }
    guard let number = Double(digits) else { throw malformed("no number") }
    return .number(number)
  }

  private mutating func text() throws -> String {
    guard take("\"") else { throw malformed("no text in quotation marks") }
    var result: [UInt8] = []
    var start = position
    while true {
      switch next {
      case UInt8(ascii: "\""):
        result += bytes[start..<position]
        position += 1
        return String(decoding: result, as: UTF8.self)
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
