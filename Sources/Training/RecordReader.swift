/// Reads lines of a history, as ``Record/json`` writes them.
struct RecordReader {
  private var rest: ArraySlice<UInt8>

  /// The record of a line; nil if it is none.
  static func record(_ line: ArraySlice<UInt8>) -> Record? {
    var reader = RecordReader(rest: line)
    return reader.record()
  }

  private mutating func record() -> Record? {
    guard skip("{\"step\":"), let step = Int(word()), step >= 0, skip(",\"loss\":"),
      let loss = number()
    else { return nil }
    var values: [(name: String, value: Double)] = []
    while skip(",") {
      guard let name = text(), skip(":"), let value = number() else { return nil }
      values.append((name, value))
    }
    guard skip("}"), rest.isEmpty else { return nil }
    return Record(step: step, loss: loss, values: values)
  }

  private mutating func skip(_ expected: String) -> Bool {
    guard rest.starts(with: expected.utf8) else { return false }
    rest = rest.dropFirst(expected.utf8.count)
    return true
  }

  /// What comes before the next comma or brace.
  private mutating func word() -> String {
    let word = rest.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") }
    rest = rest.dropFirst(word.count)
    return String(decoding: word, as: UTF8.self)
  }

  private mutating func number() -> Double? {
    let isText = rest.first == UInt8(ascii: "\"")
    guard let number = Double(isText ? text() ?? "" : word()), number.isFinite != isText else {
      return nil
    }
    return number
  }

  private mutating func text() -> String? {
    guard skip("\"") else { return nil }
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let escaped = escape() else { return nil }
        bytes.append(escaped)
      default: bytes.append(byte)
      }
    }
    return nil
  }

  /// What follows a backslash: itself, or the number of a control character.
  private mutating func escape() -> UInt8? {
    guard let byte = rest.popFirst() else { return nil }
    guard byte == UInt8(ascii: "u") else { return byte }
    let digits = String(decoding: rest.prefix(4), as: UTF8.self)
    rest = rest.dropFirst(4)
    return UInt8(digits, radix: 16)
  }
}
