import Settings
import Tensors

/// The options of a kind of model, from which such models are made.
///
/// A new kind is a configuration, a model, and a place in ``ModelKinds``.
public protocol ModelConfiguration: Configuration, Sendable {
  /// What the model is, in one paragraph.
  static var summary: String { get }

  /// Options with which an example makes a small model of at least three tokens, as in Lua.
  static var exampleOptions: String { get }

  /// Seed of the initial parameters.
  var seed: UInt64 { get set }

  /// Checks that the options make a model.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  func validate() throws

  /// The parameters of such a model, in order; only for options that make one.
  var plan: [PlannedParameter] { get }

  /// A model with these parameters, which become its own.
  /// - Throws: `EngineError` if the options do not make a model, or one of other parameters.
  func makeModel(_ parameters: Parameters) throws -> any Model
}

/// The kinds of models that are made from options and read from checkpoints.
public enum ModelKinds {
  /// All of them, in the order of the documentation.
  public static let all: [any ModelConfiguration.Type] = [
    SimplifiedConfiguration.self, TransformerConfiguration.self, FactualConfiguration.self,
    GPT2Configuration.self, GPTNeoXConfiguration.self,
  ]
}

extension ModelConfiguration {
  public static var exampleOptions: String { "vocab = 65, dim = 64, max_len = 32, seed = 1" }

  /// A model with fresh parameters.
  /// - Throws: `EngineError` if the options do not make a model.
  public func makeModel() throws -> any Model {
    try validate()
    return try makeModel(Parameters(drawing: plan, seed: seed))
  }

  static func error(_ message: String) -> EngineError { EngineError("model.\(kind)", message) }

  /// Checks the sizes that every transformer has.
  static func checkSizes(vocab: Int, dim: Int, maxLen: Int) throws {
    guard vocab >= 2 else { throw error("vocab = \(vocab) (allowed: 2 or more)") }
    guard dim >= 1 else { throw error("dim = \(dim) (allowed: 1 or more)") }
    guard maxLen >= 1 else { throw error("max_len = \(maxLen) (allowed: 1 or more)") }
    guard vocab <= 1 << 24, dim <= 1 << 16, maxLen <= 1 << 20 else {
      throw error(
        "vocab = \(vocab), dim = \(dim), max_len = \(maxLen) (allowed: up to \(1 << 24), "
          + "\(1 << 16), \(1 << 20))")
    }
  }

  /// Checks that one matrix for embeddings and output is not both frozen and trained.
  static func checkTying(_ tied: Bool, freezeEmbeddings: Bool, freezeOutput: Bool) throws {
    guard !tied || freezeEmbeddings == freezeOutput else {
      throw error(
        "tie_output shares one matrix, so freeze_embeddings and freeze_output must be equal")
    }
  }
}
