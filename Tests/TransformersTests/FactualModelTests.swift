import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// The factual-recall model: its tables against its plain formulas, what it refuses, and what it
/// shows.
struct FactualModelTests {
  private static func batch(
    _ size: Int, seqLen: Int = 9, noise: Int? = nil, eos: Bool = true
  ) throws -> Batch {
    var options = FactualTask.Options()
    (options.subjects, options.relations, options.answers) = (5, 3, 4)
    (options.seqLen, options.noise, options.eos, options.seed) = (seqLen, noise, eos, 3)
    return try FactualTask(options).batch(size, index: 0)
  }

  private static func model(
    _ change: (inout FactualConfiguration) -> Void = { _ in }
  ) throws -> FactualModel {
    var configuration = FactualConfiguration(vocab: 17, answers: 12)
    if configuration.attention == .softmax {
      (configuration.dim, configuration.heads) = (10, 3)
      (configuration.headDim, configuration.mlpWidth) = (4, 7)
    }
    configuration.seed = 7
    change(&configuration)
    return try FactualModel(configuration)
  }

  private static func linear(_ configuration: inout FactualConfiguration) {
    (configuration.dim, configuration.heads) = (nil, nil)
    (configuration.headDim, configuration.mlpWidth) = (nil, nil)
    configuration.attention = .linear
  }

  static let changes: [(String, @Sendable (inout FactualConfiguration) -> Void)] = [
    ("as it is", { _ in }), ("attention only", { $0.mlpWidth = 0 }),
    ("one head of one", { ($0.heads, $0.headDim) = (1, 1) }),
    ("eight heads of eight", { ($0.heads, $0.headDim) = (8, 8) }), ("linear", linear),
  ]

  /// Losses, logits and the gradients of every parameter, embeddings too; with one token that asks
  /// and with several, and a batch of one part or of more.
  @Test(arguments: changes.indices, [true, false])
  func tablesGiveWhatThePlainFormulasGive(_ change: Int, eos: Bool) throws {
    let (label, change) = Self.changes[change]
    for size in [1, 6, 75] {
      let model = try Self.model(change)
      if model.configuration.attention == .linear {
        // As they begin, all entries are equal, which would hide much.
        var stream = RandomStream(seed: 1, purpose: .tensor)
        for (name, tensor) in model.parameters.all {
          try model.parameters.set(name, .normal(tensor.shape, using: &stream))
        }
      }
      try model.parameters.setTrained("*", true)
      let batch = try Self.batch(size, seqLen: size == 75 ? 61 : 9, eos: eos)
      var weights = (0..<size).map { Float($0 % 3) }
      weights[0] = 0.5
      let mask = try Tensor(weights, shape: [size])

      let logits = try model.forward(batch.tokens, observedBy: Trace())
      #expect(logits.shape == [size, 12])
      let plain = try logits.crossEntropy(batch.targets, mask: mask)
      try plain.backward()
      let expected = model.parameters.all.map(\.tensor.grad)
      for (_, tensor) in model.parameters.all { tensor.grad = nil }

      let loss = try model.loss(batch, mask: mask)
      expectClose(loss.detach(), plain.detach(), 1e-5, "\(label), loss")
      try loss.backward()
      for ((name, tensor), gradient) in zip(model.parameters.all, expected) {
        let gradient = try #require(gradient, "\(name)")
        guard gradient.elements().contains(where: { abs($0) > 1e-7 }) else { continue }
        expectClose(tensor.grad, gradient, 2e-5, "\(label), B \(size), gradient of \(name)")
      }
      let recorded = try model.forward(batch.tokens)
      let found = try noGrad { try model.forward(batch.tokens) }
      expectClose(found, logits.detach(), 1e-5, "\(label), logits")
      expectClose(recorded.detach(), logits.detach(), 1e-5, "\(label), logits with gradients")
      if size == 6 {
        let chosen = try noGrad { try model.forward(batch.tokens, where: mask) }
        let kept = (0..<6).filter { $0 == 0 || $0 % 3 != 0 }.map { Int32($0) }
        expectClose(chosen, try logits.detach().rows(IntTensor(kept)), 1e-5, "\(label), chosen")
      }
    }
  }

  @Test func placesDoNotCount() throws {
    for model in [try Self.model(), try Self.model(Self.linear)] {
      let logits = try model.forward(IntTensor([0, 6, 9, 9, 16, 9, 6, 9, 0, 16], shape: [2, 5]))
      let rows = logits.elements()
      for (a, b) in zip(rows[..<12], rows[12...]) { #expect(abs(a - b) <= 1e-5 * abs(b)) }
    }
  }

  /// logits = OVᵀ (counts · QK[last]) by hand.
  @Test func linearAttentionIsCountsTimesScores() throws {
    var configuration = FactualConfiguration(vocab: 3, answers: 2)
    configuration.attention = .linear
    let model = try FactualModel(configuration)
    #expect(model.parameters.names == ["qk", "ov"])
    #expect(model.parameters.trainedNames == ["qk", "ov"])
    for (_, tensor) in model.parameters.all {
      #expect(tensor.elements().allSatisfy { $0 == 1e-5 })
    }
    try model.parameters.set(
      "qk", Tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], shape: [3, 3]))
    try model.parameters.set("ov", Tensor([1, 0, 0, 1, 2, 2], shape: [3, 2]))
    // Token 2 asks: 7 twice for token 0, 9 for itself. Token 1 asks: 4 for 0, 5 twice for 1.
    let one = try IntTensor([0, 0, 2], shape: [1, 3])
    #expect(try model.forward(one).elements() == [14 + 18, 18])
    let both = try IntTensor([0, 0, 2, 0, 1, 1], shape: [2, 3])
    #expect(try model.forward(both).elements() == [32, 18, 4, 10])
  }

  @Test func namesAndShapes() throws {
    let model = try Self.model()
    #expect(
      model.parameters.all.map { "\($0.name) \($0.tensor.shape)" } == [
        "embed [17, 10]", "q [3, 10, 4]", "k [3, 10, 4]", "v [3, 10, 4]", "o [12, 10]",
        "mlp.w1 [10, 7]", "mlp.b1 [7]", "mlp.w2 [7, 10]", "unembed [12, 10]",
      ])
    #expect(model.parameters.trainedNames == ["q", "k", "v", "o", "mlp.w1", "mlp.b1", "mlp.w2"])
    #expect(
      try Self.model { $0.mlpWidth = 0 }.parameters.names
        == ["embed", "q", "k", "v", "o", "unembed"])
  }

  @Test func initialValuesHaveTheirVariances() throws {
    var configuration = FactualConfiguration(vocab: 300, answers: 200)
    (configuration.dim, configuration.heads) = (64, 8)
    (configuration.headDim, configuration.mlpWidth) = (16, 256)
    let model = try FactualModel(configuration)
    for (name, size) in [
      ("embed", 64), ("unembed", 64), ("q", 16), ("k", 16), ("v", 16), ("o", 64), ("mlp.w1", 64),
      ("mlp.w2", 256),
    ] as [(String, Float)] {
      let elements = try model.parameters.get(name).elements()
      let variance = elements.reduce(0) { $0 + $1 * $1 } / Float(elements.count)
      #expect(abs(variance * size - 1) < 0.08, "\(name)")
    }
    #expect(try model.parameters.get("mlp.b1").elements().allSatisfy { $0 == 0 })
  }

  @Test func whatItShows() throws {
    let batch = try Self.batch(2, seqLen: 6)
    let trace = Trace(keeping: ["*"])
    _ = try noGrad { try Self.model().forward(batch.tokens, observedBy: trace) }
    #expect(
      trace.kept.map { "\($0.name) \($0.tensor.shape)" } == [
        "embeddings [2, 6, 10]", "layers.0.queries [2, 3, 4]", "layers.0.keys [2, 6, 3, 4]",
        "layers.0.values [2, 6, 3, 4]", "layers.0.scores [2, 3, 6]", "layers.0.attention [2, 3, 6]",
        "layers.0.heads [2, 3, 4]", "layers.0.attention_output [2, 10]",
        "layers.0.ff_hidden [2, 7]",
        "layers.0.ff_output [2, 10]", "layers.0.residual [2, 10]", "logits [2, 12]",
      ])
    let linear = Trace(keeping: ["*"])
    _ = try noGrad { try Self.model(Self.linear).forward(batch.tokens, observedBy: linear) }
    #expect(
      linear.kept.map { "\($0.name) \($0.tensor.shape)" } == [
        "layers.0.attention [2, 1, 6]", "layers.0.attention_output [2, 17]", "logits [2, 12]",
      ])
    #expect(try Self.model().attention(batch.tokens, layer: 0).shape == [2, 3, 6])
    #expect(try Self.model().residual(batch.tokens, after: 1).shape == [2, 10])
  }

  @Test func checkpointsHoldIt() throws {
    for change in [{ _ in }, { $0.mlpWidth = 0 }, Self.linear]
      as [(inout FactualConfiguration) -> Void]
    {
      let model = try Self.model(change)
      try withTemporaryFolder { folder in
        let path = "\(folder)/model.safetensors"
        try Checkpoint.save(model, to: path)
        let loaded = try #require(try Checkpoint.load(from: path) as? FactualModel)
        #expect(loaded.configuration == model.configuration)
        #expect(loaded.parameters.bits == model.parameters.bits)
        #expect(loaded.parameters.trainedNames == model.parameters.trainedNames)
      }
      let copy = try model.copy()
      let (name, tensor) = copy.parameters.all[1]
      try copy.parameters.set(name, .zeros(tensor.shape))
      #expect(copy.parameters.bits != model.parameters.bits)
    }
  }

  @Test func whatItRefuses() throws {
    func expectRefused(
      _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
      _ change: @escaping (inout FactualConfiguration) -> Void
    ) {
      expectError("model.factual: \(text)", sourceLocation: sourceLocation) {
        try Self.model(change)
      }
    }
    expectRefused("vocab = 1 (allowed: 2…16777216)") { $0.vocab = 1 }
    expectRefused("vocab = \(Int.max) (allowed: 2…16777216)") { $0.vocab = .max }
    expectRefused("answers = 0 (allowed: 2…16777216)") { $0.answers = 0 }
    expectRefused("dim = 0 (allowed: 1…65536)") { $0.dim = 0 }
    expectRefused("heads = 65537 (allowed: 1…65536)") { $0.heads = 65537 }
    expectRefused("head_dim = -1 (allowed: 1…65536)") { $0.headDim = -1 }
    expectRefused("mlp_width = -1 (allowed: 0…65536)") { $0.mlpWidth = -1 }
    expectRefused("heads goes with attention = \"softmax\" only, got 4") {
      Self.linear(&$0)
      $0.heads = 4
    }
    let model = try Self.model()
    let tokens = try IntTensor([0, 1, 2, 3], shape: [2, 2])
    expectError("model.factual: it answers at the last position of a sequence alone") {
      try model.logits(tokens, rows: RowSelection(everyPositionOf: 2, length: 2))
    }
    expectError("model: token 18 is outside 1…17") {
      try model.forward(IntTensor([0, 17], shape: [1, 2]))
    }
    expectError("model: sequences of length 0 (allowed: 1…2147483647, the model's max_len)") {
      try model.forward(IntTensor(shape: [1, 0]))
    }
  }
}
