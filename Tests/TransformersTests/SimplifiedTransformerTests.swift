import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// The fused computation against the plain one, over combinations of options.
struct SimplifiedTransformerTests {
  /// Every way for positions to enter, with and without cross-talk, tied or not; feed-forwards,
  /// scales and what is frozen take turns.
  static let configurations: [SimplifiedConfiguration] = {
    var result: [SimplifiedConfiguration] = []
    for positional in SimplifiedConfiguration.Positional.allCases {
      for tied in [false, true] {
        for ffn in [[.none, .none], [.linear, .mlp], [.mlp, .linear]] as [[FeedForwardKind]] {
          result.append(
            .small {
              $0.positional = positional
              $0.tieOutput = tied
              $0.freezeEmbeddings = result.count % 5 < 3
              $0.freezeOutput = $0.freezeEmbeddings == tied
              $0.ffn = ffn
              $0.scoreScale = result.count % 2 == 0 ? .squareRoot : .none
              $0.embeddingInit = result.count % 3 == 0 ? .unit : .scaled
            })
        }
      }
    }
    for positional in [.random, .sincos] as [SimplifiedConfiguration.Positional] {
      for ffn in FeedForwardKind.allCases {
        result.append(
          .small {
            $0.crossTalk = false
            $0.positional = positional
            $0.tieOutput = result.count % 2 == 0
            $0.ffn = [.none, ffn]
            $0.scoreScale = result.count % 3 == 0 ? .none : .squareRoot
          })
      }
    }
    return result
  }()

  @Test(arguments: configurations)
  func forwardIsTheDefinition(_ configuration: SimplifiedConfiguration) throws {
    let model = try SimplifiedTransformer(configuration)
    let tokens = try smallBatch().tokens
    let expected = try PlainSimplifiedTransformer(model)(tokens)
    try expectClose(model.forward(tokens), expected.logits.detach(), 1e-5, "logits")
    for layer in 0..<2 {
      try expectClose(
        model.attention(tokens, layer: layer), expected.attention[layer].reshape([3, 1, 13, 13]),
        1e-5, "attention of layer \(layer)")
    }
  }

  /// A batch large enough for layer 0 to read tables, in several parts: the loss, the gradient of
  /// every parameter and the logits are still those of the definition.
  @Test(arguments: configurations.filter { $0.positional != .rope }, [8, 16])
  func tablesAndPartsChangeNothing(_ configuration: SimplifiedConfiguration, _ dim: Int) throws {
    var configuration = configuration
    configuration.dim = dim
    let model = try SimplifiedTransformer(configuration)
    try model.parameters.setTrained("*", true)
    let batch = try smallBatch(37)
    #expect(try model.weights(IntTensor.zeros([37, 13]))["tables.scores"] != nil)
    #expect(try model.weights(IntTensor.zeros([1, 13]))["tables.scores"] == nil)
    try expectMaskedLosses(model, batch) { try PlainSimplifiedTransformer(model) }
    let expected = try PlainSimplifiedTransformer(model)(batch.tokens).logits.detach()
    try expectClose(noGrad { try model.forward(batch.tokens) }, expected, 1e-5, "logits in parts")
    try expectClose(model.forward(batch.tokens).detach(), expected, 1e-5, "logits at once")
  }

  /// The loss on selected rows is that of the full logits under a mask, for every mask, with the
  /// gradients of every parameter: the frozen ones are let go.
  @Test(arguments: configurations)
  func lossOnRowsIsTheMaskedLoss(_ configuration: SimplifiedConfiguration) throws {
    let model = try SimplifiedTransformer(configuration)
    try model.parameters.setTrained("*", true)
    let batch = try smallBatch()
    try expectMaskedLosses(model, batch) { try PlainSimplifiedTransformer(model) }
    for choice in LossMask.allCases {
      let mask = try choice.mask(of: batch)
      let expected = try PlainSimplifiedTransformer(model)(batch.tokens).logits
        .crossEntropy(batch.targets, mask: mask)
      let full = try model.forward(batch.tokens).crossEntropy(batch.targets, mask: mask)
      expectClose(full, expected.detach(), 1e-5, "loss of all logits, masked by \(choice)")
    }
  }

  @Test func lossTakesAnyWeights() throws {
    let model = try SimplifiedTransformer(.small())
    let batch = try smallBatch()
    let weights = try Tensor((0..<39).map { Float($0 % 4) / 2 }, shape: [3, 13])
    let plain = try PlainSimplifiedTransformer(model)
    let expected = try plain(batch.tokens).logits.crossEntropy(batch.targets, mask: weights)
    try expected.backward()
    let loss = try model.loss(batch, mask: weights)
    expectClose(loss, expected.detach(), 1e-5, "loss")
    try loss.backward()
    for (name, tensor) in model.parameters.trained {
      let gradient = try #require(plain.parameters[name]?.grad)
      expectClose(tensor.grad, gradient, 3e-5, "gradient of \(name)")
    }
  }

  /// A matrix that is both embedding and output has the gradients of both uses.
  @Test func tiedMatrixLearnsFromBothUses() throws {
    let tied = try SimplifiedTransformer(
      .small {
        $0.tieOutput = true
        $0.freezeEmbeddings = false
        $0.freezeOutput = false
      })
    let apart = try SimplifiedTransformer(
      .small {
        $0.freezeEmbeddings = false
        $0.freezeOutput = false
      })
    let embeddings = try tied.parameters.get("tok_embeddings.weight")
    try apart.parameters.set("output.weight", embeddings)
    let batch = try smallBatch()
    let mask = try LossMask.all.mask(of: batch)
    try tied.loss(batch, mask: mask).backward()
    try apart.loss(batch, mask: mask).backward()
    let read = try #require(apart.parameters.get("tok_embeddings.weight").grad)
    let written = try #require(apart.parameters.get("output.weight").grad)
    try expectClose(embeddings.grad, read.add(written), 1e-5, "both uses")
    // Neither use alone would do.
    for part in [read, written] { #expect(try part.norm().item() > 0.01) }
  }

  @Test func onlyTheSelectedLogitsAreGiven() throws {
    let model = try SimplifiedTransformer(.small { $0.ffn = [.linear, .mlp] })
    let tokens = try smallBatch().tokens
    let mask = try Tensor((0..<39).map { $0 % 5 == 1 ? 1 : 0 }, shape: [3, 13])
    let rows = try RowSelection(mask: mask)
    let expected = try rows.rows(of: model.forward(tokens)).detach()
    let logits = try model.logits(tokens, rows: rows)
    #expect(logits.shape == [rows.count, 11])
    expectClose(logits.detach(), expected, 1e-5, "logits")
  }

  // MARK: Attention

  @Test(arguments: configurations)
  func attentionIsCausalAndSumsToOne(_ configuration: SimplifiedConfiguration) throws {
    let model = try SimplifiedTransformer(configuration)
    for layer in 0..<2 {
      let attention = try model.attention(smallBatch().tokens, layer: layer)
      #expect(attention.shape == [3, 1, 13, 13])
      #expect(!attention.requiresGrad)
      let elements = attention.elements()
      for row in 0..<39 {
        let (seen, future) = (0...row % 13, row % 13 + 1..<13)
        let line = elements[row * 13..<(row + 1) * 13].map { $0 }
        #expect(abs(line[seen].reduce(0, +) - 1) < 1e-5, "layer \(layer), row \(row)")
        #expect(line[seen].allSatisfy { $0 >= 0 }, "layer \(layer), row \(row)")
        #expect(line[future].allSatisfy { $0 == 0 }, "layer \(layer), row \(row)")
      }
    }
  }

  @Test func theFutureIsNotSeen() throws {
    let model = try SimplifiedTransformer(.small())
    let tokens = try smallBatch().tokens
    var ids = tokens.elements()
    let before = try model.forward(tokens).narrow(1, 0, 8).elements()
    for row in 0..<3 {
      for t in 8..<13 { ids[row * 13 + t] = (ids[row * 13 + t] + 1) % 11 }
    }
    let changed = try IntTensor(ids, shape: [3, 13])
    #expect(try model.forward(changed).narrow(1, 0, 8).elements() == before)
    #expect(try model.forward(changed).elements() != model.forward(tokens).elements())
  }

  @Test(arguments: [true, false]) func attentionNeedsALayerThereIs(_ crossTalk: Bool) throws {
    let model = try SimplifiedTransformer(.small { $0.crossTalk = crossTalk })
    let tokens = try smallBatch().tokens
    expectError("attention: layer 3 (allowed: 1…2)") { try model.attention(tokens, layer: 2) }
    expectError("attention: layer 0 (allowed: 1…2)") { try model.attention(tokens, layer: -1) }
  }

  // MARK: Tokens

  @Test func tokensAreChecked() throws {
    let model = try SimplifiedTransformer(.small())
    let uses: [(IntTensor) throws -> Any] = [
      { try model.forward($0) }, { try model.attention($0, layer: 0) },
      { try model.logits($0, rows: RowSelection(everyPositionOf: 1, length: 2)) },
    ]
    for use in uses {
      expectError("model: tokens need shape [B, T], got [3]") { try use(IntTensor([1, 2, 3])) }
      expectError("model: tokens need shape [B, T], got [1, 1, 2]") {
        try use(IntTensor(shape: [1, 1, 2]))
      }
      expectError("model: sequences of length 0 (allowed: 1…15, the model's max_len)") {
        try use(IntTensor(shape: [2, 0]))
      }
      expectError("model: sequences of length 16 (allowed: 1…15, the model's max_len)") {
        try use(IntTensor(shape: [2, 16]))
      }
      for id: Int32 in [11, -1] {
        #expect(throws: EngineError.self) { try use(IntTensor([3, id], shape: [1, 2])) }
      }
    }
    expectError("model: token 12 is outside 1…11") {
      try model.forward(IntTensor([3, 11], shape: [1, 2]))
    }
    expectError("model: token 0 is outside 1…11") {
      try model.forward(IntTensor([-1, 3], shape: [1, 2]))
    }
  }

  @Test func theShortestAndTheLongestSequencesAreRead() throws {
    for positional in SimplifiedConfiguration.Positional.allCases {
      let model = try SimplifiedTransformer(.small { $0.positional = positional })
      for (batch, length) in [(1, 1), (5, 1), (2, 15)] {
        let tokens = try IntTensor(shape: [batch, length], fill: 10)
        let expected = try PlainSimplifiedTransformer(model)(tokens).logits.detach()
        try expectClose(model.forward(tokens), expected, 1e-5, "\(positional), \(length) tokens")
      }
    }
  }

  @Test func lossChecksItsInputs() throws {
    let model = try SimplifiedTransformer(.small())
    var batch = try smallBatch()
    expectError(
      "loss: tokens [3, 13], targets [3, 13] and mask [13, 3] need one shape"
    ) { try model.loss(batch, mask: Tensor(full: [13, 3], 1)) }
    expectError("loss: the loss mask keeps no position of the batch") {
      try model.loss(batch, mask: Tensor(full: [3, 13], 0))
    }
    batch.targets = try IntTensor(shape: [3, 13], fill: 11)
    #expect(throws: EngineError.self) { try model.loss(batch, mask: Tensor(full: [3, 13], 1)) }
    batch.targets = try IntTensor(shape: [3, 12])
    expectError(
      "loss: tokens [3, 13], targets [3, 12] and mask [3, 13] need one shape"
    ) { try model.loss(batch, mask: Tensor(full: [3, 13], 1)) }
  }

  // MARK: Copies

  @Test(arguments: configurations)
  func copiesAreEqualAndIndependent(_ configuration: SimplifiedConfiguration) throws {
    let model = try SimplifiedTransformer(configuration)
    try model.parameters.set("layers.0.attention.wv.weight", Tensor(full: [8, 8], 0.25))
    try model.parameters.setTrained("*.wv.*", true)
    try model.parameters.setTrained("layers.1.attention.wk.*", false)
    let batch = try smallBatch()
    try model.loss(batch, mask: LossMask.all.mask(of: batch)).backward()

    let copy = try #require(model.copy() as? SimplifiedTransformer)
    #expect(copy.configuration == model.configuration)
    #expect(copy.parameters.names == model.parameters.names)
    #expect(copy.parameters.trainedNames == model.parameters.trainedNames)
    #expect(copy.parameters.bits == model.parameters.bits)
    #expect(copy.parameters.all.allSatisfy { $0.tensor.grad == nil })

    let before = model.parameters.bits
    for name in copy.parameters.names {
      let tensor = try copy.parameters.get(name)
      try copy.parameters.set(name, Tensor(full: tensor.shape, 3))
    }
    #expect(model.parameters.bits == before)
  }
}
