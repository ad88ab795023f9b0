import Tasks
import Tensors

/// A model whose forward pass is a function of weights and tokens alone.
///
/// What depends on the weights only is computed once for a batch; the rest can then be done for a
/// few sequences at a time, forward and backward, each part on one thread and within its cache
/// (``GradientAccumulation``). That is how the built-in models compute their losses and logits; the
/// same numbers come from a single part, up to rounding.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *V* vocab.
public protocol FunctionalModel: Model {
  /// What the forward pass reads: the parameters, and under names of their own tensors computed
  /// from them alone.
  /// - Parameters:
  ///   - batch: B, of the whole batch.
  ///   - length: T.
  /// - Returns: tensors by name.
  /// - Throws: `EngineError` if a parameter is missing.
  func weights(batch: Int, length: Int) throws -> Parameters

  /// The logits at the selected rows, as products that are not computed yet.
  /// - Parameters:
  ///   - tokens: checked ids [B, T], counted from 0; a part of the batch.
  ///   - rows: which positions are wanted.
  ///   - weights: what ``weights(batch:length:)`` returned, or copies of it.
  /// - Returns: products that make logits [R, V].
  /// - Throws: `EngineError` if shapes do not agree.
  func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs
}

extension FunctionalModel {
  public func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try check(tokens)
    let weights = try weights(batch: tokens.shape[0], length: tokens.shape[1])
    if weights.all.contains(where: { $0.tensor.requiresGrad }) && Gradients.areRecorded {
      return try outputs(tokens, rows: rows, weights: weights).logits()
    }
    return try MicroBatches(tokens, weights).map(rows, width: vocabSize) { tokens, rows in
      try outputs(tokens, rows: rows, weights: weights).logits()
    }
  }

  public func loss(_ batch: Batch, mask: Tensor) throws -> Tensor {
    let rows = try lossRows(batch, mask: mask)
    try check(batch.tokens)
    let weights = try weights(batch: batch.tokens.shape[0], length: batch.tokens.shape[1])
    let total = try mask.sum().item()
    let parts = MicroBatches(batch.tokens, weights)
    return try GradientAccumulation.sum(
      over: weights.all.map(\.tensor), parts: parts.count
    ) { tensors, part in
      let sequences = parts.sequences(part)
      let rows = rows.sequences(sequences)
      guard rows.count > 0 else { return Tensor(0) }
      func slice(_ ids: IntTensor) throws -> IntTensor {
        try ids.narrow(0, sequences.lowerBound, sequences.count)
      }
      let weightsOfRows = try rows.values(
        of: mask.narrow(0, sequences.lowerBound, sequences.count))
      return try outputs(
        slice(batch.tokens), rows: rows, weights: Parameters(names: weights.names, tensors)
      ).crossEntropy(
        rows.rows(of: slice(batch.targets)), weights: weightsOfRows.detach(), total: total)
    }
  }
}

/// How a batch is cut: by its sizes alone, never by the number of threads.
struct MicroBatches {
  /// About so many tokens keep one thread's tensors in its cache and its products at full speed.
  private static let tokens = 4096
  /// At least so many parts, where there are enough sequences, share the work evenly.
  private static let least = 8
  /// The gradients of all parts together are at most so many numbers, or those of two parts.
  private static let mostGradients = 1 << 24

  private let batch: Int
  private let size: Int
  private let ids: IntTensor

  /// The parts of a batch.
  /// - Parameters:
  ///   - ids: tokens [B, T].
  ///   - weights: what gradients are computed for, if they are.
  init(_ ids: IntTensor, _ weights: Parameters = Parameters()) {
    self.ids = ids
    batch = ids.shape[0]
    let most = (batch + Self.least - 1) / Self.least
    let trained = weights.trained.reduce(0) { $0 + $1.tensor.count }
    let mostParts = max(2, Self.mostGradients / max(trained, 1))
    size = max(
      1, min(Self.tokens / ids.shape[1], most), (batch + mostParts - 1) / mostParts)
  }

  var count: Int { (batch + size - 1) / size }

  func sequences(_ part: Int) -> Range<Int> { part * size..<min((part + 1) * size, batch) }

  /// The results of every part, [B, …], one after another, computed without gradients.
  /// - Throws: what `body` throws, for the first part that does.
  func joined(_ body: (_ tokens: IntTensor) throws -> Tensor) throws -> Tensor {
    func result(_ part: Int) throws -> Tensor {
      let sequences = sequences(part)
      return try body(ids.narrow(0, sequences.lowerBound, sequences.count))
    }
    // The first part tells the shape of all.
    let first = try noGrad { try result(0) }
    if count == 1 { return first }
    let shape = [batch] + first.shape.dropFirst()
    return try Tensor.assembled(shape, parts: count) { part in
      part == 0 ? first : try result(part)
    } firstRow: {
      sequences($0).lowerBound
    }
  }

  /// The results for the selected rows, [R, width], computed part by part without gradients.
  func map(
    _ rows: RowSelection, width: Int,
    _ body: (_ tokens: IntTensor, _ rows: RowSelection) throws -> Tensor
  ) throws -> Tensor {
    try Tensor.assembled([rows.count, width], parts: count) { part in
      let sequences = sequences(part)
      let rows = rows.sequences(sequences)
      guard rows.count > 0 else { return try Tensor(full: [0, width], 0) }
      return try body(ids.narrow(0, sequences.lowerBound, sequences.count), rows)
    } firstRow: { part in
      rows.starts[sequences(part).lowerBound]
    }
  }
}
