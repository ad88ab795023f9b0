import JSONText

/// Reads lines of a history, as ``Record/json`` writes them.
enum RecordReader {
  /// The record of a line; nil if it is none.
  static func record(_ line: ArraySlice<UInt8>) -> Record? {
    guard case .object(let fields)? = try? JSON(utf8: Array(line)), fields.count >= 2,
      fields[0].name == "step", case .integer(let step) = fields[0].value, step >= 0,
      fields[1].name == "loss", let loss = number(fields[1].value)
    else { return nil }
    var values: [(name: String, value: Double)] = []
    for field in fields[2...] {
      guard let value = number(field.value) else { return nil }
      values.append((field.name, value))
    }
    return Record(step: step, loss: loss, values: values)
  }

  /// A number; one that JSON has not, such as NaN, stands as text.
  private static func number(_ json: JSON) -> Double? {
    switch json {
    case .integer(let integer): return Double(integer)
    case .number(let number): return number.isFinite ? number : nil
    case .text(let text):
      guard let number = Double(text), !number.isFinite else { return nil }
      return number
    default: return nil
    }
  }
}
