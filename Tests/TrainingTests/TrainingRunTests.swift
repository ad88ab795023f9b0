import Synchronization
import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// The loop: when it measures, what it repeats, how it stops and goes on.
struct TrainingRunTests {
  @Test func recordsAreMadeEveryFewStepsAndAfterTheLast() throws {
    for (steps, every, expected) in [
      (10, 3, [0, 3, 6, 9, 10]), (9, 3, [0, 3, 6, 9]), (2, 5, [0, 2]), (3, 1, [0, 1, 2, 3]),
      (0, 3, [0]),
    ] {
      var told: [Int] = []
      let run = try smallRun(steps: steps) {
        $0.evalEvery = every
        $0.onRecord = { told.append($0.step) }
      }
      #expect(run.history.isEmpty && run.step == 0)
      try run.run()
      #expect(run.steps == expected, "\(steps) steps")
      #expect(told == expected, "\(steps) steps")
      #expect(run.step == steps && run.status == .finished)
      #expect(run.hasNoGradients)
    }
  }

  /// Each step is the loss of its batch, and one update by its gradients.
  @Test(arguments: LossMask.allCases) func stepsAreWhatTheyAreDefinedToBe(
    _ choice: LossMask
  ) throws {
    let rate = LearningRate.schedule { 0.1 / Double(1 + $0) }
    let run = try smallRun(steps: 4, optimizer: AdamW(learningRate: rate)) {
      $0.lossOn = .named(choice)
      $0.evalEvery = 1
    }
    try run.run()

    let (model, task) = (try smallModel(), try smallTask())
    let optimizer = try AdamW(learningRate: rate)
    for step in 0...4 {
      let batch = try task.batch(4, index: UInt64(step))
      let loss = try model.loss(batch, mask: choice.mask(of: batch))
      #expect(run.losses[step] == Double(try loss.item()).bitPattern, "step \(step)")
      if step == 4 { break }
      try loss.backward()
      try optimizer.update(model.parameters.trained, step: step)
      for (_, tensor) in model.parameters.all { tensor.grad = nil }
    }
    #expect(run.bits == model.bits)
    // What is frozen stays, what is trained does not.
    let before = try smallModel()
    for (name, tensor) in before.parameters.all {
      #expect((run.bits[name] == before.bits[name]) == !tensor.requiresGrad, "\(name)")
    }
  }

  @Test func masksAreWeights() throws {
    func losses(_ selection: LossSelection) throws -> [Int: UInt64] {
      let run = try smallRun(steps: 3) { $0.lossOn = selection }
      try run.run()
      return run.losses
    }
    let outputs = try losses(.custom { try LossMask.outputs.mask(of: #require($0.sequences)) })
    #expect(try outputs == losses(.named(.outputs)))
    #expect(try outputs != losses(.named(.all)))
    let all = try losses(.custom { try LossMask.all.mask(of: #require($0.sequences)) })
    #expect(try all == losses(.named(.all)))

    expectError(
      "train: loss_on gave a mask of shape [13, 4] (allowed: [4, 13], as targets)"
    ) { try losses(.custom { _ in try Tensor(full: [13, 4], 1) }) }
    expectError("loss: the loss mask keeps no position of the batch") {
      try losses(.custom { try Tensor(full: #require($0.sequences).tokens.shape, 0) })
    }
    #expect(throws: Refusal.self) { try losses(.custom { _ in throw Refusal() }) }
  }

  @Test func gradientsFromBeforeAreNotUsed() throws {
    let expected = try smallRun(steps: 2)
    try expected.run()
    let run = try smallRun(steps: 2) {
      // Left by someone else: before the run, and by a callback of the schedule.
      for (_, tensor) in $0.model.parameters.trained {
        tensor.grad = try Tensor(full: tensor.shape, 1)
      }
      $0.schedule[1] = { model in
        let batch = try smallTask().batch(2, index: 9)
        try model.loss(batch, mask: LossMask.all.mask(of: batch)).backward()
      }
    }
    try run.run()
    #expect(run.bits == expected.bits)
  }

  @Test func nothingToTrainIsNoError() throws {
    let model = try smallModel()
    try model.parameters.setTrained("*", false)
    let before = model.bits
    let run = try smallRun(steps: 4, model: model)
    try run.run()
    #expect(model.bits == before && run.step == 4)
  }

  // MARK: Clipping

  /// PyTorch's clip_grad_norm_: gradients times min(1, limit / (norm + 1e-6)).
  ///
  /// The 1e-6 matters for tiny gradients only, such as those of a model with tiny outputs: they are
  /// scaled a little although their norm is below the limit.
  @Test(arguments: [(1, 2), (1, 0.3), (1e-6, 5), (1e-6, 1.5), (1e-6, 0.3)])
  func clippingIsPyTorchs(outputs: Float, share: Double) throws {
    let model = try smallModel()
    let output = try model.parameters.get("output.weight")
    try model.parameters.set("output.weight", output.mul(Tensor(outputs)))
    let start = try #require(model.copy() as? SimplifiedTransformer).parameters
    let batch = try smallTask().batch(4, index: 0)
    try model.loss(batch, mask: LossMask.all.mask(of: batch)).backward()
    let gradients = try model.parameters.trained.map { name, tensor in
      (name, try #require(tensor.grad).elements().map(Double.init))
    }
    let norm = gradients.reduce(0) { $1.1.reduce($0) { $0 + $1 * $1 } }.squareRoot()
    #expect(outputs == 1 ? norm > 0.01 : (1e-7...1e-5).contains(norm))

    // A rate that makes the update of norm 1.
    let run = try smallRun(
      steps: 1, optimizer: SGD(learningRate: .constant(1 / norm)), model: model
    ) { $0.clipNorm = share * norm }
    try run.run()
    for (name, gradient) in gradients {
      let before = try start.get(name).elements().map(Double.init)
      let after = try model.parameters.get(name).elements().map(Double.init)
      let expected = zip(before, gradient).map {
        $0 - $1 / norm * min(1, share * norm / (norm + 1e-6))
      }
      let worst = zip(after, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 1e-6, "\(name)")
    }
  }

  // MARK: Schedule

  @Test func callbacksComeBeforeTheirStep() throws {
    var called: [Int] = []
    var seen: [Int: Bits] = [:]
    let run = try smallRun(steps: 7) { options in
      for step in [5, 2, 0, 7, 12] {
        options.schedule[step] = { model in
          called.append(step)
          seen[step] = model.bits
        }
      }
    }
    try run.run()
    #expect(called == [0, 2, 5])
    for step in called {
      let short = try smallRun(steps: step)
      try short.run()
      #expect(seen[step] == short.bits, "step \(step)")
    }
  }

  @Test func callbacksActOnTheirStep() throws {
    let name = "layers.1.attention.wo.weight"
    let zeros = try Tensor(full: [8, 8], 0)
    let run = try smallRun(steps: 4) {
      $0.evalEvery = 1
      $0.schedule[2] = { try $0.parameters.set(name, zeros) }
    }
    try run.run()
    // The loss at step 2 is that of the changed model: before it, nothing differs.
    let plain = try smallRun(steps: 4) { $0.evalEvery = 1 }
    try plain.run()
    for step in 0...4 { #expect((run.losses[step] == plain.losses[step]) == (step < 2)) }

    let model = try smallModel()
    let short = try smallRun(steps: 2, model: model)
    try short.run()
    try model.parameters.set(name, zeros)
    let batch = try smallTask().batch(4, index: 2)
    let loss = try model.loss(batch, mask: LossMask.all.mask(of: batch))
    #expect(run.losses[2] == Double(try loss.item()).bitPattern)
  }

  @Test(arguments: UpdateRule.allCases) func freezingStopsAParameter(_ rule: UpdateRule) throws {
    let names = ["layers.0.attention.wk.weight", "layers.1.attention.wv.weight"]
    var seen: [String: [[UInt32]]] = [:]
    let model = try smallModel()
    let run = try smallRun(steps: 8, optimizer: rule.optimizer(.constant(0.05)), model: model) {
      $0.evalEvery = 1
      $0.onRecord = { _ in
        for name in names { seen[name, default: []].append(model.bits[name] ?? []) }
      }
      $0.schedule[3] = { try $0.parameters.setTrained("layers.0.*.wk.*", false) }
      $0.schedule[5] = { try $0.parameters.setTrained("layers.1.*.wv.*", true) }
      $0.schedule[6] = { try $0.parameters.setTrained("layers.0.*.wk.*", true) }
    }
    try run.run()
    for step in 0..<8 {
      func changes(_ name: String) -> Bool { seen[name]?[step] != seen[name]?[step + 1] }
      #expect(changes(names[0]) == (step < 3 || step >= 6), "step \(step)")
      #expect(changes(names[1]) == (step >= 5), "step \(step)")
    }
  }

  @Test func aScheduleThatThrowsEndsTheRun() throws {
    let run = try smallRun(steps: 8) { $0.schedule[4] = { _ in throw Refusal() } }
    #expect(throws: Refusal.self) { try run.run() }
    #expect(run.status == .failed && run.step == 4 && run.steps == [0, 3])
    let short = try smallRun(steps: 4)
    try short.run()
    #expect(run.bits == short.bits)
  }

  // MARK: Data, losses and ends of one's own

  @Test func batchesMayComeFromAFunction() throws {
    let task = try smallTask()
    let expected = try smallRun(steps: 4)
    try expected.run()
    var asked: [[Int]] = []
    let mine = DescribedData(kind: "mine", unwritten: ["batch"])
    let run = try smallRun(steps: 4) {
      $0.data = .function(mine) { size, step in
        asked.append([size, step])
        return StepBatch(try task.batch(size, index: UInt64(step), purpose: .data))
      }
    }
    #expect(run.options.task == nil)
    try run.run()
    #expect(run.losses == expected.losses && run.bits == expected.bits)
    #expect(asked == [[4, 0], [4, 1], [4, 2], [4, 3], [4, 4]])
    let nothing = try smallRun(steps: 1) {
      $0.data = .function(mine) { _, _ in StepBatch(nil) }
    }
    expectError("train: the batch has no tokens and targets; give a loss that reads it") {
      try nothing.run()
    }
  }

  @Test func aLossOfOnesOwnIsMadeSmall() throws {
    let run = try smallRun(steps: 30) {
      $0.loss = { model, _ in try model.parameters.trained[0].tensor.square().sum() }
    }
    try run.run()
    #expect(try #require(run.history.last).loss < 1e-2 * run.history[0].loss)
    for (text, loss) in [
      ("must return a 0-dimensional Tensor, got one of shape [1]", try Tensor([1])),
      (
        "must return a Tensor that requires gradients; no trained parameter is in it", Tensor(1)
      ),
    ] {
      let run = try smallRun(steps: 1) { $0.loss = { _, _ in loss } }
      expectError("train: loss \(text)") { try run.run() }
    }
    expectError("train: loss and loss_on exclude each other") {
      try smallRun(steps: 1) {
        $0.loss = { _, _ in Tensor(1) }
        $0.lossOn = .named(.repeats)
      }
    }
  }

  @Test func aRecordMayBeEnough() throws {
    let run = try smallRun(steps: 10) { $0.isEnough = { $0.step == 6 } }
    try run.run()
    #expect(run.steps == [0, 3, 6] && run.step == 6 && run.status == .stopped)
    let short = try smallRun(steps: 6)
    try short.run()
    #expect(run.bits == short.bits && run.hasNoGradients)
    try run.advance(4)
    let whole = try smallRun(steps: 10)
    try whole.run()
    #expect(run.bits == whole.bits && run.status == .finished && run.losses == whole.losses)
    // The last record is no early end.
    let last = try smallRun(steps: 6) { $0.isEnough = { $0.step == 6 } }
    try last.run()
    #expect(last.status == .finished)
  }

  @Test func aProbeMayGiveSeveralNumbers() throws {
    let run = try smallRun(steps: 3) {
      $0.probes = [
        ("one", { _ in 1 }),
        ("more", { ProbeTable([("a", 2), ($0.step == 0 ? "b" : "c", 3)]) }),
      ]
    }
    #expect(run.columns == ["step", "loss", "one", "more"])
    try run.run()
    #expect(run.columns == ["step", "loss", "one", "more.a", "more.b", "more.c"])
    #expect(run.history[1]["more.c"] == 3 && run.history[1]["more.b"] == nil)
    let twice = try smallRun(steps: 0) {
      $0.probes = [("a.b", { _ in 1 }), ("a", { _ in ProbeTable([("b", 1)]) })]
    }
    expectError("train: two probes give a column 'a.b'") { try twice.run() }
  }

  // MARK: Probes

  @Test func probesSeeTheStep() throws {
    let run = try smallRun(steps: 4) { options in
      let task = try #require(options.task)
      options.probes = [
        ("half", { Double($0.step) / 2 }),
        (
          "loss again",
          { context in
            let logits = try context.logits()
            #expect(logits.shape == [4, 13, 11] && !logits.requiresGrad)
            #expect(try context.logits() === logits)
            return Double(try logits.crossEntropy(context.batch.targets).item())
          }
        ),
        (
          "records so far",
          { context in
            let batch = try task.batch(4, index: UInt64(context.step), purpose: .data)
            #expect(try context.batch.tokens.elements() == batch.tokens.elements())
            #expect(context.model === context.run?.options.model)
            // Gradients are those of this step's loss.
            #expect(context.model.parameters.trained.allSatisfy { $0.tensor.grad != nil })
            return Double(try #require(context.run).history.count)
          }
        ),
      ]
    }
    try run.run()
    #expect(run.steps == [0, 3, 4])
    for (place, record) in run.history.enumerated() {
      #expect(record.values.map(\.name) == ["half", "loss again", "records so far"])
      #expect(record["half"] == Double(record.step) / 2)
      #expect(record["records so far"] == Double(place))
      #expect(abs(try #require(record["loss again"]) - record.loss) < 1e-5)
      #expect(record["step"] == Double(record.step) && record["loss"] == record.loss)
      #expect(record["other"] == nil)
    }
  }

  @Test func contextsOutliveTheirRuns() throws {
    var kept: ProbeContext?
    var run: TrainingRun? = try smallRun(steps: 1) {
      $0.probes = [
        (
          "keep",
          {
            kept = $0
            return 0
          }
        )
      ]
    }
    try run?.run()
    #expect(kept?.run === run && kept?.run != nil)
    run = nil
    #expect(kept != nil && kept?.run == nil)
  }

  @Test func aRunDoesNotResumeInsideItself() throws {
    let run = try smallRun(steps: 4) {
      $0.probes = [("more", { try $0.run.map { try $0.advance(1) }.map { 0 } ?? 1 })]
    }
    expectError("train: a run cannot resume inside itself") { try run.run() }
    #expect(run.step == 0 && run.history.isEmpty)
  }

  @Test func aProbeThatThrowsLeavesTheModelUsable() throws {
    for failing in [0, 6, 10] {
      var fails = true
      let run = try smallRun(steps: 10) {
        $0.probes = [
          ("odd", { if fails && $0.step == failing { throw Refusal() } else { Double($0.step) } })
        ]
      }
      #expect(throws: Refusal.self) { try run.run() }
      #expect(run.status == .failed && run.step == failing && run.hasNoGradients)
      #expect(run.steps == (0..<failing).filter { $0 % 3 == 0 })
      let short = try smallRun(steps: failing)
      try short.run()
      #expect(run.bits == short.bits)
      // And it can go on as if nothing had happened.
      fails = false
      try run.advance(10 - failing)
      let whole = try smallRun(steps: 10)
      try whole.run()
      #expect(run.bits == whole.bits && run.losses == whole.losses && run.status == .finished)
    }
  }

  // MARK: Stopping and going on

  @Test func stoppingEndsAfterTheStep() throws {
    let asked = Counter()
    let token = StopToken(isWanted: { asked.next() == 5 }, isUrgent: { false })
    let run = try smallRun(steps: 10)
    try StopToken.with(token) { try run.run() }
    #expect(run.status == .interrupted && run.step == 5 && asked.count == 5)
    #expect(run.steps == [0, 3, 5])
    let short = try smallRun(steps: 5)
    try short.run()
    #expect(run.bits == short.bits && run.losses == short.losses)
    // Stopped once more at the very end: all steps were made.
    let last = Counter()
    let again = StopToken(isWanted: { last.next() == 5 }, isUrgent: { false })
    try StopToken.with(again) { try run.advance(5) }
    #expect(run.status == .finished && run.step == 10)
  }

  private final class Counter: Sendable {
    private let asked = Atomic<Int>(0)
    var count: Int { asked.load(ordering: .relaxed) }
    func next() -> Int { asked.add(1, ordering: .relaxed).newValue }
  }

  /// A step that is cut short changes nothing, and is made anew by the next advance.
  @Test func aStepThatIsCutShortIsMadeAnew() throws {
    let run = try smallRun(steps: 10)
    try run.advance(4)
    try StopToken.with(StopToken(isWanted: { true }, isUrgent: { true })) { try run.advance(6) }
    #expect(run.status == .interrupted && run.step == 4)
    try run.advance(6)
    let whole = try smallRun(steps: 10)
    try whole.run()
    #expect(run.bits == whole.bits && run.status == .finished)
  }

  @Test(arguments: UpdateRule.allCases) func advancingGoesOn(_ rule: UpdateRule) throws {
    let rate = LearningRate.schedule { 0.2 / Double(1 + $0) }
    let whole = try smallRun(steps: 20, optimizer: rule.optimizer(rate))
    try whole.run()
    let parts = try smallRun(steps: 10, optimizer: rule.optimizer(rate))
    try parts.run()
    try parts.advance(0)
    #expect(parts.steps == [0, 3, 6, 9, 10])
    try parts.advance(10)
    #expect(parts.bits == whole.bits && parts.step == 20)
    #expect(parts.steps == [0, 3, 6, 9, 10, 12, 15, 18, 20])
    for (step, loss) in whole.losses { #expect(parts.losses[step] == loss, "step \(step)") }
    for steps in [-1, 1 << 40 + 1] {
      expectError("train: steps = \(steps) (allowed: 0 to 1099511627776)") {
        try parts.advance(steps)
      }
    }
  }

  // MARK: Settings

  @Test func settingsAreChecked() throws {
    func expectRefused(
      _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
      _ change: (inout TrainingOptions) throws -> Void
    ) {
      expectError("train: \(text)", sourceLocation: sourceLocation) {
        try smallRun(steps: 2, change)
      }
    }
    expectRefused("steps = -1 (allowed: 0 or more)") { $0.steps = -1 }
    expectRefused("batch_size = 0 (allowed: 1 or more)") { $0.batchSize = 0 }
    expectRefused("eval_every = 0 (allowed: 1 or more)") { $0.evalEvery = 0 }
    expectRefused("clip_norm = 0.0 (allowed: above 0)") { $0.clipNorm = 0 }
    expectRefused("clip_norm = -1.0 (allowed: above 0)") { $0.clipNorm = -1 }
    expectRefused("clip_norm = nan (allowed: above 0)") { $0.clipNorm = .nan }
    expectRefused("checkpoint_every = 0 (allowed: 1 or more)") { $0.checkpointEvery = 0 }
    expectRefused("checkpoint_every needs dir, the folder to write to") { $0.checkpointEvery = 5 }
    expectRefused("the data has 12 tokens, the model a vocab of 11") {
      $0.task = try smallTask(vocab: 12)
    }
    expectRefused(
      "the data has seq_len = 16, the model max_len = 15 (allowed: seq_len up to max_len)"
    ) { $0.task = try smallTask(seqLen: 16) }
    // At the limits.
    try smallRun(steps: 1) {
      $0.task = try smallTask(vocab: 10, seqLen: 15)
      ($0.batchSize, $0.clipNorm) = (1, .infinity)
    }.run()
  }

  // MARK: Learning

  /// The first experiment in small.
  ///
  /// Outputs are drawn anew for each sequence and differ from their triggers: without looking back
  /// no model does better than log 11, and one that knows what the sequence holds but not what
  /// followed what stays about 2. An induction head goes to nearly 0.
  @Test func anInductionHeadIsLearnt() throws {
    var data = BigramTask.Options(corpus: try .uniform(12))
    (data.triggers, data.noRepeat, data.seqLen, data.seed) = (3, true, 32, 1)
    var configuration = SimplifiedConfiguration(vocab: 12)
    (configuration.dim, configuration.maxLen, configuration.seed) = (64, 32, 1)
    var options = TrainingOptions(
      model: try SimplifiedTransformer(configuration), task: try BigramTask(data), steps: 240,
      optimizer: try AdamW(learningRate: .constant(0.005)))
    options.batchSize = 48
    options.lossOn = .named(.repeats)
    let run = try TrainingRun(options)
    try run.run()
    #expect(try #require(run.history.first).loss > 2.4)
    #expect(try #require(run.history.last).loss < 0.6)
  }
}
