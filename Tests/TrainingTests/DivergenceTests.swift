import FoundationEssentials
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// A loss that is no number: the run ends, and the model goes back to where it was one.
struct DivergenceTests {
  @Test(arguments: UpdateRule.allCases) func aHugeRateIsSurvived(_ rule: UpdateRule) throws {
    let calm = try smallRun(steps: 10, optimizer: rule.optimizer(.constant(0.05)))
    try calm.run()
    let start = try smallRun(steps: 5, optimizer: rule.optimizer(.constant(0.05)))
    try start.run()

    var spike = 1e300
    let rate = LearningRate.schedule { $0 == 5 ? spike : 0.05 }
    let run = try smallRun(steps: 10, optimizer: rule.optimizer(rate))
    let atFive = try #require(start.history.last).loss
    expectError(
      "train: the loss is nan at step 6; training stopped, and the model is back at step 5, "
        + "where the loss was \(atFive); a smaller learning rate may help"
    ) { try run.run() }
    #expect(run.bits == start.bits && run.step == 5 && run.status == .failed)
    #expect(run.steps == [0, 3] && run.hasNoGradients)

    // Again, with the same end; then with a smaller rate, as if there had been no spike: the
    // optimizer's state was restored too.
    #expect(throws: EngineError.self) { try run.advance(5) }
    #expect(run.bits == start.bits && run.step == 5)
    spike = 0.05
    try run.advance(5)
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
    let start = try smallRun(steps: 3)
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
      "train: the loss is nan at step 4; training stopped, and the model is back at step 3, "
        + "where the loss was \(try #require(start.history.last).loss); "
        + "a smaller learning rate may help"
    ) { try run.run() }
    #expect(run.bits == start.bits && run.step == 3 && run.steps == [0, 3])
    value = 0
    try run.advance(5)
    let whole = try smallRun(steps: 8)
    try whole.run()
    #expect(run.bits == whole.bits && run.losses == whole.losses)
  }

  /// Broken a second time at the very step that the run went back to.
  @Test func goingBackTwiceIsNotTooFar() throws {
    let start = try smallRun(steps: 3)
    try start.run()
    var isBroken = false
    let run = try smallRun(steps: 8) {
      $0.schedule[3] = {
        if isBroken { try $0.parameters.set("pe", Tensor(full: [15, 8], .nan)) }
      }
      $0.schedule[4] = { _ in isBroken.toggle() }
      $0.lossOn = .custom { batch in
        Tensor(full: batch.tokens.shape, isBroken ? .nan : 1)
      }
    }
    // At step 4 the mask has no weights that are numbers.
    #expect(throws: EngineError.self) { try run.run() }
    #expect(run.step == 3 && run.bits == start.bits)
    // At step 3 the callback breaks the model.
    #expect(throws: EngineError.self) { try run.advance(5) }
    #expect(run.step == 3 && run.bits == start.bits)
  }

  /// Back before the last record, the run makes none of the same steps again.
  @Test func recordsAreNotRepeated() throws {
    let whole = try smallRun(steps: 9) { $0.evalEvery = 1 }
    try whole.run()
    var isBroken = true
    let run = try smallRun(steps: 6) {
      $0.evalEvery = 1
      $0.schedule[6] = {
        if isBroken { try $0.parameters.set("pe", Tensor(full: [15, 8], .nan)) }
      }
    }
    try run.run()
    #expect(throws: EngineError.self) { try run.advance(3) }
    #expect(run.step == 5 && run.steps == Array(0...6))
    isBroken = false
    try run.advance(1)
    #expect(run.step == 6 && run.steps == Array(0...6) && run.hasNoGradients)
    try run.advance(3)
    #expect(run.steps == Array(0...9) && run.losses == whole.losses && run.bits == whole.bits)
  }

  @Test func whatIsOnDiskIsGood() throws {
    try withTemporaryFolder { folder in
      let run = try smallRun(
        steps: 10, optimizer: SGD(learningRate: .schedule { $0 == 5 ? 1e300 : 0.1 })
      ) { $0.folder = try ResultsFolder(folder) }
      #expect(throws: EngineError.self) { try run.run() }
      #expect(try lines("\(folder)/history.jsonl").count == 2)
      let path = "\(folder)/model.safetensors"
      #expect(try Checkpoint.load(from: path).bits == run.bits)
      #expect(try Safetensors.load(path).metadata["step"] == "5")
    }
  }
}
