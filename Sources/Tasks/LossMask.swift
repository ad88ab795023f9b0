import Tensors

/// Which positions of a batch count in the loss.
public enum LossMask: String, CaseIterable, Sendable {
  /// Every position that the batch's task counts, which is every position for most.
  case all
  /// Positions of triggers: the target is an output (occurrence ≥ 1).
  case outputs
  /// Positions of triggers seen before: the answer is in the context (occurrence ≥ 2).
  case repeats

  /// 1 where the position counts, else 0, [B, T]; nowhere if the batch has no such field.
  /// - Throws: `EngineError` if there is no memory for it.
  public func mask(of batch: Batch) throws -> Tensor {
    let least: Int32
    switch self {
    case .all: return try batch.rows?.mask() ?? Tensor(full: batch.tokens.shape, 1)
    case .outputs: least = 1
    case .repeats: least = 2
    }
    guard let occurrence = batch.fields[Batch.Field.occurrence] else {
      return try Tensor(full: batch.tokens.shape, 0)
    }
    let result = try Tensor(full: occurrence.shape, 0)
    try occurrence.withElements { occurrence in
      try result.withMutableElements { mask in
        for i in mask.indices { mask[i] = occurrence[i] >= least ? 1 : 0 }
      }
    }
    return result
  }
}
