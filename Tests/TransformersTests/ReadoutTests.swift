import Settings
import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// A model that reads 5 tokens and gives 3 outputs at the last position: W E[last token].
private final class LastTokenModel: Model {
  private(set) var parameters = Parameters()
  let truncation = Truncation()
  let (vocabSize, outputSize, maxLength, layerCount) = (5, 3, 9, 0)
  let (readout, kind) = (Readout.lastPosition, "last token")
  let settings: [(name: String, value: SettingValue)] = []

  init() throws {
    let values = (0..<15).map { Float($0 * $0 % 7) / 7 }
    parameters.add("w", try Tensor(values, shape: [5, 3]).requireGrad())
  }

  func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try rows.rows(of: parameters.get("w").rows(tokens))
  }
  func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    try parameters.get("w").rows(tokens)
  }
  func copy() throws -> any Model { try LastTokenModel() }
}

/// Models with other outputs than the next token at every position.
struct ReadoutTests {
  private let tokens: IntTensor
  private let targets: IntTensor

  init() throws {
    tokens = try IntTensor([0, 1, 2, 3, 4, 0, 2, 2], shape: [2, 4])
    targets = try IntTensor([0, 0, 0, 1, 0, 0, 0, 2], shape: [2, 4])
  }

  @Test func logitsAreThoseOfTheLastPosition() throws {
    let model = try LastTokenModel()
    let logits = try model.forward(tokens)
    #expect(logits.shape == [2, 3])
    let w = try model.parameters.get("w").elements()
    #expect(logits.elements() == Array(w[9..<12]) + Array(w[6..<9]))
  }

  @Test func theLossIsTakenThere() throws {
    let model = try LastTokenModel()
    let batch = Batch(tokens: tokens, targets: targets)
    let loss = try model.loss(batch, mask: LossMask.all.mask(of: batch))
    let expected = try model.forward(tokens).crossEntropy(IntTensor([1, 2]))
    #expect(try loss.item() == expected.item())
    try loss.backward()
    let grad = try #require(model.parameters.get("w").grad).elements()
    // Tokens 3 and 2 stand last; nothing else is learned.
    #expect(grad[..<6].allSatisfy { $0 == 0 } && grad[12...].allSatisfy { $0 == 0 })
    #expect(grad[6..<12].allSatisfy { $0 != 0 })
    expectError("loss: the loss mask keeps no position of the batch") {
      try model.loss(batch, mask: Tensor([1, 1, 1, 0, 1, 1, 1, 0], shape: [2, 4]))
    }
  }

  @Test func theTargetsMayBeOfTheLastPositionAlone() throws {
    let answers = Batch(tokens: tokens, targets: try IntTensor([1, 2]))
    let mask = try Tensor([0.5, 2])
    let placed = try Tensor([0, 0, 0, 0.5, 0, 0, 0, 2], shape: [2, 4])
    let models: [any Model] = [
      try LastTokenModel(), try SimplifiedTransformer(.small { $0.vocab = 5 }),
    ]
    for model in models {
      let loss = try model.loss(answers, mask: mask)
      let expected = try model.loss(Batch(tokens: tokens, targets: targets), mask: placed)
      #expect(try loss.item() == expected.item())
      try loss.backward()
      let gradients = model.parameters.trained.map { $0.tensor.grad?.elements() }
      #expect(!gradients.isEmpty)
      for (_, tensor) in model.parameters.all { tensor.grad = nil }
      try expected.backward()
      #expect(gradients == model.parameters.trained.map { $0.tensor.grad?.elements() })
    }
    expectError(
      "loss: targets [2] and mask [2, 4] need one entry for each sequence of tokens [2, 4]"
    ) {
      try models[0].loss(answers, mask: placed)
    }
    expectError(
      "loss: targets [1] and mask [1] need one entry for each sequence of tokens [2, 4]"
    ) {
      try models[1].loss(Batch(tokens: tokens, targets: IntTensor([1])), mask: Tensor([1]))
    }
  }

  @Test func aMaskOfSequencesSaysWhichAreAnswered() throws {
    let model = try LastTokenModel()
    let all = try model.forward(tokens).elements()
    #expect(try model.forward(tokens, where: Tensor([0, 1])).elements() == Array(all[3...]))
    expectError(
      "forward: the mask has shape [2, 4]; of a model that answers at the last position it has one "
        + "entry a sequence, [2]"
    ) {
      try model.forward(tokens, where: Tensor(full: [2, 4], 1))
    }
  }

  @Test func suchAModelGeneratesNothing() throws {
    var stream = RandomStream(seed: 1, purpose: .generation)
    expectError("generate: the model reads 5 tokens but gives 3 outputs") {
      try LastTokenModel().generate(prompt: [1], length: 2, temperature: 1, using: &stream)
    }
  }
}
