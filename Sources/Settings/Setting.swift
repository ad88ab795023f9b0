/// One option: declared once, and read by whatever checks, writes down or documents options.
///
/// Nothing here knows who gives options, be it a script, a file or a program.
public struct Setting: Sendable {
  /// The name: small letters, words joined by `_`.
  public let name: String
  /// What may be given.
  public let type: SettingType
  /// What holds if nothing is given.
  public let fallback: Fallback
  /// What it means, in one sentence.
  public let doc: String

  /// What holds if an option is not given.
  public enum Fallback: Sendable, Equatable {
    /// It must be given.
    case required
    /// Nothing.
    case none
    /// This value.
    case value(SettingValue)
    /// What is worked out, in words: `the size of the corpus`.
    case described(String)
  }

  /// An option; without a default it may be left out.
  public init(_ name: String, _ type: SettingType, _ fallback: Fallback = .none, _ doc: String) {
    (self.name, self.type, self.fallback, self.doc) = (name, type, fallback, doc)
  }
}

/// What may be given for an option.
public indirect enum SettingType: Sendable, Equatable {
  case boolean
  case integer
  /// The id of a token, counted from 0; who counts from 1 converts it.
  case token
  case number
  case text
  /// One of these texts.
  case choice([String])
  case list(SettingType)
  /// Any of these.
  case either([SettingType])
  /// Something made elsewhere, by the name of its class; it is not written down.
  case object(String)
  /// A function, or a table of functions by name: neither is written down.
  case function
  case table

  /// One of a type, or a list of them.
  public static func oneOrMore(_ type: SettingType) -> SettingType { .either([type, .list(type)]) }
}

extension SettingType: CustomStringConvertible {
  /// The type as messages write it.
  public var description: String {
    switch self {
    case .boolean: "true or false"
    case .integer, .token: "integer"
    case .number: "number"
    case .text: "text"
    case .choice(let names): names.map { "\"\($0)\"" }.joined(separator: " or ")
    case .list(let element): "list of \(element)"
    case .either(let types): types.map(\.description).joined(separator: " or ")
    case .object(let name): name
    case .function: "function"
    case .table: "table"
    }
  }
}
