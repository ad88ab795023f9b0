import Settings
import Tasks
import Tensors
import Transformers

/// What a training run is made of: its settings, and what they cannot write down.
@dynamicMemberLookup
public struct TrainingOptions {
  /// What can be written down, with its defaults; also to be had as properties of this.
  public var settings = TrainingSettings()
  /// The model; its trained parameters are changed in place.
  public var model: any Model
  /// Where batches come from.
  public var data: TrainingData
  /// What is made small; nil for the model's own loss of the next token.
  public var loss: ((any Model, StepBatch) throws -> Tensor)?
  /// The update rule.
  public var optimizer: any Optimizer
  private var lossWeights: ((StepBatch) throws -> Tensor)?
  /// Functions measured at each record, in order.
  public var probes: [(name: String, function: (ProbeContext) throws -> any ProbeResult)] = []
  /// Functions called before a step, by step counted from 0: to freeze, unfreeze, look.
  public var schedule: [Int: (any Model) throws -> Void] = [:]
  /// Called with each record when it is made.
  public var onRecord: ((Record) throws -> Void)?
  /// Asked after each record, and after `onRecord`, whether the run ends with it.
  public var isEnough: ((Record) throws -> Bool)?
  /// Who is told what happens, in this order.
  public var sinks: [any RunSink] = []
  /// Whose random numbers the functions of the run draw; part of what its checkpoints hold.
  public var random: (any RandomSession)?
  /// Who made the run, asked when that is written down.
  public var origin: () -> RunOrigin = { RunOrigin() }
  /// The names of the options that were given for each part, the others having their defaults; only
  /// to be written down.
  public var given: [String: [String]] = [:]
  /// Why no step can be made: a stored run lacks what only its script has.
  var incomplete: EngineError?

  /// The default settings.
  public init(
    model: any Model, task: any TokenTask, steps: Int, optimizer: any Optimizer
  ) {
    self.init(model: model, data: .task(task), steps: steps, optimizer: optimizer)
  }

  /// The default settings, with batches from wherever they come.
  public init(model: any Model, data: TrainingData, steps: Int, optimizer: any Optimizer) {
    (self.model, self.data, self.optimizer) = (model, data, optimizer)
    settings.steps = steps
  }

  /// The task that batches come from; nil if they come from elsewhere.
  public var task: (any TokenTask)? {
    get { if case .task(let task) = data { task } else { nil } }
    set { if let newValue { data = .task(newValue) } }
  }

  /// A setting.
  public subscript<Value>(dynamicMember property: WritableKeyPath<TrainingSettings, Value>) -> Value
  {
    get { settings[keyPath: property] }
    set { settings[keyPath: property] = newValue }
  }

  /// What the loss is taken over.
  public var lossOn: LossSelection {
    get { lossWeights.map { .custom($0) } ?? .named(settings.lossMask ?? .all) }
    set {
      switch newValue {
      case .named(let mask): (settings.lossMask, lossWeights) = (mask, nil)
      case .custom(let weights): (settings.lossMask, lossWeights) = (nil, weights)
      }
    }
  }

  /// The names of what was given and is not written down, each behind what it belongs to:
  /// `optimizer.lr`, `train.probes.wk`.
  var unwritten: [String] {
    let parts: [(String, any Described)] = [
      ("model", model), ("task", data.described), ("optimizer", optimizer),
    ]
    var own = probes.map { "probes.\($0.name)" }
    own += [
      ("loss", loss != nil), ("loss_on", lossWeights != nil), ("on_record", onRecord != nil),
      ("stop", isEnough != nil && onRecord == nil),
    ].filter(\.1).map(\.0)
    own += schedule.keys.sorted().map { "at.\($0)" }
    return parts.flatMap { part, described in described.unwritten.map { "\(part).\($0)" } }
      + own.map { "train.\($0)" }
  }

  /// Checks that it has all that a step needs.
  /// - Throws: `EngineError` if it is that of a stored run without what only its script has.
  func checkComplete() throws {
    if let incomplete { throw incomplete }
  }

  /// Checks the settings against each other before any work is done.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  func validate() throws {
    func fail(_ message: String) -> EngineError { EngineError("train", message) }
    func check(_ name: String, _ value: Int?, least: Int) throws {
      guard let value, value < least else { return }
      throw fail("\(name) = \(value) (allowed: \(least) or more)")
    }
    try check("steps", settings.steps, least: 0)
    try check("batch_size", settings.batchSize, least: 1)
    try check("eval_every", settings.evalEvery, least: 1)
    if let clipNorm = settings.clipNorm, !(clipNorm > 0) {
      throw fail("clip_norm = \(clipNorm) (allowed: above 0)")
    }
    try check("checkpoint_every", settings.checkpointEvery, least: 1)
    let keepsModel = sinks.contains(where: \.keepsModel)
    guard settings.checkpointEvery == nil || keepsModel else {
      throw fail("checkpoint_every needs dir, the folder to write to")
    }
    guard settings.checkpoints == nil || keepsModel else {
      throw fail("checkpoints needs dir, the folder to write to")
    }
    if case .steps(let steps)? = settings.checkpoints, let step = steps.first(where: { $0 < 0 }) {
      throw fail("checkpoints has step \(step) (allowed: 0 or more)")
    }
    guard !settings.overwrites || keepsModel else {
      throw fail("overwrite needs dir, the folder whose run is replaced")
    }
    guard loss == nil || settings.lossMask == .all && lossWeights == nil else {
      throw fail("loss and loss_on exclude each other")
    }
    try optimizer.check(names: model.parameters.names)
    // A loss of one's own reads what it likes, and other batches are looked at when they come.
    guard loss == nil, let task else { return }
    guard task.vocabSize <= model.vocabSize else {
      throw fail(
        "the data has \(task.vocabSize) tokens, the model a vocab of \(model.vocabSize)")
    }
    guard task.targetSize <= model.outputSize else {
      throw fail(
        "the data has targets of \(task.targetSize) classes, the model \(model.outputSize) outputs "
          + "(allowed: as many outputs as classes, or more)")
    }
    guard task.seqLen <= model.maxLength else {
      throw fail(
        "the data has seq_len = \(task.seqLen), the model max_len = \(model.maxLength) "
          + "(allowed: seq_len up to max_len)")
    }
  }
}
