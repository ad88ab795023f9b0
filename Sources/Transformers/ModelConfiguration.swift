import FoundationEssentials
import Tensors

/// The options of a kind of model; their JSON form is written into checkpoints.
public protocol ModelConfiguration: Codable, Sendable {
  /// The constructor of such models in `mnemo.model`.
  static var kind: String { get }

  /// Checks that the options make a model.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  func validate() throws

  /// Names and shapes of the embeddings, which tell whether a file belongs to this configuration.
  var embeddingShapes: [(name: String, shape: [Int])] { get }

  /// A model with fresh parameters.
  /// - Throws: `EngineError` if the options do not make a model.
  func makeModel() throws -> any Model
}

extension ModelConfiguration {
  /// The options as JSON, with the keys of the Lua constructor in alphabetical order.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
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
