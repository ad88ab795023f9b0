import Glibc
import Settings
import Tasks
import Tensors
import Transformers

/// A training run: the loop, and what it measured.
///
/// Step s draws batch s, computes the loss where the mask keeps it and its gradients, measures the
/// probes if s is a multiple of `evalEvery`, and updates the trained parameters. After the last
/// step one more record is made. The same settings and seeds give the same history, bit for bit, on
/// any number of threads.
public final class TrainingRun {
  /// How a run ended.
  public enum Status: String, Sendable {
    /// All steps were made.
    case finished
    /// It was asked to stop between two steps.
    case interrupted
    /// A record was enough (``TrainingOptions/isEnough``).
    case stopped
    /// An error ended it.
    case failed
  }

  /// The settings.
  public let options: TrainingOptions
  /// One record for each measured step.
  public private(set) var history: [Record] = []
  /// Number of updates made so far.
  public private(set) var step = 0
  /// How it ended, or will have if nothing more is done.
  public private(set) var status = Status.finished
  /// The batches of its task, if it has one.
  private let batches: BatchesAhead?
  /// The advance on its way.
  private var going: Advance?
  private var savedStep: Int?
  /// Folders that it was saved to beside its own.
  private var savedFolders: [ResultsFolder] = []
  /// The number of updates that were asked for last, all together; nil before it has begun.
  private var target: Int?
  /// Whether the record of the step that it stands at is to be made anew, as in a run that never
  /// stopped.
  private var repeatsRecord = false
  /// The first loss of the run.
  private var firstLoss: Double?
  /// A step that was just recorded and is worth returning to; nothing has changed since.
  private var candidate: (step: Int, loss: Double)?
  private var lastGood: GoodState?

  /// A loss so many times as large as the first, and as that of a uniform guess, log V, has left
  /// all bounds: the right token's mean log-probability is a hundred times worse than knowing
  /// nothing.
  public static let divergence = 100.0

  /// What a run does next.
  enum Stage {
    /// Calls what is scheduled for the step.
    case prepare
    /// Computes the loss and the gradients.
    case measure
    /// Calls the probes and tells what they measured.
    case record
    /// Asks for the learning rates.
    case rate
    /// Makes the update.
    case update
    /// Has the model kept.
    case checkpoint
    /// Nothing more, for now.
    case ended
  }

  /// How far an advance is.
  private struct Advance {
    /// The number of updates that there will be.
    let end: Int
    var stage = Stage.prepare
    /// Whether all that is left is the record after the last update.
    var isLast = false
    /// Whether no step is to be begun any more.
    var isStopped = false
    /// Whether the step that was begun is not to be made, and no record either.
    var isGivenUp = false
    /// Where random numbers stood before the step that was begun.
    var random: RandomPosition?
    var batch: (StepBatch, mask: Tensor?)?
    var loss = 0.0
    var rates: StepRates?
  }

  /// A run that has not begun.
  /// - Throws: `EngineError` if the settings do not fit each other.
  public init(_ options: TrainingOptions) throws {
    try options.validate()
    self.options = options
    batches = options.task.map { BatchesAhead($0, size: options.batchSize) }
  }

  /// Makes the updates that are left of `options.steps`, or as many as are made until its
  /// ``StopToken`` asks it to stop.
  /// - Throws: as `advance`.
  public func run() throws { try advance(stepsLeft) }

  /// How many updates are left of those that were asked for.
  public var stepsLeft: Int { max(0, (target ?? options.steps) - step) }

  /// Makes `steps` more updates.
  ///
  /// The run has diverged if a loss is not finite, or is more than ``divergence`` times both the
  /// first loss and log V. Parameters and the optimizer's state then return to those of the last
  /// record whose loss was below the first, or of the beginning; if the run goes on, records after
  /// that step are made anew. If a callback fails, the model stays as it is. In both cases what was
  /// measured so far stays in `history` and in the results folder, and the checkpoint is written
  /// there.
  /// - Throws: `EngineError` that says at which step and why; errors of callbacks.
  public func advance(_ steps: Int) throws {
    try begin(steps)
    do {
      while stage != .ended { try goOn() }
    } catch {
      fail(error)
      throw error
    }
    try finish()
  }

  // MARK: An advance, stage by stage

  /// What is to be done next.
  var stage: Stage { going?.stage ?? .ended }

  /// Gets ready for `steps` more updates.
  /// - Throws: as `advance`; nothing is to be ended then.
  func begin(_ steps: Int) throws {
    // 2⁴⁰ is how many batches a task can draw.
    guard steps >= 0, steps <= 1 << 40 else {
      throw EngineError("train", "steps = \(steps) (allowed: 0 to \(1 << 40))")
    }
    guard going == nil else { throw EngineError("train", "a run cannot resume inside itself") }
    try options.checkComplete()
    going = Advance(end: step + steps)
    target = step + steps
    status = .failed
    do {
      let description = description
      try tell { try $0.begin(description) }
      try forgetRecordsAhead()
    } catch {
      fail(error)
      throw error
    }
    goToNextStep()
  }

  /// Makes the next stage.
  /// - Throws: as `advance`; ``fail(_:)`` ends it then.
  func goOn() throws {
    do {
      switch stage {
      case .prepare: try prepare()
      case .measure: try measureWhileDrawing()
      case .record: try record()
      case .rate: try askForRate()
      case .update: try update()
      case .checkpoint:
        try saveCheckpoint()
        endStep()
      case .ended: break
      }
    } catch {
      // A long step is given up; the next advance begins with it anew.
      guard StopToken.takes(error) else { throw error }
      giveUp()
    }
  }

  /// Whether the next stage is for the thread that advances the run: it calls functions that belong
  /// there, a script's or a sink's.
  var needsCaller: Bool {
    switch stage {
    case .prepare:
      options.data.needsCaller || options.lossOn.isFunction
        || going?.isLast == false && options.schedule[step] != nil
    case .measure: options.loss != nil || !(options.model is any FunctionalModel)
    case .record, .checkpoint: true
    case .rate: options.optimizer.ratesAreFunctions
    case .update: options.optimizer.updatesAreFunctions
    case .ended: false
    }
  }

  /// Whether it ends early.
  var isStopped: Bool { going?.isStopped == true }
  /// Whether it ended in the midst of a step.
  var isGivenUp: Bool { going?.isGivenUp == true }

  /// Makes the step that was begun the last.
  func stop() {
    guard let now = going, !now.isStopped else { return }
    going?.isStopped = true
    if now.stage == .prepare { goToNextStep() }
  }

  /// Makes no stage any more: the next advance begins with the step anew.
  func giveUp() {
    going?.isStopped = true
    going?.isGivenUp = true
    going?.stage = .ended
  }

  /// Ends an advance whose stages are done.
  /// - Throws: errors of sinks.
  func finish() throws {
    clearGradients()
    let isEarly = going.map { step < $0.end } == true
    status = isEarly && isStopped ? .interrupted : (isEarly ? .stopped : .finished)
    defer { end() }
    try saveCheckpoint()
  }

  /// Ends an advance after an error.
  func fail(_ error: any Error) {
    clearGradients()
    // The error that ended the run is the one to tell, also if the disk is full.
    try? saveCheckpoint()
    tell { $0.failed(error) }
    end()
  }

  private func end() {
    tell { $0.end(status) }
    going = nil
    // Whoever has the model now may change it.
    candidate = nil
  }

  private var description: RunDescription {
    RunDescription(
      first: step, last: step + stepsLeft, recorded: history.last?.step, options)
  }

  private func tell(_ message: (any RunSink) throws -> Void) rethrows {
    for sink in options.sinks { try message(sink) }
  }

  /// After an update and what belongs to it.
  private func endStep() {
    if StopToken.current?.isRequested == true { going?.isStopped = true }
    goToNextStep()
  }

  private func goToNextStep() {
    guard let now = going else { return }
    let isLast = now.isStopped || step == now.end
    going?.isLast = isLast
    going?.stage = isLast && history.last?.step == step ? .ended : .prepare
  }

  /// Calls what is scheduled, and draws the step's batch: batch `end` is that of the last record.
  private func prepare() throws {
    guard let now = going else { return }
    going?.random = options.random?.randomPosition
    if !now.isLast, let callback = options.schedule[step] {
      tell { $0.pause() }
      // It may change what no update does.
      try keep(options.model.parameters.all)
      try callback(options.model)
    }
    let batch = try draw(isFollowed: !now.isLast)
    going?.batch = (batch, try mask(of: batch))
    going?.stage = .measure
  }

  /// The step's batch.
  private func draw(isFollowed: Bool) throws -> StepBatch {
    if case .function(_, let function) = options.data {
      return try function(options.batchSize, step)
    }
    return StepBatch(try batches?.batch(step, isFollowed: isFollowed))
  }

  /// The weights of the loss; nil where it needs none.
  private func mask(of batch: StepBatch) throws -> Tensor? {
    guard options.loss == nil, let sequences = batch.sequences else { return nil }
    return try options.lossOn.mask(batch, sequences)
  }

  private func loss(on batch: StepBatch, mask: Tensor?) throws -> Tensor {
    guard let function = options.loss else {
      guard let sequences = batch.sequences, let mask else {
        throw EngineError("train", "the batch has no tokens and targets; give a loss that reads it")
      }
      return try options.model.loss(sequences, mask: mask)
    }
    let loss = try function(options.model, batch)
    guard loss.shape.isEmpty else {
      throw EngineError(
        "train", "loss must return a 0-dimensional Tensor, got one of shape \(loss.shape)")
    }
    guard loss.requiresGrad || options.model.parameters.trained.isEmpty else {
      throw EngineError(
        "train", "loss must return a Tensor that requires gradients; no trained parameter is in it")
    }
    return loss
  }

  /// The loss beyond which the run has diverged; one's own may be of any size.
  private func bound(first: Double) -> Double {
    options.loss != nil
      ? .infinity : Self.divergence * max(first, log(Double(options.model.outputSize)))
  }

  /// Measures on a spare thread while this one draws the next batch, if the task allows it.
  private func measureWhileDrawing() throws {
    guard let batches, batches.areDrawnByCaller, going?.isLast == false, options.loss == nil,
      options.model is any FunctionalModel
    else { return try measure() }
    let token = StopToken.current.map { StopToken(following: $0) }
    let areRecorded = Gradients.areRecorded
    let measuring = Background(usesAllThreads: true) { [self] in
      try StopToken.with(token) {
        let outcome = Result {
          try Gradients.$areRecorded.withValue(areRecorded) { try measure() }
        }
        // What was cut short is no result.
        if token?.takeCut() == true { throw Stopped() }
        try outcome.get()
      }
    }
    let drawn = Result { try batches.draw(step + 1) }
    try measuring.outcome()
    try drawn.get()
  }

  /// The loss and gradients on the step's batch.
  private func measure() throws {
    guard let now = going, let (batch, mask) = now.batch else { return }
    let isRecorded = now.isLast || step % options.evalEvery == 0
    going?.loss = try differentiated(batch, mask, isRecorded: isRecorded)
    // The last record of an advance was made by the one before.
    going?.stage = isRecorded && step > history.last?.step ?? -1 ? .record : .rate
  }

  /// The loss, whose gradients the parameters have then; NaN if there is none.
  private func differentiated(
    _ batch: StepBatch, _ mask: Tensor?, isRecorded: Bool
  ) throws -> Double {
    if try asksNothing(mask) {
      clearGradients()
      return .nan
    }
    let loss = try loss(on: batch, mask: mask)
    let value = Double(try loss.item())
    try StopToken.check()
    let first = firstLoss ?? value
    let bound = bound(first: first)
    guard value.isFinite, value <= bound else { throw try returnToGoodState(value, bound) }
    firstLoss = first
    if isRecorded || step == history.last?.step, step == 0 || value < first {
      candidate = (step, value)
    }
    // Those of others: left from before the run, or by a callback.
    clearGradients()
    if loss.requiresGrad { try loss.backward() }
    return value
  }

  /// Whether a batch by chance has no place that counts: without gradients nothing is updated.
  ///
  /// Where there was no loss yet it is the settings that are wrong, and the loss says so.
  private func asksNothing(_ mask: Tensor?) throws -> Bool {
    guard firstLoss != nil, let mask else { return false }
    return try mask.withElements { $0.allSatisfy { $0 == 0 } }
  }

  private func record() throws {
    guard let now = going, let (batch, _) = now.batch else { return }
    tell { $0.pause() }
    let context = ProbeContext(model: options.model, data: batch, step: step, run: self)
    let values = try options.probes.flatMap {
      try $0.function(context).columns(named: $0.name)
    }
    try StopToken.check()
    try checkNames(values.map(\.name))
    let record = Record(step: step, loss: now.loss, values: values)
    history.append(record)
    try tell { try $0.record(record) }
    try options.onRecord?(record)
    let isEnough = try options.isEnough?(record) == true
    if step == 0, isKept { try saveCheckpoint() }
    going?.stage = now.isLast || isEnough ? .ended : .rate
    if now.isLast { try StopToken.check() }
  }

  /// Two columns of one name would be one.
  private func checkNames(_ names: [String]) throws {
    var known = Set<ByteName>()
    for name in names where !known.insert(ByteName(name)).inserted {
      throw EngineError("train", "two probes give a column '\(name)'")
    }
  }

  private func askForRate() throws {
    going?.rates = try options.optimizer.rates(at: step)
    going?.stage = .update
  }

  private func update() throws {
    guard let now = going, let rates = now.rates else { return }
    going?.batch = nil
    try clipGradients()
    try StopToken.check()
    let trained = options.model.parameters.trained
    try keep(trained)
    try StopToken.suspended { try options.optimizer.update(trained, rates) }
    step += 1
    going?.random = nil
    tell { $0.updated(step: step, loss: now.loss) }
    if isCheckpointDue, step < now.end {
      going?.stage = .checkpoint
    } else {
      endStep()
    }
  }

  private var isCheckpointDue: Bool {
    isKept || options.settings.checkpointEvery.map { step % $0 == 0 } == true
  }

  /// Whether a checkpoint of how things are now stays.
  private var isKept: Bool { options.settings.checkpoints?.isDue(at: step) == true }

  private func clearGradients() {
    for (_, tensor) in options.model.parameters.all { tensor.grad = nil }
  }

  /// Copies what is about to change into the good state, where it is not there yet.
  ///
  /// So a run that only measures copies nothing, and one that trains does at records alone.
  private func keep(_ parameters: [(name: String, tensor: Tensor)]) throws {
    if let candidate { lastGood = GoodState(step: candidate.step, loss: candidate.loss) }
    candidate = nil
    guard let good = lastGood else { return }
    let kept = Set(good.parameters.map { ObjectIdentifier($0.tensor) })
    for (_, tensor) in parameters where !kept.contains(ObjectIdentifier(tensor)) {
      try StopToken.suspended {
        lastGood?.parameters.append(
          (tensor, try tensor.copied(), try options.optimizer.states[tensor]?.copy()))
      }
    }
  }

  private func returnToGoodState(_ loss: Double, _ bound: Double) throws -> EngineError {
    // A NaN's sign says nothing.
    let what =
      loss.isFinite
      ? "\(loss) at step \(step), \(Int(Self.divergence)) times what it was at first or more"
      : "\(loss.isNaN ? .nan : loss) at step \(step)"
    guard let lastGood else {
      return EngineError("train", "the loss is \(what), before any update")
    }
    for (tensor, values, state) in lastGood.parameters {
      tensor.overwrite(with: values)
      options.optimizer.states[tensor] = try state?.copy()
    }
    step = lastGood.step
    return EngineError(
      "train",
      "the loss is \(what); training stopped, and the model is back at step "
        + "\(step), where the loss was \(lastGood.loss); a smaller learning rate may help")
  }

  /// Drops records of a path that the run came back from.
  private func forgetRecordsAhead() throws {
    let goesOn = going.map { step < $0.end } == true
    let first = repeatsRecord && goesOn ? step : step + 1
    if goesOn { repeatsRecord = false }
    guard let last = history.last, last.step >= first else { return }
    history.removeAll { $0.step >= first }
    try tell { try $0.rewind(to: history) }
  }

  private func clipGradients() throws {
    guard let limit = options.clipNorm else { return }
    try GradientNorm.clip(options.model.parameters.trained, to: limit)
  }

  /// The columns of the history: step, loss, and what the probes gave, in the order in which they
  /// first came; before there is a record, the probes' names.
  public var columns: [String] {
    var (columns, known) = ([String](), Set<ByteName>())
    for record in history {
      for (name, _) in record.values where known.insert(ByteName(name)).inserted {
        columns.append(name)
      }
    }
    return ["step", "loss"] + (history.isEmpty ? options.probes.map(\.name) : columns)
  }

  /// Whether steps were made that no file holds.
  public var isUnsaved: Bool {
    step > 0 && savedStep != step && !options.sinks.contains(where: \.keepsModel)
  }

  private func saveCheckpoint() throws {
    let state = state
    try StopToken.suspended { try tell { try $0.checkpoint(state) } }
  }

  /// How things are at the beginning of the step that it stands at.
  private var state: RunState {
    RunState(
      model: options.model, step: step, isKept: isKept, optimizer: options.optimizer,
      firstLoss: firstLoss, good: lastGood,
      random: going?.random ?? options.random?.randomPosition)
  }

  /// Writes history and checkpoint into a folder, to the end: they belong together.
  ///
  /// The history is replaced at once, then the model: whatever happens in between, there is a whole
  /// history, and it reaches as far as the model.
  /// - Parameters:
  ///   - path: the folder, made if it is not there.
  ///   - overwrites: whether another run that it holds is replaced.
  /// - Throws: `EngineError` if it is in use, holds another run that is not to be replaced, or
  ///   cannot be written.
  public func save(to path: String, overwrites: Bool = false) throws {
    let own = options.sinks.compactMap { $0 as? ResultsFolder }
    let known = folders.first { $0.isAt(path) }
    let folder = try known ?? ResultsFolder(path, overwrites: overwrites)
    if known == nil { savedFolders.append(folder) }
    // A run that goes on keeps the folder that it writes into.
    defer { if going == nil || !own.contains(where: { $0 === folder }) { folder.letGo() } }
    let (state, description) = (state, description)
    try StopToken.suspended {
      try folder.save(
        history, state, description, status, isGoingOn: going != nil, overwrites: overwrites)
    }
    savedStep = step
  }

  /// Its model, task and optimizer as they were made, and its own settings, by name.
  public var parts: [(name: String, described: any Described)] { description.parts }

  /// The folders that it writes into, the one given with its options first.
  private var folders: [ResultsFolder] {
    options.sinks.compactMap { $0 as? ResultsFolder } + savedFolders
  }

  // MARK: Checkpoints

  /// The steps of which there is a checkpoint, in order.
  public var checkpointSteps: [Int] {
    Set(folders.flatMap { $0.checkpoints.map(\.step) }).sorted()
  }

  /// A copy of the model as it was after `step` updates.
  /// - Throws: `EngineError` if there is no checkpoint of that step, or it cannot be read.
  public func model(at step: Int) throws -> any Model {
    let known = folders.flatMap(\.checkpoints)
    guard let found = known.first(where: { $0.step == step }) else {
      let steps = checkpointSteps.map { "\($0)" }.joined(separator: ", ")
      throw EngineError(
        "model_at",
        folders.isEmpty
          ? "the run has no folder with checkpoints; give dir"
          : "there is no checkpoint of step \(step) "
            + (steps.isEmpty ? "(there are none)" : "(there are those of \(steps))"))
    }
    let model = try options.model.copy()
    try StoredCheckpoint(found.path).load(into: model)
    return model
  }

  /// Takes over where the run stood that its folder holds, if that is one that goes on.
  ///
  /// All of it, or on an error nothing. It goes on from there as if it had never stopped.
  /// - Throws: `EngineError` that says which settings differ, or what cannot be read.
  public func restore() throws {
    for contents in folders.compactMap(\.resumed) {
      try contents.check(against: description)
      try takeOver(contents)
    }
  }

  /// The same, without a look at the settings.
  func takeOver(_ contents: RunContents) throws {
    if let checkpoint = contents.checkpoint {
      lastGood = try checkpoint.load(into: options.model, options.optimizer)
      (step, firstLoss) = (checkpoint.notes.step, checkpoint.notes.firstLoss)
      if let random = checkpoint.notes.random { options.random?.randomPosition = random }
    }
    (history, status, repeatsRecord) = (contents.records, contents.file.status, true)
  }
}
