/// A Swift type that options have.
public protocol SettingConvertible: SendableMetatype {
  /// What may be given.
  static var settingType: SettingType { get }

  /// The value of a setting; nil if it is not of this type.
  init?(_ value: SettingValue)

  /// The value as it is written down; nil if nothing is set, or nothing that can be written.
  var settingValue: SettingValue? { get }
}

extension Bool: SettingConvertible {
  public static var settingType: SettingType { .boolean }
  public init?(_ value: SettingValue) {
    guard case .boolean(let flag) = value else { return nil }
    self = flag
  }
  public var settingValue: SettingValue? { .boolean(self) }
}

extension Int: SettingConvertible {
  public static var settingType: SettingType { .integer }
  public init?(_ value: SettingValue) {
    guard case .integer(let integer) = value else { return nil }
    self = integer
  }
  public var settingValue: SettingValue? { .integer(self) }
}

/// A seed; as an option it may also be a negative integer, which stands for the same 64 bits.
extension UInt64: SettingConvertible {
  public static var settingType: SettingType { .integer }
  public init?(_ value: SettingValue) {
    switch value {
    case .integer(let integer): self = UInt64(bitPattern: Int64(integer))
    case .large(let large): self = large
    default: return nil
    }
  }
  public var settingValue: SettingValue? { Int(exactly: self).map { .integer($0) } ?? .large(self) }
}

extension Double: SettingConvertible {
  public static var settingType: SettingType { .number }
  public init?(_ value: SettingValue) {
    switch value {
    case .number(let number): self = number
    case .integer(let integer): self = Double(integer)
    case .large(let large): self = Double(large)
    default: return nil
    }
  }
  public var settingValue: SettingValue? { .number(self) }
}

extension String: SettingConvertible {
  public static var settingType: SettingType { .text }
  public init?(_ value: SettingValue) {
    guard case .text(let text) = value else { return nil }
    self = text
  }
  public var settingValue: SettingValue? { .text(self) }
}

/// An enumeration is one of the texts of its cases.
extension SettingConvertible where Self: RawRepresentable & CaseIterable, RawValue == String {
  public static var settingType: SettingType { .choice(allCases.map(\.rawValue)) }
  public init?(_ value: SettingValue) {
    guard case .text(let text) = value else { return nil }
    self.init(rawValue: text)
  }
  public var settingValue: SettingValue? { .text(rawValue) }
}

extension Array: SettingConvertible where Element: SettingConvertible {
  public static var settingType: SettingType { .list(Element.settingType) }
  public init?(_ value: SettingValue) {
    guard case .list(let values) = value else { return nil }
    var elements: [Element] = []
    for value in values {
      guard let element = Element(value) else { return nil }
      elements.append(element)
    }
    self = elements
  }
  public var settingValue: SettingValue? { .list(compactMap(\.settingValue)) }
}

extension Optional: SettingConvertible where Wrapped: SettingConvertible {
  public static var settingType: SettingType { Wrapped.settingType }
  public init?(_ value: SettingValue) {
    guard let wrapped = Wrapped(value) else { return nil }
    self = wrapped
  }
  public var settingValue: SettingValue? { self?.settingValue }
}
