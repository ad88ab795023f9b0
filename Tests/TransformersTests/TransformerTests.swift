import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// The transformer against the plain one, over combinations of options.
struct TransformerTests {
  /// Every place of the norm with every feed-forward and one to three layers; the other options
  /// take turns, so that each is met with each place of the norm.
  static let configurations: [TransformerConfiguration] = {
    var result: [TransformerConfiguration] = []
    for norm in TransformerConfiguration.Norm.allCases {
      for ffn in FeedForwardKind.allCases {
        for turn in 0..<3 {
          result.append(
            .small {
              ($0.norm, $0.ffn, $0.layers) = (norm, ffn, turn + 1)
              $0.heads = [3, 1, 12][(turn + result.count / 3) % 3]
              $0.positional = turn == 1 ? .sincos : .learned
              $0.noWv = result.count % 2 == 1
              $0.noWo = result.count % 4 >= 2
              $0.noFirstLayerFfn = turn == 2
              $0.tieOutput = result.count % 3 == 2
              $0.freezeEmbeddings = result.count % 5 == 0
              $0.freezeOutput = $0.tieOutput ? $0.freezeEmbeddings : result.count % 4 == 0
            })
        }
      }
    }
    return result
  }()

  /// A model whose norms are not at their first values, where weight and bias could be confused.
  private func model(_ configuration: TransformerConfiguration) throws -> Transformer {
    let model = try Transformer(configuration)
    var stream = RandomStream(seed: 3, purpose: .initialization, index: 99)
    for (name, tensor) in model.parameters.all where tensor.rank == 1 {
      let change = try Tensor.normal([12], standardDeviation: 0.3, using: &stream)
      try model.parameters.set(name, tensor.add(change))
    }
    return model
  }

  @Test(arguments: configurations)
  func forwardIsTheDefinition(_ configuration: TransformerConfiguration) throws {
    let model = try model(configuration)
    let tokens = try smallBatch().tokens
    let expected = try PlainTransformer(model)(tokens)
    try expectClose(model.forward(tokens), expected.logits.detach(), 1e-5, "logits")
    for layer in 0..<configuration.layers {
      let attention = try model.attention(tokens, layer: layer)
      #expect(attention.shape == [3, configuration.heads, 13, 13])
      expectClose(attention, expected.attention[layer], 1e-5, "attention of layer \(layer)")
    }
    let trace = Trace()
    try expectClose(
      model.forward(tokens, observedBy: trace), expected.logits.detach(), 1e-5, "observed logits")
  }

  /// The loss on selected rows is that of the full logits under a mask, for every mask, with the
  /// gradients of every parameter: the frozen ones are let go.
  @Test(arguments: configurations)
  func lossOnRowsIsTheMaskedLoss(_ configuration: TransformerConfiguration) throws {
    let model = try model(configuration)
    try model.parameters.setTrained("*", true)
    let batch = try smallBatch()
    try expectMaskedLosses(model, batch) { try PlainTransformer(model) }
  }

  @Test func onlyTheSelectedLogitsAreGiven() throws {
    for norm in TransformerConfiguration.Norm.allCases {
      let model = try Transformer(.small { $0.norm = norm })
      let tokens = try smallBatch().tokens
      let mask = try Tensor((0..<39).map { $0 % 5 == 1 ? 1 : 0 }, shape: [3, 13])
      let rows = try RowSelection(mask: mask)
      let expected = try rows.rows(of: model.forward(tokens)).detach()
      let logits = try model.logits(tokens, rows: rows)
      #expect(logits.shape == [rows.count, 11])
      expectClose(logits.detach(), expected, 1e-5, "logits, norm \(norm)")
    }
  }

  @Test func theFutureIsNotSeen() throws {
    let model = try Transformer(.small())
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

  @Test func theShortestAndTheLongestSequencesAreRead() throws {
    let model = try Transformer(.small())
    for (batch, length) in [(1, 1), (5, 1), (2, 15)] {
      let tokens = try IntTensor(shape: [batch, length], fill: 10)
      let expected = try PlainTransformer(model)(tokens).logits.detach()
      try expectClose(model.forward(tokens), expected, 1e-5, "\(length) tokens")
    }
    expectError("model: sequences of length 16 (allowed: 1…15, the model's max_len)") {
      try model.forward(IntTensor(shape: [2, 16]))
    }
    expectError("attention: layer 3 (allowed: 1…2)") {
      try model.attention(smallBatch().tokens, layer: 2)
    }
  }

  // MARK: Looking inside

  /// For W between x and W x, the gradient of W is the sum of the outer products of the gradient
  /// at W x with x: what is shown is what the weights read and write.
  @Test(arguments: configurations)
  func whatIsTracedExplainsEveryGradient(_ configuration: TransformerConfiguration) throws {
    let model = try model(configuration)
    try model.parameters.setTrained("*", true)
    let batch = try smallBatch()
    let trace = Trace(keeping: ["*"], retainsGradients: true)
    try model.forward(batch.tokens, observedBy: trace).crossEntropy(batch.targets).backward()
    let kept = Dictionary(uniqueKeysWithValues: trace.kept.map { ($0.name, $0.tensor) })

    func rows(_ x: Tensor) throws -> Tensor { try x.reshape([39, x.count / 39]) }
    func check(_ weight: String, from input: String, to output: String, relu: Bool = false) throws {
      guard let tensor = model.parameters[weight] else { return }
      var x = try #require(kept[input]).detach()
      if relu { x = try x.relu() }
      let g = try #require(kept[output]?.grad, "\(output)")
      let outer = try rows(g).t().matmul(rows(x))
      expectClose(tensor.grad, outer, 3e-5, weight)
    }
    for layer in 0..<configuration.layers {
      let prefix = "layers.\(layer)"
      for (name, output) in [("wq", "queries"), ("wk", "keys"), ("wv", "values")] {
        try check(
          "\(prefix).attention.\(name).weight", from: "\(prefix).attention_input",
          to: "\(prefix).\(output)")
      }
      try check(
        "\(prefix).attention.wo.weight", from: "\(prefix).heads",
        to: "\(prefix).attention_output")
      try check("\(prefix).ff.weight", from: "\(prefix).ff_input", to: "\(prefix).ff_output")
      try check("\(prefix).ff.w1.weight", from: "\(prefix).ff_input", to: "\(prefix).ff_hidden")
      try check(
        "\(prefix).ff.w2.weight", from: "\(prefix).ff_hidden", to: "\(prefix).ff_output",
        relu: true)
    }
    let last = configuration.norm == .pre ? "norm" : "layers.\(configuration.layers - 1).residual"
    try check("output.weight", from: last, to: "logits")
  }

  @Test func namesAreThoseOfTheComputation() throws {
    func names(_ configuration: TransformerConfiguration) throws -> [String] {
      let trace = Trace()
      _ = try Transformer(configuration).forward(smallBatch().tokens, observedBy: trace)
      return trace.names
    }
    let attention = [
      "attention_input", "queries", "keys", "values", "scores", "attention", "heads",
      "attention_output",
    ].map { "layers.0.\($0)" }
    #expect(
      try names(.small { $0.layers = 1 })
        == ["embeddings"] + attention
        + ["ff_input", "ff_hidden", "ff_output", "residual"].map { "layers.0.\($0)" }
        + ["norm", "logits"])
    #expect(
      try names(.small { ($0.layers, $0.norm, $0.ffn) = (1, .none, .none) })
        == ["embeddings"] + attention + ["layers.0.residual", "logits"])
  }

  /// Under post-norm the feed-forward's input is also what its output is added to; replacing what
  /// it reads leaves the other alone.
  @Test func replacingAnInputLeavesTheResidualStreamAlone() throws {
    let model = try Transformer(.small { ($0.layers, $0.norm) = (1, .post) })
    let tokens = try smallBatch().tokens
    let silenced = try model.forward(
      tokens,
      observedBy: Trace(replacing: [
        ("layers.0.ff_input", { x, _ in try x.mul(Tensor(0)) })
      ]))
    let withoutOutput = try model.forward(
      tokens,
      observedBy: Trace(replacing: [
        ("layers.0.ff_output", { x, _ in try x.mul(Tensor(0)) })
      ]))
    expectClose(silenced.detach(), withoutOutput.detach(), 1e-6, "logits")
  }

  // MARK: Copies

  @Test(arguments: configurations)
  func copiesAreEqualAndIndependent(_ configuration: TransformerConfiguration) throws {
    let model = try model(configuration)
    try model.parameters.setTrained("layers.0.attention.wk.*", false)
    let copy = try #require(model.copy() as? Transformer)
    #expect(copy.configuration == model.configuration)
    #expect(copy.parameters.trainedNames == model.parameters.trainedNames)
    #expect(copy.parameters.bits == model.parameters.bits)
    let before = model.parameters.bits
    for (_, tensor) in copy.parameters.all {
      try noGrad { try tensor.copyInPlace(Tensor(full: tensor.shape, 3)) }
    }
    #expect(model.parameters.bits == before)
  }
}
