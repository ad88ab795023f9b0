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

  /// How many tokens of other models a sequence of T tokens is worth, where a batch is cut.
  func weight(ofSequence length: Int) -> Int

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
  public func weight(ofSequence length: Int) -> Int { length }

  public func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try check(tokens)
    let weights = try weights(tokens)
    if weights.all.contains(where: { $0.tensor.requiresGrad }) && Gradients.areRecorded {
      return try outputs(tokens, rows: rows, weights: weights).logits()
    }
    return try MicroBatches(tokens, weights, weighing: weight).map(rows, width: outputSize) {
      tokens, rows in
      try outputs(tokens, rows: rows, weights: weights).logits()
    }
  }

  public func loss(_ batch: Batch, mask: Tensor) throws -> Tensor {
    let counted = try countedTargets(batch, mask)
    try check(batch.tokens)
    let weights = try weights(batch.tokens)
    let total = try counted.weights.sum().item()
    let parts = MicroBatches(batch.tokens, weights, weighing: weight)
    return try GradientAccumulation.sum(
      over: weights.all.map(\.tensor), parts: parts.count
    ) { tensors, part in
      let sequences = parts.sequences(part)
      let ofPart = counted.rows.rows(of: sequences)
      guard !ofPart.isEmpty else { return Tensor(0) }
      return try outputs(
        batch.tokens.narrow(0, sequences.lowerBound, sequences.count),
        rows: counted.rows.sequences(sequences), weights: weights.replaced(by: tensors)
      ).crossEntropy(
        counted.targets.narrow(0, ofPart.lowerBound, ofPart.count),
        weights: counted.weights.narrow(0, ofPart.lowerBound, ofPart.count), total: total)
    }
  }

  /// The rows that count in the loss, with the target and the weight of each, [R].
  private func countedTargets(
    _ batch: Batch, _ mask: Tensor
  ) throws -> (rows: RowSelection, targets: IntTensor, weights: Tensor) {
    if readout == .lastPosition, batch.tokens.rank == 2, mask.shape == [batch.tokens.shape[0]],
      batch.targets.shape == mask.shape
    {
      let rows = try RowSelection(lastPositionWhere: mask, length: batch.tokens.shape[1])
      guard rows.count > 0 else { throw Self.nothingCounts }
      return (
        rows, try rows.ofSequences(batch.targets), try rows.ofSequences(mask).detach()
      )
    }
    let (batch, mask) = try batch.atEveryPosition(mask)
    let rows = try lossRows(batch, mask: mask)
    return (rows, try rows.rows(of: batch.targets), try rows.values(of: mask).detach())
  }
}
