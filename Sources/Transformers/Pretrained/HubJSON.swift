import ByteStrings
import FoundationEssentials
import TensorFiles
import Tensors

/// A value in a JSON file of a published model.
indirect enum HubJSON: Decodable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([HubJSON])
  case record([String: HubJSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .boolean(flag)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([HubJSON].self) {
      self = .list(list)
    } else {
      self = .record(try value.decode([String: HubJSON].self))
    }
  }

  /// The value as messages show it.
  var shown: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): "\(flag)"
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .text(let text): "\"\(text.printable)\""
    case .list: "a list"
    case .record: "an object"
    }
  }
}

/// An object in a JSON file, whose values are asked for by name and kind.
struct HubRecord {
  let values: [String: HubJSON]
  /// Where it stands, for messages: `config.json`.
  let place: String
  let failure: (String) -> EngineError

  /// The most bytes of a file that are read.
  private static let most = 1 << 26

  /// Reads a file that holds one object.
  /// - Throws: `EngineError` that names the file and what is wrong with it.
  init(path: String, _ operation: String) throws {
    failure = { EngineError(operation, "\"\(path)\": \($0)") }
    place = String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
    let bytes = try File.contents(path, most: Self.most, failure)
    guard let json = try? JSONDecoder().decode(HubJSON.self, from: Data(bytes)) else {
      throw failure("is not JSON")
    }
    guard case .record(let values) = json else {
      throw failure("must hold an object, got \(json.shown)")
    }
    self.values = values
  }

  private init(
    _ values: [String: HubJSON], _ place: String, _ failure: @escaping (String) -> EngineError
  ) {
    (self.values, self.place, self.failure) = (values, place, failure)
  }

  /// The value of that name; nil if there is none or it is null.
  subscript(name: String) -> HubJSON? {
    if case .null? = values[name] { return nil }
    return values[name]
  }

  func wrong(_ name: String, _ expected: String) -> EngineError {
    failure("\(name) must be \(expected), got \(self[name]?.shown ?? "nothing")")
  }

  func integer(_ name: String) throws -> Int? {
    switch self[name] {
    case nil: return nil
    case .integer(let integer): return integer
    default: throw wrong(name, "a whole number")
    }
  }

  func neededInteger(_ name: String) throws -> Int {
    guard let integer = try integer(name) else { throw wrong(name, "a whole number") }
    return integer
  }

  func number(_ name: String) throws -> Double? {
    switch self[name] {
    case nil: return nil
    case .integer(let integer): return Double(integer)
    case .number(let number): return number
    default: throw wrong(name, "a number")
    }
  }

  func boolean(_ name: String) throws -> Bool? {
    switch self[name] {
    case nil: return nil
    case .boolean(let flag): return flag
    default: throw wrong(name, "true or false")
    }
  }

  func text(_ name: String) throws -> String? {
    switch self[name] {
    case nil: return nil
    case .text(let text): return text
    default: throw wrong(name, "a text")
    }
  }

  func record(_ name: String) throws -> HubRecord? {
    switch self[name] {
    case nil: return nil
    case .record(let values): return HubRecord(values, name, failure)
    default: throw wrong(name, "an object")
    }
  }
}
