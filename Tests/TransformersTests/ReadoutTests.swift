import Settings
import Tasks
import Tensors
import TestSupport
import Testing
import Transformers

/// A model that reads 5 tokens and gives 3 outputs at the last position: W E[last token].
private final class LastTokenModel: Model {
  private(set) var parameters = Parameters()
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

  @Test func suchAModelGeneratesNothing() throws {
    var stream = RandomStream(seed: 1, purpose: .generation)
    expectError("generate: the model reads 5 tokens but gives 3 outputs") {
      try LastTokenModel().generate(prompt: [1], length: 2, temperature: 1, using: &stream)
    }
  }
}
