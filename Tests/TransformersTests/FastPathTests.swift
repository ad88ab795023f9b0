import Tasks
import Tensors
import TestSupport
import Testing
import Transformers

/// The fast forward and backward passes against the plain composition of tensor operations, on
/// models and batches of random odd shapes: losses, the gradients of every parameter, and logits.
struct FastPathTests {
  /// Sizes of one case, drawn from `seed`.
  struct Case: CustomTestStringConvertible, Sendable {
    let seed: UInt64
    let vocab, heads, dim, length, batch: Int

    init(_ seed: UInt64) {
      var stream = RandomStream(seed: seed, purpose: .data, index: 0)
      func draw(_ range: ClosedRange<UInt32>) -> Int {
        Int(range.lowerBound + stream.below(range.upperBound - range.lowerBound + 1))
      }
      self.seed = seed
      vocab = draw(5...70)
      heads = [1, 2, 3][draw(0...2)]
      dim = heads * draw(4...16)
      length = draw(2...70)
      batch = draw(1...40)
    }

    var testDescription: String { "seed \(seed): N \(vocab), d \(dim), T \(length), B \(batch)" }

    func draw<T>(_ choices: [T], _ salt: UInt64) -> T {
      var stream = RandomStream(seed: seed, purpose: .data, index: salt)
      return choices[Int(stream.below(UInt32(choices.count)))]
    }

    /// The feed-forward of a layer.
    ///
    /// Of many thousand hidden units one would stand so close to the kink of ReLU that rounding
    /// decides its slope, so large batches go through linear ones.
    func feedForward(_ layer: UInt64) -> FeedForwardKind {
      draw(batch * length < 300 ? FeedForwardKind.allCases : [.none, .linear], 10 + layer)
    }

    func sequences() throws -> Batch {
      var options = BigramTask.Options(corpus: try .uniform(vocab))
      (options.triggers, options.seqLen, options.seed) = (3, length, seed)
      return try BigramTask(options).batch(batch, index: 0)
    }

    /// Weights of the positions: those of a mask, or any; at least one counts.
    func mask(_ batch: Batch) throws -> Tensor {
      let mask = try draw(LossMask.allCases, 1).mask(of: batch)
      var weights = mask.elements()
      weights[weights.count - 1] = 0.5
      return try Tensor(weights, shape: mask.shape)
    }
  }

  static let cases = (1...24).map { Case($0) }

  private func check(_ model: any Model, _ sizes: Case) throws {
    try model.parameters.setTrained("*", true)
    let batch = try sizes.sequences()
    let mask = try sizes.mask(batch)

    let logits = try model.forward(batch.tokens, observedBy: Trace())
    let plain = try logits.crossEntropy(batch.targets, mask: mask)
    try plain.backward()
    let expected = model.parameters.all.map(\.tensor.grad)
    for (_, tensor) in model.parameters.all { tensor.grad = nil }

    let loss = try model.loss(batch, mask: mask)
    try loss.backward()
    expectClose(loss.detach(), plain.detach(), 1e-5, "loss")
    for ((name, tensor), gradient) in zip(model.parameters.all, expected) {
      guard let gradient, gradient.elements().contains(where: { abs($0) > 1e-7 }) else { continue }
      expectClose(tensor.grad, gradient, 1e-5, "gradient of \(name)")
    }
    let found = try noGrad { try model.forward(batch.tokens) }
    expectClose(found, logits.detach(), 1e-5, "logits")
  }

  @Test(arguments: cases) func simplified(_ sizes: Case) throws {
    var configuration = SimplifiedConfiguration(vocab: sizes.vocab)
    configuration.dim = 2 * sizes.dim
    configuration.maxLen = sizes.length + Int(sizes.seed % 3)
    configuration.seed = sizes.seed
    configuration.positional = sizes.draw(SimplifiedConfiguration.Positional.allCases, 2)
    configuration.embeddingInit = .scaled
    configuration.ffn = [sizes.feedForward(0), sizes.feedForward(1)]
    if configuration.positional != .rope, sizes.seed % 4 == 0 {
      configuration.crossTalk = false
      configuration.ffn[0] = .none
    }
    try check(SimplifiedTransformer(configuration), sizes)
  }

  @Test(arguments: cases) func transformer(_ sizes: Case) throws {
    var configuration = TransformerConfiguration(vocab: sizes.vocab)
    (configuration.dim, configuration.heads) = (sizes.dim, sizes.heads)
    configuration.maxLen = sizes.length + Int(sizes.seed % 3)
    configuration.layers = sizes.draw([1, 2, 3], 2)
    configuration.norm = sizes.draw(TransformerConfiguration.Norm.allCases, 3)
    configuration.ffn = sizes.feedForward(0)
    configuration.seed = sizes.seed
    try check(Transformer(configuration), sizes)
  }
}
