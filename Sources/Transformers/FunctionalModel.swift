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
  /// - Parameter tokens: Checked ids [B, T] of the whole batch, which tell what is worth computing.
  /// - Returns: tensors by name.
  /// - Throws: `EngineError` if a parameter is missing.
  func weights(_ tokens: IntTensor) throws -> Parameters

  /// The logits at the selected rows, as products that are not computed yet.
  /// - Parameters:
  ///   - tokens: checked ids [B, T], counted from 0; a part of the batch.
  ///   - rows: which positions are wanted.
  ///   - weights: what ``weights(_:)`` returned, or copies of it.
  /// - Returns: products that make logits [R, V].
  /// - Throws: `EngineError` if shapes do not agree.
  func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs
}

extension FunctionalModel {
  public func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try check(tokens)
    let weights = try weights(tokens)
    if weights.all.contains(where: { $0.tensor.requiresGrad }) && Gradients.areRecorded {
      return try outputs(tokens, rows: rows, weights: weights).logits()
    }
    return try MicroBatches(tokens, weights).map(rows, width: outputSize) { tokens, rows in
      try outputs(tokens, rows: rows, weights: weights).logits()
    }
  }

  public func loss(_ batch: Batch, mask: Tensor) throws -> Tensor {
    let (batch, given) = try batch.atEveryPosition(mask)
    let rows = try lossRows(batch, mask: given)
    let mask = try lossWeights(given)
    try check(batch.tokens)
    let weights = try weights(batch.tokens)
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
        slice(batch.tokens), rows: rows, weights: weights.replaced(by: tensors)
      ).crossEntropy(
        rows.rows(of: slice(batch.targets)), weights: weightsOfRows.detach(), total: total)
    }
  }
}
