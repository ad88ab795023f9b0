import Tasks
import Tensors

/// What the loss is taken over.
public enum LossSelection {
  /// One of the named masks.
  case named(LossMask)
  /// A function from a batch to weights of its targets' shape.
  case custom((StepBatch) throws -> Tensor)

  /// Whether it calls a function of whoever made the run.
  var isFunction: Bool { if case .custom = self { true } else { false } }

  /// The weights of the loss on a batch with these sequences.
  func mask(_ batch: StepBatch, _ sequences: Batch) throws -> Tensor {
    switch self {
    case .named(let mask): return try mask.mask(of: sequences)
    case .custom(let function):
      let mask = try function(batch)
      let shape = sequences.targets.shape
      guard mask.shape == shape else {
        throw EngineError(
          "train",
          "loss_on gave a mask of shape \(mask.shape) (allowed: \(shape), as targets)")
      }
      return mask
    }
  }
}
