import Tasks
import Tensors
import Transformers

/// What a probe sees.
public final class ProbeContext {
  /// The model in training.
  public let model: any Model
  /// The step's batch.
  public let data: StepBatch
  /// Number of updates made so far.
  public let step: Int
  /// The run, with the history so far; nil once it is gone.
  public private(set) weak var run: TrainingRun?
  private var computed: Tensor?

  init(model: any Model, data: StepBatch, step: Int, run: TrainingRun) {
    (self.model, self.data, self.step, self.run) = (model, data, step, run)
  }

  /// The sequences of the step's batch.
  /// - Throws: `EngineError` if it has none.
  public var batch: Batch {
    get throws {
      guard let batch = data.sequences else {
        throw EngineError("probe", "the batch has no tokens and targets for the model")
      }
      return batch
    }
  }

  /// The logits at every position, [B, T, V], of a model read at the last position [B, V], without
  /// gradient; computed when first asked for, once for all probes of the record.
  /// - Throws: `EngineError` if the batch has no sequences; whatever the model's forward pass
  ///   throws.
  public func logits() throws -> Tensor {
    if let computed { return computed }
    let logits = try noGrad { try model.forward(batch.tokens) }
    computed = logits
    return logits
  }
}

/// What a probe returns: a number, or several by name.
public protocol ProbeResult {
  /// The columns of a record, for a probe of that name.
  func columns(named name: String) -> [(name: String, value: Double)]
}

extension Double: ProbeResult {
  /// One column, called like the probe.
  public func columns(named name: String) -> [(name: String, value: Double)] { [(name, self)] }
}

extension Int: ProbeResult {
  /// One column, called like the probe.
  public func columns(named name: String) -> [(name: String, value: Double)] {
    [(name, Double(self))]
  }
}

/// Several numbers of one probe, in order.
public struct ProbeTable: ProbeResult {
  private let entries: [(key: String, value: Double)]

  /// These numbers.
  public init(_ entries: [(key: String, value: Double)]) { self.entries = entries }

  /// A column for each, called like the probe, a dot and the key.
  public func columns(named name: String) -> [(name: String, value: Double)] {
    entries.map { ("\(name).\($0.key)", $0.value) }
  }
}
