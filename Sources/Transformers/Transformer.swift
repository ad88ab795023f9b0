import Tensors

/// The transformer (M2; [TF], as trained in [BT §3]): L layers of attention with H heads and a
/// feed-forward, residual connections around both, layer normalisation before, after or nowhere.
///
/// x_t = E[z_t] + P[t]. Head h of a layer attends with scores q_tᵀ k_u / √(d/H) over u ≤ t, where
/// q = W_Q x, k = W_K x and v = W_V x are cut into H slices; the slices' weighted sums of values,
/// side by side, times W_O, are added to x_t. Logits are W_U x_t. No projection has a bias.
/// Everything is trained unless an option freezes it.
///
/// The last layer computes what the selected rows need: keys and values at all positions, the rest
/// at those rows only.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *H* heads, *V* vocab.
public final class Transformer: Model {
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

  public func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try check(tokens)
    var x = try embeddings(tokens)
    let everything = RowSelection(everyPositionOf: tokens.shape[0], length: tokens.shape[1])
    for layer in 0..<layerCount {
      let isLast = layer == layerCount - 1
      let wanted = isLast ? rows : everything
      let attended = try attention(attentionInput(x, layer), layer, rows: wanted)
      let after = try afterLayer(layer, wanted.rows(of: x), attended)
      x = isLast ? after : try after.reshape(x.shape)
    }
    return try normalized(x, "norm").linear(parameters.outputWeight())
  }

  /// E[z] + P, [B, T, D].
  func embeddings(_ tokens: IntTensor) throws -> Tensor {
    let positions = try parameters.get(configuration.positionName).narrow(0, 0, tokens.shape[1])
    return try parameters.get("tok_embeddings.weight").rows(tokens).add(positions)
  }

  /// 1/√(d/H), the factor of the scores.
  var scale: Float { 1 / Float(configuration.dim / configuration.heads).squareRoot() }

  /// The attention weight of that name; nil where an option leaves it out.
  func attentionWeight(_ name: String, _ layer: Int) -> Tensor? {
    parameters["layers.\(layer).attention.\(name).weight"]
  }

  /// What a layer's queries, keys and values are made of: norm x before attention, else x.
  func attentionInput(_ x: Tensor, _ layer: Int, _ trace: Trace? = nil) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let input =
      configuration.norm == .pre ? try normalized(x, "\(prefix).attention_norm") : x
    return try shown(input, "\(prefix).attention_input", trace)
  }

  /// Shows what a part of a layer reads, as a view, whose gradient is that of this use alone.
  private func shown(_ input: Tensor, _ name: String, _ trace: Trace?) throws -> Tensor {
    try trace.map { try $0.visit(name, input.reshape(input.shape)) } ?? input
  }

  /// W x for the attention weight W of that name, or x where there is none.
  func projected(_ x: Tensor, _ name: String, _ layer: Int) throws -> Tensor {
    try attentionWeight(name, layer).map { try x.linear($0) } ?? x
  }

  /// W_O Σ_u β_tu v_u of all heads at the selected rows, [R, D], from attention's input [B, T, D].
  private func attention(_ x: Tensor, _ layer: Int, rows: RowSelection) throws -> Tensor {
    let summed = try Attention.causal(
      queries: projected(rows.rows(of: x), "wq", layer), keys: projected(x, "wk", layer),
      values: projected(x, "wv", layer), heads: configuration.heads, scale: scale, rows: rows)
    return try projected(summed, "wo", layer)
  }

  /// The residual stream after a layer, from what it was before and what attention adds, both
  /// [R, D] or [B, T, D].
  func afterLayer(
    _ layer: Int, _ x: Tensor, _ attended: Tensor, _ trace: Trace? = nil
  ) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let isPost = configuration.norm == .post
    var sum = try x.add(attended)
    if isPost { sum = try normalized(sum, "\(prefix).attention_norm") }
    let feedForward = configuration.feedForward(ofLayer: layer)
    if feedForward != .none {
      let input = try shown(
        isPost ? sum : normalized(x, "\(prefix).ff_norm"), "\(prefix).ff_input", trace)
      let output = try feedForward.output(input, parameters, prefix: prefix, trace)
      sum = try output.map { try sum.add($0) } ?? sum
      if isPost { sum = try normalized(sum, "\(prefix).ff_norm") }
    }
    return try trace?.visit("\(prefix).residual", sum) ?? sum
  }

  /// Layer normalisation with the weight and bias of that name, or x where there are none.
  func normalized(_ x: Tensor, _ name: String) throws -> Tensor {
    guard let weight = parameters["\(name).weight"] else { return x }
    return try x.layerNorm(weight: weight, bias: parameters.get("\(name).bias"))
  }
}
