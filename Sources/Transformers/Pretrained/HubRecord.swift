import ByteStrings
import JSONText
import TensorFiles
import Tensors

/// An object in a JSON file, whose values are asked for by name and kind.
struct HubRecord {
  /// An object.
  let json: JSON
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
    do {
      json = try JSON(utf8: bytes)
    } catch let error as JSONError {
      throw failure("is not JSON: \(error.reason)")
    }
    guard case .object = json else { throw failure("must hold an object, got \(json.shown)") }
  }

  private init(_ json: JSON, _ place: String, _ failure: @escaping (String) -> EngineError) {
    (self.json, self.place, self.failure) = (json, place, failure)
  }

  /// The names of its values, in order.
  var names: [String] {
    guard case .object(let fields) = json else { return [] }
    return fields.map(\.name).sorted()
  }

  /// The value of that name; nil if there is none or it is null.
  subscript(name: String) -> JSON? { json[name] }

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
    guard let value = self[name] else { return nil }
    guard case .object = value else { throw wrong(name, "an object") }
    return HubRecord(value, name, failure)
  }
}
