import Tensors

/// The options of the transformer (M2), with their defaults.
///
/// The JSON form, written into checkpoints, has the keys of the Lua constructor.
public struct TransformerConfiguration: ModelConfiguration, Equatable {
  public static let kind = "transformer"

  /// Where layer normalisation stands.
  public enum Norm: String, Codable, CaseIterable, Sendable {
    /// Before attention and feed-forward, which both read the layer's input:
    /// x + attn(norm x) + ff(norm′ x); and once more before the output.
    case pre
    /// After each: norm′(h + ff(h)) with h = norm(x + attn(x)) ([TF §3.1]).
    case post
    /// Nowhere: x + attn(x) + ff(x).
    case none
  }

  /// How positions enter.
  public enum Positional: String, Codable, CaseIterable, Sendable {
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
  public var ffn: FeedForward = .mlp
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

  enum CodingKeys: String, CodingKey {
    case vocab, dim, layers, heads, norm, ffn, positional, seed
    case maxLen = "max_len"
    case noFirstLayerFfn = "no_first_layer_ffn"
    case tieOutput = "tie_output"
    case noWv = "no_wv"
    case noWo = "no_wo"
    case freezeEmbeddings = "freeze_embeddings"
    case freezeOutput = "freeze_output"
  }

  /// The default options for a vocabulary of `vocab` tokens.
  public init(vocab: Int) { self.vocab = vocab }

  /// Reads the JSON form; a missing key has its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<T: Decodable>(_ key: CodingKeys, _ missing: T) throws -> T {
      try values.decodeIfPresent(T.self, forKey: key) ?? missing
    }
    vocab = try values.decode(Int.self, forKey: .vocab)
    dim = try read(.dim, dim)
    layers = try read(.layers, layers)
    heads = try read(.heads, heads)
    maxLen = try read(.maxLen, maxLen)
    norm = try read(.norm, norm)
    ffn = try read(.ffn, ffn)
    noFirstLayerFfn = try read(.noFirstLayerFfn, noFirstLayerFfn)
    tieOutput = try read(.tieOutput, tieOutput)
    noWv = try read(.noWv, noWv)
    noWo = try read(.noWo, noWo)
    freezeEmbeddings = try read(.freezeEmbeddings, freezeEmbeddings)
    freezeOutput = try read(.freezeOutput, freezeOutput)
    positional = try read(.positional, positional)
    seed = try read(.seed, seed)
  }

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

  public var embeddingShapes: [(name: String, shape: [Int])] {
    [("tok_embeddings.weight", [vocab, dim]), (positionName, [maxLen, dim])]
  }

  public func makeModel() throws -> any Model { try Transformer(self) }

  /// The name of the position embeddings.
  var positionName: String { positional == .learned ? "pos_embeddings.weight" : "pe" }

  /// The feed-forward of a layer, counted from 0.
  func feedForward(ofLayer layer: Int) -> FeedForward {
    layer == 0 && noFirstLayerFfn ? .none : ffn
  }
}
