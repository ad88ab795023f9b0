import Tasks
import Tensors
import Transformers

/// What a probe sees.
public final class ProbeContext {
  /// The model in training.
  public let model: any Model
  /// The step's batch.
  public let batch: Batch
  /// Number of updates made so far.
  public let step: Int
  /// The run, with the history so far; nil once it is gone.
  public private(set) weak var run: TrainingRun?
  private var computed: Tensor?

  init(model: any Model, batch: Batch, step: Int, run: TrainingRun) {
    (self.model, self.batch, self.step, self.run) = (model, batch, step, run)
  }

  /// The logits at every position, [B, T, V], without gradient; computed when first asked for.
  /// - Throws: whatever the model's forward pass throws.
  public func logits() throws -> Tensor {
    if let computed { return computed }
    let logits = try noGrad { try model.forward(batch.tokens) }
    computed = logits
    return logits
  }
}
