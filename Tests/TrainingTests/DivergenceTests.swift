import FoundationEssentials
import Settings
import Tasks
import TensorFiles
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// A model with losses as they were written down, and a weight that each update lowers by the rate.
private final class ScriptedModel: Model {
  private(set) var parameters = Parameters()
  let truncation = Truncation()
  let (vocabSize, maxLength, layerCount, kind) = (11, 15, 0, "scripted")
  private var losses: [Float]

  init(_ losses: [Float]) throws {
    self.losses = losses.reversed()
    parameters.add("w", try Tensor([0]).requireGrad())
  }

  var weight: Float { parameters["w"]?.elements()[0] ?? .nan }

  func loss(_ batch: Batch, mask: Tensor) throws -> Tensor {
    let w = try parameters.get("w")
    return try w.sub(w.detach()).sum().add(Tensor(losses.popLast() ?? .nan))
  }

  let settings: [(name: String, value: SettingValue)] = []
  func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor { throw Refusal() }
  func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor { throw Refusal() }
  func copy() throws -> any Model { throw Refusal() }
}

/// A loss that is no number, or beyond all bounds: the run ends, and the model goes back to where
/// it was worth something.
struct DivergenceTests {
  /// Where a run that diverges after these records goes back to.
  private func goodRecord(of run: TrainingRun, before step: Int) throws -> Record {
    let first = try #require(run.history.first)
    return try #require(
      run.history.last { $0.step < step && ($0.step == 0 || $0.loss < first.loss) })
  }

  /// A run of written losses, of which every `every`th is recorded, at a rate of 1.
  private func scripted(
    _ losses: [Float], every: Int
  ) throws -> (run: TrainingRun, model: ScriptedModel) {
    let model = try ScriptedModel(losses)
    let run = try smallRun(
      steps: 20, optimizer: SGD(learningRate: .constant(1)), model: model
    ) { $0.evalEvery = every }
    return (run, model)
  }

  @Test(
    arguments: [
      // Each record, then every second.
      ([4, 5, 3, 3.5, 6, 7, .nan], 1, 3, "nan at step 6"),
      ([4, 1, 3, 1, 5, 1, 2, .infinity], 2, 6, "inf at step 7"),
      ([4, 1, 4, 1, 5, 1, .nan], 2, 0, "nan at step 6"),
      // Finite, and beyond all bounds: 100 times the first, or log 11 = 2.398 if that is more.
      ([4, 3, 400, 401], 1, 1, "401.0 at step 3, 100 times what it was at first or more"),
      ([0.5, 0.25, 239, 240], 1, 1, "240.0 at step 3, 100 times what it was at first or more"),
    ] as [([Float], Int, Int, String)])
  func theLastRecordBelowTheFirstIsReturnedTo(
    _ losses: [Float], _ every: Int, _ good: Int, _ what: String
  ) throws {
    let (run, model) = try scripted(losses, every: every)
    expectError(
      "train: the loss is \(what); training stopped, and the model is back at step \(good), where "
        + "the loss was \(Double(losses[good])); a smaller learning rate may help"
    ) { try run.run() }
    #expect(run.step == good && model.weight == -Float(good) && run.status == .failed)
    #expect(run.steps == Array(stride(from: 0, to: losses.count - 1, by: every)))
  }

  /// Records that a run comes back from are made anew if it goes on, in the folder as well.
  @Test func recordsOfALostPathAreDropped() throws {
    try withTemporaryFolder { folder in
      let model = try ScriptedModel([4, 3, 5, 6, .nan, 3, 2.5, 2, 1, 1, 1])
      let run = try smallRun(
        steps: 10, optimizer: SGD(learningRate: .constant(1)), model: model
      ) {
        $0.evalEvery = 1
        $0.sinks = [try ResultsFolder(folder)]
      }
      #expect(throws: EngineError.self) { try run.run() }
      #expect(run.step == 1 && run.steps == [0, 1, 2, 3])
      #expect(try lines("\(folder)/history.jsonl") == run.history.map(\.json))
      try run.advance(3)
      #expect(run.history.map(\.loss) == [4, 3, 2.5, 2, 1] && model.weight == -4)
      #expect(try lines("\(folder)/history.jsonl") == run.history.map(\.json))
    }
  }

  @Test(arguments: UpdateRule.allCases) func aHugeRateIsSurvived(_ rule: UpdateRule) throws {
    let calm = try smallRun(steps: 10, optimizer: rule.optimizer(.constant(0.05)))
    try calm.run()
    let good = try goodRecord(of: calm, before: 6)
    let start = try smallRun(steps: good.step, optimizer: rule.optimizer(.constant(0.05)))
    try start.run()

    var spike = 1e300
    let rate = LearningRate.schedule { $0 == 5 ? spike : 0.05 }
    let run = try smallRun(steps: 10, optimizer: rule.optimizer(rate))
    expectError(
      "train: the loss is nan at step 6; training stopped, and the model is back at step "
        + "\(good.step), where the loss was \(good.loss); a smaller learning rate may help"
    ) { try run.run() }
    #expect(run.bits == start.bits && run.step == good.step && run.status == .failed)
    #expect(run.steps == [0, 3] && run.hasNoGradients)

    // Again, with the same end; then with a smaller rate, as if there had been no spike: the
    // optimizer's state was restored too.
    #expect(throws: EngineError.self) { try run.advance(10) }
    #expect(run.bits == start.bits && run.step == good.step)
    spike = 0.05
    try run.advance(10 - run.step)
    #expect(run.bits == calm.bits && run.losses == calm.losses && run.status == .finished)
  }

  @Test func theFirstUpdateMayBeTheLast() throws {
    let run = try smallRun(steps: 3, optimizer: SGD(learningRate: .constant(1e300)))
    #expect(throws: EngineError.self) { try run.run() }
    #expect(try run.bits == smallModel().bits && run.step == 0 && run.steps == [0])
  }

  @Test func theLastRecordIsCheckedToo() throws {
    let run = try smallRun(steps: 1, optimizer: SGD(learningRate: .constant(1e300)))
    #expect(throws: EngineError.self) { try run.run() }
    #expect(try run.bits == smallModel().bits && run.step == 0 && run.status == .failed)
  }

  @Test func aModelThatWasNeverGoodIsNamed() throws {
    let model = try smallModel()
    try model.parameters.set("pe", Tensor(full: [15, 8], .nan))
    let run = try smallRun(steps: 3, model: model)
    expectError("train: the loss is nan at step 0, before any update") { try run.run() }
    #expect(run.history.isEmpty && run.step == 0 && run.status == .failed)
  }

  /// A callback breaks a parameter, be it trained or frozen: the model is whole again.
  @Test(arguments: ["layers.1.attention.wo.weight", "tok_embeddings.weight"])
  func aScheduleThatBreaksTheModelIsUndone(_ name: String) throws {
    let calm = try smallRun(steps: 8)
    try calm.run()
    let good = try goodRecord(of: calm, before: 4)
    let start = try smallRun(steps: good.step)
    try start.run()
    var value = Float.nan
    let run = try smallRun(steps: 8) {
      $0.schedule[4] = {
        guard value.isNaN else { return }
        let shape = try $0.parameters.get(name).shape
        try $0.parameters.set(name, Tensor(full: shape, value))
      }
    }
    expectError(
      "train: the loss is nan at step 4; training stopped, and the model is back at step "
        + "\(good.step), where the loss was \(good.loss); a smaller learning rate may help"
    ) { try run.run() }
    #expect(run.bits == start.bits && run.step == good.step && run.steps == [0, 3])
    value = 0
    try run.advance(8 - run.step)
    let whole = try smallRun(steps: 8)
    try whole.run()
    #expect(run.bits == whole.bits && run.losses == whole.losses)
  }

  /// Broken a second time at the very step that the run went back to.
  @Test func goingBackTwiceIsNotTooFar() throws {
    let start = try smallRun(steps: 0)
    try start.run()
    var isBroken = false
    let run = try smallRun(steps: 8) {
      $0.evalEvery = 9
      $0.schedule[3] = {
        if isBroken { try $0.parameters.set("pe", Tensor(full: [15, 8], .nan)) }
      }
      $0.schedule[4] = { _ in isBroken.toggle() }
      $0.lossOn = .custom { batch in
        try Tensor(full: #require(batch.sequences).tokens.shape, isBroken ? .nan : 1)
      }
    }
    // At step 4 the mask has no weights that are numbers.
    #expect(throws: EngineError.self) { try run.run() }
    #expect(run.step == 0 && run.bits == start.bits)
    // At step 3 the callback breaks the model.
    #expect(throws: EngineError.self) { try run.advance(5) }
    #expect(run.step == 0 && run.bits == start.bits)
  }

  /// A run that goes on after its last record does not make it again.
  @Test func recordsAreNotRepeated() throws {
    let whole = try smallRun(steps: 9) { $0.evalEvery = 1 }
    try whole.run()
    let run = try smallRun(steps: 6) { $0.evalEvery = 1 }
    try run.run()
    try run.advance(3)
    #expect(run.steps == Array(0...9) && run.losses == whole.losses && run.bits == whole.bits)
  }

  /// What is changed between two advances is not taken for what the last record measured.
  @Test func aModelBrokenBetweenAdvancesIsMended() throws {
    let run = try smallRun(steps: 6) { $0.evalEvery = 1 }
    try run.run()
    let good = try goodRecord(of: run, before: 6)
    let start = try smallRun(steps: good.step) { $0.evalEvery = 1 }
    try start.run()
    try run.options.model.parameters.set(
      "layers.0.attention.wk.weight", Tensor(full: [8, 8], .nan))
    #expect(throws: EngineError.self) { try run.advance(3) }
    #expect(run.step == good.step && run.bits == start.bits)
  }

  @Test func whatIsOnDiskIsGood() throws {
    try withTemporaryFolder { folder in
      let run = try smallRun(
        steps: 10, optimizer: SGD(learningRate: .schedule { $0 == 5 ? 1e300 : 0.1 })
      ) { $0.sinks = [try ResultsFolder(folder)] }
      #expect(throws: EngineError.self) { try run.run() }
      #expect(try lines("\(folder)/history.jsonl").count == 2)
      let path = "\(folder)/model.safetensors"
      #expect(try Checkpoint.load(from: path).bits == run.bits)
      #expect(try Safetensors.load(path).metadata["step"] == "\(run.step)")
    }
  }
}
