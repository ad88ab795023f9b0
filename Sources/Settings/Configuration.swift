import FoundationEssentials

/// The options of one kind of thing, with the defaults that its properties begin with.
///
/// ```swift
/// struct Blur: Configuration {
///   static let kind = "blur"
///   var radius = 3
///   static let fields: [Field<Blur>] = [
///     Field("radius", \.radius, "how far a pixel is smeared")
///   ]
/// }
/// ```
public protocol Configuration: Described {
  /// What such things are called: the last part of their constructor's name.
  static var kind: String { get }

  /// The options, in the order of the documentation.
  static var fields: [Field<Self>] { get }

  /// All defaults; what must be given is 0 or empty.
  init()
}

/// What can say what it is and how it was set.
public protocol Described {
  /// What it is called.
  var kind: String { get }

  /// What was set, by name, as far as it can be written down.
  var settings: [(name: String, value: SettingValue)] { get }

  /// How its options are declared; empty where they are not.
  var declarations: [Setting] { get }

  /// The names of what was given and cannot be written down: functions, and things made elsewhere.
  var unwritten: [String] { get }
}

extension Described {
  public var declarations: [Setting] { [] }
  public var unwritten: [String] { [] }

  /// The settings as JSON, names in alphabetical order.
  /// - Throws: an error for a number that JSON does not have.
  public func settingsJSON() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let values = Dictionary(settings.map { ($0.name, $0.value) }) { _, last in last }
    return String(decoding: try encoder.encode(values), as: UTF8.self)
  }
}

/// One option of a configuration, and the property that holds it.
public struct Field<Root>: Sendable {
  /// The name.
  public let name: String
  /// What may be given.
  public let type: SettingType
  /// What it means, in one sentence.
  public let doc: String
  /// What holds if nothing is given, where that is not the property's first value.
  fileprivate let fallback: Setting.Fallback?
  /// Whether it can be written down.
  fileprivate var isWritten = true
  fileprivate let get: @Sendable (Root) -> SettingValue?
  /// Sets the property; the reason if it cannot be.
  fileprivate let set: @Sendable (inout Root, SettingValue) -> String?

  /// An option that a property holds; without a fallback its default is the property's first value.
  public init<Value: SettingConvertible>(
    _ name: String, _ property: WritableKeyPath<Root, Value> & Sendable,
    type: SettingType = Value.settingType, default fallback: Setting.Fallback? = nil, _ doc: String
  ) {
    (self.name, self.type, self.fallback, self.doc) = (name, type, fallback, doc)
    get = { $0[keyPath: property].settingValue }
    set = { root, value in
      guard let value = Value(value) else { return "\(type) expected, got \(value)" }
      root[keyPath: property] = value
      return nil
    }
  }

  /// An option whose value is put together by hand.
  /// - Parameters:
  ///   - name: the name.
  ///   - type: what may be given.
  ///   - fallback: what holds if nothing is given.
  ///   - doc: what it means, in one sentence.
  ///   - get: the value; nil if nothing is set.
  ///   - set: sets the value of that type; returns the reason if it cannot be.
  public init(
    _ name: String, type: SettingType, default fallback: Setting.Fallback, _ doc: String,
    get: @escaping @Sendable (Root) -> SettingValue?,
    set: @escaping @Sendable (inout Root, SettingValue) -> String?
  ) {
    (self.name, self.type, self.fallback, self.doc) = (name, type, fallback, doc)
    (self.get, self.set) = (get, set)
  }

  /// An option that whoever makes the thing takes care of: an object, a function.
  public init(
    beside name: String, type: SettingType, default fallback: Setting.Fallback = .none,
    _ doc: String
  ) {
    (self.name, self.type, self.fallback, self.doc) = (name, type, fallback, doc)
    get = { _ in nil }
    set = { _, _ in "cannot be written down" }
    isWritten = false
  }
}

extension Field {
  /// The seed of what is drawn; without one, the next of the session's.
  public static func seed(
    _ property: WritableKeyPath<Root, UInt64> & Sendable, _ doc: String
  ) -> Field {
    Field("seed", property, default: .described("follows mnemo.seed"), doc)
  }
}

/// Why a configuration cannot be read.
public struct SettingError: Error, Equatable {
  /// An error about an option.
  public init(name: String, reason: String) { (self.name, self.reason) = (name, reason) }

  /// The option.
  public let name: String
  /// What is wrong with it.
  public let reason: String
}

extension Configuration {
  public var kind: String { Self.kind }
  public var declarations: [Setting] { Self.declarations }

  /// The declarations of all options.
  public static var declarations: [Setting] {
    let defaults = Self()
    return fields.map { field in
      let fallback = field.fallback ?? field.get(defaults).map { .value($0) } ?? .none
      return Setting(field.name, field.type, fallback, field.doc)
    }
  }

  public var settings: [(name: String, value: SettingValue)] {
    Self.fields.compactMap { field in field.get(self).map { (field.name, $0) } }
  }

  /// Sets an option.
  /// - Throws: `SettingError` if there is no such option or the value is of another type.
  public mutating func set(_ name: String, _ value: SettingValue) throws {
    guard let field = Self.fields.first(where: { $0.name == name }) else {
      throw SettingError(name: name, reason: "there is no such option")
    }
    if let reason = field.set(&self, value) { throw SettingError(name: name, reason: reason) }
  }

  /// Reads what ``Described/settingsJSON()`` wrote; what is missing has its default.
  /// - Throws: `SettingError` for an option that is unknown, missing or of another type; another
  ///   error for what is no JSON object.
  public init(settingsJSON text: String) throws {
    try self.init(
      settings: JSONDecoder().decode([String: SettingValue].self, from: Data(text.utf8)))
  }

  /// Takes options by name; what is missing has its default.
  /// - Throws: `SettingError` for an option that is unknown, missing or of another type.
  public init(settings values: [String: SettingValue]) throws {
    self.init()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) { try set(name, value) }
    for field in Self.fields where field.isWritten && field.fallback == .required {
      guard values[field.name] == nil else { continue }
      throw SettingError(name: field.name, reason: "missing")
    }
  }
}
