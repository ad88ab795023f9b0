import FoundationEssentials
import Glibc
import Tensors

/// The simplified two-layer transformer of [BT §4.2] (M1): the smallest model in which an induction
/// head is born.
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
  public let kind = "simplified"

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

    try add(
      "tok_embeddings.weight", draw.normal([n, d], deviation: deviation, stream: 0),
      trained: !configuration.freezeEmbeddings)
    switch configuration.positional {
    case .random:
      try add(
        "pe", draw.normal([configuration.maxLen, d], deviation: deviation, stream: 1),
        trained: false)
    case .sincos:
      try add(
        "pe",
        Self.sinusoids(length: configuration.maxLen, dim: d).mul(Tensor(deviation)),
        trained: false)
    case .rope: break
    }
    for layer in 0..<2 {
      let (prefix, stream) = ("layers.\(layer)", 10 * (layer + 1))
      for (place, weight) in ["wk", "wv", "wo"].enumerated() {
        try add(
          "\(prefix).attention.\(weight).weight", draw.weight([d, d], stream: stream + place),
          trained: weight == "wk" || (layer == 1 && weight == "wo"))
      }
      switch configuration.ffn[layer] {
      case .none: break
      case .linear: try add("\(prefix).ff.weight", draw.weight([d, d], stream: stream + 3))
      case .mlp:
        try add("\(prefix).ff.w1.weight", draw.weight([4 * d, d], stream: stream + 3))
        try add("\(prefix).ff.w2.weight", draw.weight([d, 4 * d], stream: stream + 4))
      }
    }
    if !configuration.tieOutput {
      try add(
        "output.weight", draw.weight([n, d], stream: 2), trained: !configuration.freezeOutput)
    }
  }

  private func add(_ name: String, _ tensor: Tensor, trained: Bool = true) throws {
    try tensor.requireGrad(trained)
    parameters.add(name, tensor)
  }

  /// sin(t · 10000^(−2i/d)) at coordinate 2i, the cosine at 2i + 1, t counted from 0 ([TF §3.5]).
  private static func sinusoids(length: Int, dim: Int) throws -> Tensor {
    var elements = [Float](repeating: 0, count: length * dim)
    for t in 0..<length {
      for j in 0..<dim {
        let angle = Double(t) * pow(10000, -Double(j - j % 2) / Double(dim))
        elements[t * dim + j] = Float(j % 2 == 0 ? sin(angle) : cos(angle))
      }
    }
    return try Tensor(elements, shape: [length, dim])
  }

  public func configurationJSON() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(configuration), as: UTF8.self)
  }

  public func copy() throws -> any Model {
    let result = try SimplifiedTransformer(configuration)
    for (name, tensor) in parameters.all {
      try result.parameters.set(name, tensor)
      try result.parameters.get(name).requireGrad(tensor.requiresGrad)
    }
    return result
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
  func feedForwardOutput(_ x: Tensor, layer: Int, _ weights: Parameters) throws -> Tensor? {
    let prefix = "layers.\(layer).ff"
    switch configuration.ffn[layer] {
    case .none: return nil
    case .linear: return try x.linear(weights.get("\(prefix).weight"))
    case .mlp:
      let hidden = try x.linear(weights.get("\(prefix).w1.weight")).relu()
      return try hidden.linear(weights.get("\(prefix).w2.weight"))
    }
  }

  /// W_U, [V, D].
  func outputWeight(_ weights: Parameters) throws -> Tensor {
    try weights.get(configuration.tieOutput ? "tok_embeddings.weight" : "output.weight")
  }
}
