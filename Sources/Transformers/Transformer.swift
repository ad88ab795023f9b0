import Tensors

/// The transformer (M2 in docs/engine.md; [TF], as trained in [BT §3]): L layers of attention with
/// H heads and a feed-forward, residual connections around both, layer normalisation before, after
/// or nowhere.
///
/// x_t = E[z_t] + P[t]. Head h of a layer attends with scores q_tᵀ k_u / √(d/H) over u ≤ t, where
/// q = W_Q x, k = W_K x and v = W_V x are cut into H slices; the slices' weighted sums of values,
/// side by side, times W_O, are added to x_t. Logits are W_U x_t. No projection has a bias.
/// Everything is trained unless an option freezes it.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *H* heads, *V* vocab.
public final class Transformer: FunctionalModel {
  /// The options it was made with.
  public let configuration: TransformerConfiguration
  public private(set) var parameters = Parameters()
  public var vocabSize: Int { configuration.vocab }
  public var maxLength: Int { configuration.maxLen }
  public var layerCount: Int { configuration.layers }
  public var kind: String { TransformerConfiguration.kind }

  /// A model with fresh parameters drawn from the configuration's seed.
  ///
  /// Embeddings are N(0, 1); every W is uniform in ±1/√(its input size); norms begin with weight 1
  /// and bias 0. Only what is read is a parameter: a layer without a feed-forward has no `ff_norm`.
  /// - Throws: `EngineError` if the options do not make a model.
  public init(_ configuration: TransformerConfiguration) throws {
    try configuration.validate()
    self.configuration = configuration
    let (n, d) = (configuration.vocab, configuration.dim)
    let draw = Initializer(seed: configuration.seed)
    let trainsEmbeddings = !configuration.freezeEmbeddings
    try parameters.add(
      "tok_embeddings.weight", draw.normal([n, d], deviation: 1, stream: 0),
      trained: trainsEmbeddings)
    let positions = [configuration.maxLen, d]
    switch configuration.positional {
    case .learned:
      try parameters.add(
        configuration.positionName, draw.normal(positions, deviation: 1, stream: 1),
        trained: trainsEmbeddings)
    case .sincos:
      try parameters.add(
        configuration.positionName, Initializer.sinusoids(length: positions[0], dim: d),
        trained: false)
    }
    for layer in 0..<configuration.layers { try addLayer(layer, draw) }
    if configuration.norm == .pre { try addNorm("norm") }
    if !configuration.tieOutput {
      try parameters.add(
        "output.weight", draw.weight([n, d], stream: 2), trained: !configuration.freezeOutput)
    }
  }

  private func addLayer(_ layer: Int, _ draw: Initializer) throws {
    let (prefix, stream, d) = ("layers.\(layer)", 10 * (layer + 1), configuration.dim)
    // Streams are those of the simplified transformer, which has no W_Q.
    var weights = [("wq", 5), ("wk", 0)]
    if !configuration.noWv { weights.append(("wv", 1)) }
    if !configuration.noWo { weights.append(("wo", 2)) }
    for (name, place) in weights {
      try parameters.add(
        "\(prefix).attention.\(name).weight", draw.weight([d, d], stream: stream + place),
        trained: true)
    }
    let feedForward = configuration.feedForward(ofLayer: layer)
    try feedForward.addWeights(to: &parameters, prefix: prefix, dim: d, draw, stream: stream + 3)
    if configuration.norm != .none {
      try addNorm("\(prefix).attention_norm")
      if feedForward != .none { try addNorm("\(prefix).ff_norm") }
    }
  }

  private func addNorm(_ name: String) throws {
    let d = configuration.dim
    try parameters.add("\(name).weight", Tensor.full([d], 1), trained: true)
    try parameters.add("\(name).bias", Tensor.full([d], 0), trained: true)
  }

  public func configurationJSON() throws -> String { try configuration.json() }

  public func copy() throws -> any Model {
    try Transformer(configuration).taking(parametersOf: self)
  }

  public func weights(batch: Int, length: Int) -> Parameters { parameters }

  public func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs {
    try TransformerForward(configuration, weights).outputs(tokens, rows: rows)
  }

  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    try TransformerForward(configuration, parameters, trace).observedLogits(tokens, trace)
  }
}
