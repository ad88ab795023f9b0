import Tensors

/// Which targets of a batch count in the loss.
public enum LossMask: String, CaseIterable, Sendable {
  /// Every target.
  case all
  /// Positions of triggers: the target is an output (occurrence ≥ 1).
  case outputs
  /// Positions of triggers seen before: the answer is in the context (occurrence ≥ 2).
  case repeats

  /// 1 where the target counts, else 0, of the targets' shape; nowhere if the batch has no such
  /// field.
  /// - Throws: `EngineError` if there is no memory for it.
  public func mask(of batch: Batch) throws -> Tensor {
    let least: Int32
    switch self {
    case .all: return try Tensor(full: batch.targets.shape, 1)
    case .outputs: least = 1
    case .repeats: least = 2
    }
    guard let occurrence = try batch.targetOccurrence() else {
      return try Tensor(full: batch.targets.shape, 0)
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

extension Batch {
  /// The occurrence of the tokens whose targets there are: of all, or of the last ones.
  fileprivate func targetOccurrence() throws -> IntTensor? {
    guard let occurrence = fields[Field.occurrence], targets.rank == 1, occurrence.rank == 2,
      occurrence.shape[1] > 0
    else { return fields[Field.occurrence] }
    return try occurrence.select(1, occurrence.shape[1] - 1)
  }
}
