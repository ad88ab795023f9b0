import Tensors

/// Which positions of a batch count in the loss.
public enum LossMask: String, CaseIterable, Sendable {
  /// Every position.
  case all
  /// Positions of triggers: the target is an output (occurrence ≥ 1).
  case outputs
  /// Positions of triggers seen before: the answer is in the context (occurrence ≥ 2).
  case repeats

  /// 1 where the position counts, else 0, [B, T].
  /// - Throws: `EngineError` if there is no memory for it.
  public func mask(of batch: Batch) throws -> Tensor {
    let result = try Tensor(full: batch.occurrence.shape, 1)
    let least: Int32
    switch self {
    case .all: return result
    case .outputs: least = 1
    case .repeats: least = 2
    }
    try batch.occurrence.withElements { occurrence in
      try result.withMutableElements { mask in
        for i in mask.indices { mask[i] = occurrence[i] >= least ? 1 : 0 }
      }
    }
    return result
  }
}
