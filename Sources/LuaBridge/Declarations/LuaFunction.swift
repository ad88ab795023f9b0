/// A Swift function as Lua sees it: one declaration for checks, help, completion and manuals.
///
/// ```swift
/// Function(
///   "data.bigram", "In-context copying of bigrams with trigger tokens.",
///   options: [
///     Option("corpus", .object("Corpus"), .required, "Where the tokens come from."),
///     Option("triggers", .integer, 5, "How many trigger tokens."),
///   ],
///   returns: [.object("Task")]
/// ) { call in
///   let options = try call.options()
///   let corpus = try options.object("corpus", Corpus.self)
///   return call.returns(try BigramTask(corpus, triggers: options.integer("triggers")))
/// }
/// ```
public struct LuaFunction {
  /// Swift code for one call; pushes its results and returns their number.
  public typealias Body = (LuaCall) throws -> Int

  /// The dotted path inside the module (`data.bigram`), or class and method (`Tensor:sum`).
  public var name: String
  /// What it does, in one paragraph.
  public let summary: String
  /// The arguments by position, without the object of a method.
  public let parameters: [LuaParameter]
  /// The fields of the option table, if the last argument is one.
  public let options: [LuaOption]?
  /// What it returns.
  public let returns: [LuaResult]
  /// A few lines of Lua.
  public let example: String?
  /// The code.
  public let body: Body

  /// Declares a function.
  public init(
    _ name: String, _ summary: String, parameters: [LuaParameter] = [], options: [LuaOption]? = nil,
    returns: [LuaResult] = [], example: String? = nil, body: @escaping Body
  ) {
    self.name = name
    self.summary = summary
    self.parameters = parameters
    self.options = options
    self.returns = returns
    self.example = example
    self.body = body
  }

  /// The last part of the name.
  public var shortName: String {
    String(
      name[
        (name.lastIndex { $0 == "." || $0 == ":" }.map(name.index(after:)) ?? name.startIndex)...])
  }

  /// Whether it is called with a colon on an object.
  public var isMethod: Bool { name.contains(":") }
}

/// One positional argument.
public struct LuaParameter: Sendable {
  public let name: String
  public let type: LuaType
  /// What it means.
  public let doc: String
  /// Whether it may be left out or be `nil`.
  public let isOptional: Bool
  /// What leaving it out means, in words.
  public let defaultText: String?
  /// Whether any number of them may follow.
  public let isVariadic: Bool

  /// A parameter; one with a default may be left out.
  public init(
    _ name: String, _ type: LuaType, _ doc: String = "", optional: Bool = false,
    default defaultText: String? = nil, variadic: Bool = false
  ) {
    self.name = name
    self.type = type
    self.doc = doc
    self.defaultText = defaultText
    isOptional = optional || defaultText != nil
    isVariadic = variadic
  }
}

/// One field of an option table.
public struct LuaOption {
  public let name: String
  public let type: LuaType
  public let fallback: Default
  /// What it means.
  public let doc: String

  /// What holds when the option is not given.
  public enum Default {
    /// It must be given.
    case required
    /// Nothing: the function asks whether it is there.
    case none
    /// This value.
    case value(LuaValue)
    /// These values.
    case list([LuaValue])
    /// What the function works out, in words: `the size of the corpus`.
    case described(String)
  }

  /// An option; without a default it may be left out.
  public init(_ name: String, _ type: LuaType, _ fallback: Default = .none, _ doc: String = "") {
    self.name = name
    self.type = type
    self.fallback = fallback
    self.doc = doc
  }

  /// Whether it must be given.
  public var isRequired: Bool { if case .required = fallback { true } else { false } }

  /// The default as the documentation writes it.
  public var defaultText: String? {
    switch fallback {
    case .required, .none: nil
    case .value(let value): value.description
    case .list(let values): "{" + values.map(\.description).joined(separator: ", ") + "}"
    case .described(let words): words
    }
  }
}

extension LuaOption.Default: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  /// A default written as itself.
  public init(booleanLiteral value: Bool) { self = .value(.boolean(value)) }
  /// A default written as itself.
  public init(integerLiteral value: Int) { self = .value(.integer(value)) }
  /// A default written as itself.
  public init(floatLiteral value: Double) { self = .value(.number(value)) }
  /// A default written as itself.
  public init(stringLiteral value: String) { self = .value(.string(value)) }
  /// A default written as itself.
  public init(arrayLiteral values: LuaValue...) { self = .list(values) }
}
