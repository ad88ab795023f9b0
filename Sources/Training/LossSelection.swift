import Tasks
import Tensors

/// What the loss is taken over.
public enum LossSelection {
  /// One of the named masks.
  case named(LossMask)
  /// A function from a batch to weights [B, T].
  case custom((Batch) throws -> Tensor)

  /// Whether it calls a function of whoever made the run.
  var isFunction: Bool { if case .custom = self { true } else { false } }

  func mask(_ batch: Batch) throws -> Tensor {
    switch self {
    case .named(let mask): return try mask.mask(of: batch)
    case .custom(let function):
      let mask = try function(batch)
      guard mask.shape == batch.tokens.shape else {
        throw EngineError(
          "train",
          "loss_on gave a mask of shape \(mask.shape) (allowed: \(batch.tokens.shape), as tokens)")
      }
      return mask
    }
  }
}
