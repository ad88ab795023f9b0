import Settings
import Tensors

/// The options of the transformer (M2), with their defaults.
///
/// They are declared once, in ``fields``; checkpoints hold them as JSON under the same names.
public struct TransformerConfiguration: ModelConfiguration, Equatable {
  public static let kind = "transformer"
  public static let summary =
    "The usual transformer: layers of attention with several heads and a feed-forward, residual "
    + "connections, layer normalisation. Everything is trained unless an option freezes it."

  /// Where layer normalisation stands.
  public enum Norm: String, SettingConvertible, CaseIterable, Sendable {
    /// Before attention and feed-forward, which both read the layer's input:
    /// x + attn(norm x) + ff(norm′ x); and once more before the output.
    case pre
    /// After each: norm′(h + ff(h)) with h = norm(x + attn(x)) ([TF §3.1]).
    case post
    /// Nowhere: x + attn(x) + ff(x).
    case none
  }

  /// How positions enter.
  public enum Positional: String, SettingConvertible, CaseIterable, Sendable {
    /// An embedding of each position, trained like those of tokens, is added.
    case learned
    /// Sines on even and cosines on odd coordinates, frequencies 10000^(−2i/d), added ([TF §3.5]).
    case sincos
  }

  /// N, number of tokens.
  public var vocab: Int
  /// d, the width.
  public var dim: Int = 128
  /// L, number of layers.
  public var layers: Int = 2
  /// H, number of attention heads in each layer; divides the width.
  public var heads: Int = 4
  /// Longest sequence, the number of position embeddings.
  public var maxLen: Int = 128
  /// Where layer normalisation stands.
  public var norm: Norm = .pre
  /// Feed-forward of the layers.
  public var ffn: FeedForwardKind = .mlp
  /// Whether the first layer has no feed-forward.
  public var noFirstLayerFfn = false
  /// Whether the output matrix is the embedding matrix.
  public var tieOutput = false
  /// Whether attention sums its inputs themselves, W_V = I.
  public var noWv = false
  /// Whether attention adds its heads' sums themselves, W_O = I.
  public var noWo = false
  /// Whether embeddings, of tokens and positions, stay as they were drawn.
  public var freezeEmbeddings = false
  /// Whether the output matrix stays as it was drawn.
  public var freezeOutput = false
  /// How positions enter.
  public var positional: Positional = .learned
  /// Seed of the initial parameters.
  public var seed: UInt64 = 0

  /// The default options for a vocabulary of `vocab` tokens.
  public init(vocab: Int) { self.vocab = vocab }

  public init() { self.init(vocab: 0) }

  public static let fields: [Field<Self>] = [
    Field("vocab", \.vocab, default: .required, "number of tokens, N"),
    Field("dim", \.dim, "width, d"),
    Field("layers", \.layers, "number of layers, L"),
    Field("heads", \.heads, "attention heads of a layer, H; a number that divides dim"),
    Field("max_len", \.maxLen, "longest sequence"),
    Field(
      "norm", \.norm,
      "layer normalisation: pre, x + attn(norm x) + ff(norm' x) and once before the output; "
        + "post, norm'(h + ff(h)) with h = norm(x + attn(x)); none, x + attn(x) + ff(x)"),
    Field(
      "ffn", \.ffn, "feed-forward of each layer: none, W x, or W_2 relu(W_1 x) of width 4d"),
    Field(
      "no_first_layer_ffn", \.noFirstLayerFfn, "whether the first layer has no feed-forward"),
    Field("tie_output", \.tieOutput, "whether the output matrix is the embedding matrix"),
    Field("no_wv", \.noWv, "whether W_V is left out: values are what attention reads"),
    Field(
      "no_wo", \.noWo, "whether W_O is left out: the heads' sums, side by side, are added"),
    Field(
      "freeze_embeddings", \.freezeEmbeddings,
      "whether embeddings of tokens and positions stay as drawn"),
    Field("freeze_output", \.freezeOutput, "whether the output matrix stays as drawn"),
    Field(
      "positional", \.positional,
      "what is added for positions: trained vectors, or sines and cosines"),
    .seed(\.seed, "decides the initial parameters"),
  ]

  /// Checks that the options make a model.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  public func validate() throws {
    try Self.checkSizes(vocab: vocab, dim: dim, maxLen: maxLen)
    guard layers >= 1, layers <= 1 << 10 else {
      throw Self.error("layers = \(layers) (allowed: 1 to \(1 << 10))")
    }
    guard heads >= 1, dim % heads == 0 else {
      throw Self.error("heads = \(heads) with dim = \(dim) (allowed: numbers that divide dim)")
    }
    try Self.checkTying(
      tieOutput, freezeEmbeddings: freezeEmbeddings, freezeOutput: freezeOutput)
  }

  public var plan: [PlannedParameter] {
    let (n, d) = (vocab, dim)
    let positions = [maxLen, d]
    var plan = [
      PlannedParameter("tok_embeddings.weight", [n, d], isTrained: !freezeEmbeddings) {
        try $0.normal([n, d], deviation: 1, stream: 0)
      }
    ]
    switch positional {
    case .learned:
      plan.append(
        PlannedParameter(positionName, positions, isTrained: !freezeEmbeddings) {
          try $0.normal(positions, deviation: 1, stream: 1)
        })
    case .sincos:
      plan.append(
        PlannedParameter(positionName, positions, isTrained: false) { _ in
          try Initializer.sinusoids(length: positions[0], dim: d)
        })
    }
    for layer in 0..<layers { plan += self.plan(ofLayer: layer) }
    if norm == .pre { plan += PlannedParameter.norm("norm", dim: d) }
    if !tieOutput {
      plan.append(.weight("output.weight", [n, d], stream: 2, isTrained: !freezeOutput))
    }
    return plan
  }

  private func plan(ofLayer layer: Int) -> [PlannedParameter] {
    let (prefix, stream) = ("layers.\(layer)", 10 * (layer + 1))
    // Streams are those of the simplified transformer, which has no W_Q.
    var weights = [("wq", 5), ("wk", 0)]
    if !noWv { weights.append(("wv", 1)) }
    if !noWo { weights.append(("wo", 2)) }
    var plan = weights.map { name, place in
      PlannedParameter.weight(
        "\(prefix).attention.\(name).weight", [dim, dim], stream: stream + place)
    }
    let feedForward = feedForward(ofLayer: layer)
    plan += feedForward.plan(prefix: prefix, dim: dim, stream: stream + 3)
    if norm != .none {
      plan += PlannedParameter.norm("\(prefix).attention_norm", dim: dim)
      if feedForward != .none { plan += PlannedParameter.norm("\(prefix).ff_norm", dim: dim) }
    }
    return plan
  }

  public func makeModel(_ parameters: Parameters) throws -> any Model {
    try Transformer(self, parameters: parameters)
  }

  /// The name of the position embeddings.
  var positionName: String { positional == .learned ? "pos_embeddings.weight" : "pe" }

  /// The feed-forward of a layer, counted from 0.
  func feedForward(ofLayer layer: Int) -> FeedForwardKind {
    layer == 0 && noFirstLayerFfn ? .none : ffn
  }
}
