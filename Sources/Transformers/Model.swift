import Settings
import Tasks
import Tensors

/// A model: parameters by name, and logits from tokens.
///
/// Built-in models and those that users write in Lua are trained, probed, saved and frozen through
/// this protocol alone. Legend: *B* batch, *T* seq_len, *R* selected rows, *V* vocab.
public protocol Model: AnyObject, Described {
  /// Parameters by name, in a fixed order.
  var parameters: Parameters { get }
  /// The number of tokens it reads.
  var vocabSize: Int { get }
  /// V, the number of outputs at a position; as a rule one for each token.
  var outputSize: Int { get }
  /// Where it gives outputs.
  var readout: Readout { get }
  /// Longest sequence it reads.
  var maxLength: Int { get }
  /// Number of attention layers.
  var layerCount: Int { get }
  /// Which of its matrices are truncated; a copy has its own, of nothing.
  var truncation: Truncation { get }

  /// The logits at the selected rows, [R, V].
  /// - Parameters:
  ///   - tokens: ids [B, T], counted from 0.
  ///   - rows: which positions are wanted.
  /// - Returns: logits [R, V].
  /// - Throws: `EngineError` if an id is outside the vocabulary or T above `maxLength`.
  func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor

  /// Mean cross-entropy of the targets, in nats, over those that `mask` keeps.
  ///
  /// Only the logits that count are computed.
  /// - Parameters:
  ///   - batch: tokens [B, T], and targets of the same shape or, at the last position, [B].
  ///   - mask: weights of the targets' shape; targets of weight 0 are left out.
  /// - Returns: a 0-dimensional tensor.
  /// - Throws: `EngineError` if shapes do not agree or the mask keeps no position.
  func loss(_ batch: Batch, mask: Tensor) throws -> Tensor

  /// The logits at every position, [B, T, V], of a model read at the last position [B, V], with
  /// each intermediate tensor shown to `trace`.
  ///
  /// Written as the plain formulas, unfused; ``forward(_:observedBy:)`` is what to call.
  /// - Throws: `EngineError` as `logits`; errors of the observer.
  func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor

  /// A model of the same configuration with copies of the parameters.
  func copy() throws -> any Model
}

/// The positions at which a model gives outputs.
public enum Readout: String, CaseIterable, Sendable {
  /// At every position: the next token.
  case everyPosition = "all"
  /// At the last position of each sequence: an answer.
  case lastPosition = "last"

  /// The positions of a batch of `batch` sequences.
  func rows(of batch: Int, length: Int) -> RowSelection {
    switch self {
    case .everyPosition: RowSelection(everyPositionOf: batch, length: length)
    case .lastPosition: RowSelection(lastPositionOf: batch, length: length)
    }
  }
}

extension Model {
  public var outputSize: Int { vocabSize }
  public var readout: Readout { .everyPosition }

  /// Checks that `tokens` are [B, T] ids of the vocabulary with 1 ≤ T ≤ `maxLength`.
  /// - Throws: `EngineError` that says which is not so.
  public func check(_ tokens: IntTensor) throws {
    guard tokens.rank == 2 else {
      throw EngineError("model", "tokens need shape [B, T], got \(tokens.shape)")
    }
    guard tokens.shape[1] >= 1, tokens.shape[1] <= maxLength else {
      throw EngineError(
        "model",
        "sequences of length \(tokens.shape[1]) (allowed: 1…\(maxLength), the model's max_len)")
    }
    try tokens.check(below: vocabSize, "model", "token")
  }

  /// The logits at every position, [B, T, V]; of a model read at the last position, [B, V].
  /// - Throws: `EngineError` as `logits(_:rows:)`.
  public func forward(_ tokens: IntTensor) throws -> Tensor {
    try check(tokens)
    let rows = readout.rows(of: tokens.shape[0], length: tokens.shape[1])
    let positions = readout == .everyPosition ? tokens.shape : [tokens.shape[0]]
    return try logits(tokens, rows: rows).reshape(positions + [outputSize])
  }

  /// The logits where a mask is not 0, [R, V]: a mask of positions, [B, T]; for a model read at the
  /// last position one of sequences, [B].
  /// - Throws: `EngineError` as `logits(_:rows:)`, or if the mask has another shape.
  public func forward(_ tokens: IntTensor, where mask: Tensor) throws -> Tensor {
    try check(tokens)
    switch readout {
    case .everyPosition:
      guard mask.shape == tokens.shape else {
        throw EngineError(
          "forward", "the mask has shape \(mask.shape), the tokens have \(tokens.shape)")
      }
      return try logits(tokens, rows: RowSelection(mask: mask))
    case .lastPosition:
      guard mask.shape == [tokens.shape[0]] else {
        throw EngineError(
          "forward",
          "the mask has shape \(mask.shape); of a model that answers at the last position it has "
            + "one entry a sequence, [\(tokens.shape[0])]")
      }
      return try logits(
        tokens, rows: RowSelection(mask: mask.atLastPosition(of: tokens.shape[1])))
    }
  }

  public func loss(_ batch: Batch, mask: Tensor) throws -> Tensor {
    let (batch, mask) = try batch.atEveryPosition(mask)
    let rows = try lossRows(batch, mask: mask)
    return try logits(batch.tokens, rows: rows)
      .crossEntropy(rows.rows(of: batch.targets), mask: rows.values(of: mask))
  }

  /// The positions that a loss mask keeps, of those at which the model gives outputs.
  /// - Throws: `EngineError` if shapes do not agree or there are none.
  func lossRows(_ batch: Batch, mask: Tensor) throws -> RowSelection {
    guard batch.targets.rank != 1 else {
      throw EngineError(
        "loss",
        "targets \(batch.targets.shape) and mask \(mask.shape) need one entry for each sequence of "
          + "tokens \(batch.tokens.shape)")
    }
    guard mask.shape == batch.tokens.shape, batch.targets.shape == batch.tokens.shape else {
      throw EngineError(
        "loss",
        "tokens \(batch.tokens.shape), targets \(batch.targets.shape) and mask \(mask.shape) "
          + "need one shape")
    }
    let rows = try RowSelection(mask: lossWeights(mask))
    guard rows.count > 0 else {
      throw Self.nothingCounts
    }
    return rows
  }

  static var nothingCounts: EngineError {
    EngineError("loss", "the loss mask keeps no position of the batch")
  }

  /// The mask where the model gives outputs, 0 elsewhere.
  func lossWeights(_ mask: Tensor) throws -> Tensor {
    guard readout == .lastPosition else { return mask }
    let rows = readout.rows(of: mask.shape[0], length: mask.shape[1])
    return try mask.mul(rows.mask())
  }
}

extension Batch {
  /// The batch with a target at every position, and its loss mask.
  ///
  /// Where there is a target for each sequence, all but the last position have weight 0. What does
  /// not fit stays as it is.
  func atEveryPosition(_ mask: Tensor) throws -> (Batch, mask: Tensor) {
    guard tokens.rank == 2, targets.shape == [tokens.shape[0]], mask.shape == targets.shape
    else { return (self, mask) }
    var batch = self
    batch.targets = try targets.reshape(targets.shape + [1]).expand(tokens.shape)
    return (batch, try mask.atLastPosition(of: tokens.shape[1]))
  }
}

extension Tensor {
  /// Weights of sequences, [B], at the last of `length` positions, and 0 before: [B, T].
  fileprivate func atLastPosition(of length: Int) throws -> Tensor {
    let last = RowSelection(lastPositionOf: shape[0], length: length)
    return try reshape([shape[0], 1]).mul(last.mask())
  }
}
