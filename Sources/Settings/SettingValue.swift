/// What an option is set to, as it is written down: in checkpoints, in files of results.
public enum SettingValue: Sendable, Hashable {
  case boolean(Bool)
  case integer(Int)
  /// A whole number beyond the largest `Int`, as seeds may be.
  case large(UInt64)
  case number(Double)
  case text(String)
  case list([SettingValue])
}

extension SettingValue: Codable {
  /// Reads a JSON value.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let flag = try? value.decode(Bool.self) {
      self = .boolean(flag)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let large = try? value.decode(UInt64.self) {
      self = .large(large)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else {
      self = .list(try value.decode([SettingValue].self))
    }
  }

  /// Writes a JSON value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .boolean(let flag): try container.encode(flag)
    case .integer(let integer): try container.encode(integer)
    case .large(let integer): try container.encode(integer)
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    case .list(let values): try container.encode(values)
    }
  }
}

extension SettingValue: CustomStringConvertible {
  /// The value as messages write it.
  public var description: String {
    switch self {
    case .boolean(let flag): "\(flag)"
    case .integer(let integer): "\(integer)"
    case .large(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .text(let text): "\"\(text)\""
    case .list(let values): "[\(values.map(\.description).joined(separator: ", "))]"
    }
  }
}

extension SettingValue {
  /// The value with what are ids in it moved by `offset`: 1 for Lua, −1 for the engine.
  package func counted(as type: SettingType, by offset: Int) -> SettingValue {
    switch (self, type) {
    case (.integer(let id), .token): .integer(id &+ offset)
    case (.list(let values), .list(let element)):
      .list(values.map { $0.counted(as: element, by: offset) })
    default: self
    }
  }
}
