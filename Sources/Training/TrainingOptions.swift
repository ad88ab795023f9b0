import Tasks
import Tensors
import Transformers

/// The settings of a training run, with their defaults.
public struct TrainingOptions {
  /// The model; its trained parameters are changed in place.
  public var model: any Model
  /// Where batches come from; step s takes batch s of the training stream.
  public var task: any TokenTask
  /// Number of updates.
  public var steps: Int
  /// Sequences in a batch.
  public var batchSize = 64
  /// The update rule.
  public var optimizer: any Optimizer
  /// What the loss is taken over.
  public var lossOn = LossSelection.named(.all)
  /// A record is made every so many steps, counted from 0, and after the last.
  public var evalEvery = 10
  /// Functions measured at each record, in order.
  public var probes: [(name: String, function: (ProbeContext) throws -> Double)] = []
  /// Functions called before a step, by step counted from 0: to freeze, unfreeze, look.
  public var schedule: [Int: (any Model) throws -> Void] = [:]
  /// Called with each record when it is made.
  public var onRecord: ((Record) throws -> Void)?
  /// Largest norm of all gradients together, to which larger ones are scaled; default: no limit.
  public var clipNorm: Double?
  /// Where results go as they come; default: nowhere.
  public var folder: ResultsFolder?
  /// Steps between checkpoints in `folder`; default: one at the end only.
  public var checkpointEvery: Int?
  /// Whether progress is told on standard error.
  public var showsProgress = true
  /// Asked after each step; true ends the run cleanly.
  public var shouldStop: () -> Bool = { false }
  /// Asked about an error of a step: true ends the run cleanly before that step.
  public var isInterruption: (any Error) -> Bool = { $0 as? EngineError == Interruption.error }

  /// The default settings.
  public init(
    model: any Model, task: any TokenTask, steps: Int, optimizer: any Optimizer
  ) {
    (self.model, self.task, self.steps, self.optimizer) = (model, task, steps, optimizer)
  }

  /// Checks the settings against each other before any work is done.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  func validate() throws {
    func fail(_ message: String) -> EngineError { EngineError("train", message) }
    guard steps >= 0 else { throw fail("steps = \(steps) (allowed: 0 or more)") }
    guard batchSize >= 1 else { throw fail("batch_size = \(batchSize) (allowed: 1 or more)") }
    guard evalEvery >= 1 else { throw fail("eval_every = \(evalEvery) (allowed: 1 or more)") }
    if let clipNorm, !(clipNorm > 0) {
      throw fail("clip_norm = \(clipNorm) (allowed: above 0)")
    }
    if let checkpointEvery {
      guard checkpointEvery >= 1 else {
        throw fail("checkpoint_every = \(checkpointEvery) (allowed: 1 or more)")
      }
      guard folder != nil else { throw fail("checkpoint_every needs dir, the folder to write to") }
    }
    guard task.vocabSize <= model.vocabSize else {
      throw fail(
        "the data has \(task.vocabSize) tokens, the model a vocab of \(model.vocabSize)")
    }
    guard task.seqLen <= model.maxLength else {
      throw fail(
        "the data has seq_len = \(task.seqLen), the model max_len = \(model.maxLength) "
          + "(allowed: seq_len up to max_len)")
    }
  }
}
