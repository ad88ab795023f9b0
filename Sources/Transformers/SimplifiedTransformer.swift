import Tensors

/// The simplified two-layer transformer of [BT §4.2], M1 in docs/engine.md: the smallest model in
/// which an induction head is born.
///
/// x_t = E[z_t] + P[t]. In layer ℓ position t attends with scores x_tᵀ W_K x_u / √d over u ≤ t (the
/// query matrix is the identity) and adds W_O W_V Σ_u β_tu x_u to x_t; then an optional
/// feed-forward. Logits are W_U x_t. Trained are W_K of both layers, W_O of layer 1 and the
/// feed-forwards; everything else stays as it was drawn.
///
/// How it is computed, fast, is in SimplifiedTransformer+Forward.swift; the same as plain formulas in
/// SimplifiedTransformer+Trace.swift.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *V* vocab.
public final class SimplifiedTransformer: FunctionalModel {
  /// The options it was made with.
  public let configuration: SimplifiedConfiguration
  public private(set) var parameters = Parameters()
  public var vocabSize: Int { configuration.vocab }
  public var maxLength: Int { configuration.maxLen }
  public let layerCount = 2
  public var kind: String { SimplifiedConfiguration.kind }

  /// A model with fresh parameters drawn from the configuration's seed.
  ///
  /// E and P are N(0, 1), or N(0, 1/d) under `scaled`; every W is uniform in ±1/√(its input size).
  /// - Throws: `EngineError` if the options do not make a model.
  public init(_ configuration: SimplifiedConfiguration) throws {
    try configuration.validate()
    self.configuration = configuration
    let (n, d) = (configuration.vocab, configuration.dim)
    let scaled = 1 / Float(d).squareRoot()
    let deviation = configuration.embeddingInit == .unit ? 1 : scaled
    let draw = Initializer(seed: configuration.seed)

    try parameters.add(
      "tok_embeddings.weight", draw.normal([n, d], deviation: deviation, stream: 0),
      trained: !configuration.freezeEmbeddings)
    switch configuration.positional {
    case .random:
      try parameters.add(
        "pe", draw.normal([configuration.maxLen, d], deviation: deviation, stream: 1),
        trained: false)
    case .sincos:
      try parameters.add(
        "pe",
        Initializer.sinusoids(length: configuration.maxLen, dim: d).mul(Tensor(deviation)),
        trained: false)
    case .rope: break
    }
    for layer in 0..<2 {
      let (prefix, stream) = ("layers.\(layer)", 10 * (layer + 1))
      for (place, weight) in ["wk", "wv", "wo"].enumerated() {
        try parameters.add(
          "\(prefix).attention.\(weight).weight", draw.weight([d, d], stream: stream + place),
          trained: weight == "wk" || (layer == 1 && weight == "wo"))
      }
      try configuration.ffn[layer].addWeights(
        to: &parameters, prefix: prefix, dim: d, draw, stream: stream + 3)
    }
    if !configuration.tieOutput {
      try parameters.add(
        "output.weight", draw.weight([n, d], stream: 2), trained: !configuration.freezeOutput)
    }
  }

  public func configurationJSON() throws -> String { try configuration.json() }

  public func copy() throws -> any Model {
    try SimplifiedTransformer(configuration).taking(parametersOf: self)
  }

  /// E[z], P and their sum, [B, T, D] each; no P under rope.
  struct Embeddings {
    let tokens: Tensor
    let positions: Tensor?
    let sum: Tensor
  }

  /// The factor of the scores.
  var scale: Float {
    configuration.scoreScale == .none ? 1 : 1 / Float(configuration.dim).squareRoot()
  }

  /// Looks the embeddings up.
  func embeddings(_ tokens: IntTensor, _ weights: Parameters) throws -> Embeddings {
    let read = try weights.get("tok_embeddings.weight").rows(tokens)
    guard let pe = weights["pe"] else {
      return Embeddings(tokens: read, positions: nil, sum: read)
    }
    let positions = try pe.narrow(0, 0, tokens.shape[1])
    return Embeddings(tokens: read, positions: positions, sum: try read.add(positions))
  }

  /// F(x), or nil without a feed-forward.
  func feedForwardOutput(
    _ x: Tensor, layer: Int, _ weights: Parameters, _ trace: Trace? = nil
  ) throws -> Tensor? {
    try configuration.ffn[layer].output(x, weights, prefix: "layers.\(layer)", trace)
  }
}
