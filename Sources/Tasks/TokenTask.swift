import Settings
import Tensors

/// A source of token sequences to learn from.
///
/// A batch is a pure function of the task's seed, the purpose and the index: the same index gives
/// the same batch, in any order and on any number of threads, and sequence i of a batch does not
/// depend on how many there are. Draw training batches with `.data`, held-out ones with
/// `.evaluation`; the two never share random numbers.
public protocol TokenTask: AnyObject, Described {
  /// Number of token ids.
  var vocabSize: Int { get }
  /// Number of ids that targets have: of classes, or of tokens.
  var targetSize: Int { get }
  /// Whether targets are tokens, and so have their text; if not, they are classes.
  var targetsAreTokens: Bool { get }
  /// Number of tokens in a sequence, T.
  var seqLen: Int { get }

  /// Whether a batch may be drawn while the step before it is made, by the thread that asks for
  /// it.
  var isDrawnAhead: Bool { get }

  /// Batch `index` of `size` sequences.
  /// - Throws: `EngineError` if `size` is less than 1 or too large.
  func batch(_ size: Int, index: UInt64, purpose: RandomPurpose) throws -> Batch

  /// What turns its ids into text; nil if they are numbers only.
  var text: (any TokenText)? { get }

  /// What there is to know of this kind of task beside its settings.
  var properties: [(name: String, value: TaskProperty)] { get }
}

extension TokenTask {
  public var targetSize: Int { vocabSize }
  public var targetsAreTokens: Bool { true }
  public var isDrawnAhead: Bool { false }
  public var text: (any TokenText)? { nil }
  public var properties: [(name: String, value: TaskProperty)] { [] }
}

/// Something to know of a task.
public enum TaskProperty {
  /// Where its statistics come from.
  case corpus(Corpus)
  /// Ids, counted from 0.
  case tokens([Int32])
  /// Classes, counted from 0, row by row.
  case classes([Int32], shape: [Int])
  case setting(SettingValue)
}

/// A task whose batches may be drawn on any thread.
public protocol ConcurrentTask: TokenTask, Sendable {}

/// How random streams are shared out among the sequences of batches: sequence i of batch b draws
/// from stream b · 2²⁴ + i.
package enum SequenceStreams {
  static let maxSize = 1 << 24
  static let maxIndex: UInt64 = (1 << 40) - 1
  /// The most tokens in one batch.
  static let maxTokens = 1 << 30

  /// Checks the arguments of `batch`.
  /// - Throws: `EngineError` if the size or the index has no streams.
  package static func check(size: Int, seqLen: Int, index: UInt64) throws {
    guard size >= 1, size <= maxSize else {
      throw EngineError("batch", "needs 1 to \(maxSize) sequences, got \(size)")
    }
    guard size <= maxTokens / seqLen else {
      throw EngineError(
        "batch",
        "\(size) sequences of \(seqLen) tokens are too many (allowed: up to \(maxTokens) tokens)")
    }
    guard index <= maxIndex else {
      throw EngineError("batch", "index must not exceed \(maxIndex), got \(index)")
    }
  }

  /// The stream of sequence `i` of batch `index`.
  package static func stream(
    seed: UInt64, purpose: RandomPurpose, index: UInt64, sequence i: Int
  ) -> RandomStream {
    RandomStream(seed: seed, purpose: purpose, index: index << 24 | UInt64(i))
  }
}
