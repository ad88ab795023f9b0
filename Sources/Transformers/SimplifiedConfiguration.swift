import Tensors

/// The options of the simplified transformer (M1), with their defaults.
///
/// The JSON form, written into checkpoints, has the keys of the Lua constructor.
public struct SimplifiedConfiguration: ModelConfiguration, Equatable {
  public static let kind = "simplified"

  /// How positions enter.
  public enum Positional: String, Codable, CaseIterable, Sendable {
    /// A frozen random embedding of each position, added.
    case random
    /// Sines on even and cosines on odd coordinates, frequencies 10000^(−2i/d), added ([TF]).
    case sincos
    /// Nothing is added; layer 0 rotates queries and keys.
    case rope
  }

  /// The variance of embeddings.
  public enum EmbeddingInit: String, Codable, CaseIterable, Sendable {
    /// N(0, 1).
    case unit
    /// N(0, 1/d).
    case scaled
  }

  /// The factor of attention scores.
  public enum ScoreScale: String, Codable, CaseIterable, Sendable {
    /// 1/√d.
    case squareRoot = "sqrt_dim"
    /// 1.
    case none
  }

  /// N, number of tokens.
  public var vocab: Int
  /// d, the width.
  public var dim: Int = 128
  /// Longest sequence, the number of position embeddings.
  public var maxLen: Int = 128
  /// Feed-forward of each layer.
  public var ffn: [FeedForward] = [.none, .none]
  /// How positions enter.
  public var positional: Positional = .random
  /// Variance of the embeddings.
  public var embeddingInit: EmbeddingInit = .unit
  /// Factor of the scores.
  public var scoreScale: ScoreScale = .squareRoot
  /// False: the idealised circuit, in which every matrix reads only the embeddings meant for it.
  public var crossTalk = true
  /// Whether the output matrix is the embedding matrix.
  public var tieOutput = false
  /// Whether token embeddings stay as they were drawn.
  public var freezeEmbeddings = true
  /// Whether the output matrix stays as it was drawn.
  public var freezeOutput = true
  /// Seed of the initial parameters.
  public var seed: UInt64 = 0

  enum CodingKeys: String, CodingKey {
    case vocab, dim, ffn, positional, seed
    case maxLen = "max_len"
    case embeddingInit = "embedding_init"
    case scoreScale = "score_scale"
    case crossTalk = "cross_talk"
    case tieOutput = "tie_output"
    case freezeEmbeddings = "freeze_embeddings"
    case freezeOutput = "freeze_output"
  }

  /// The default options for a vocabulary of `vocab` tokens.
  public init(vocab: Int) { self.vocab = vocab }

  /// Reads the JSON form; a missing key has its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    vocab = try values.decode(Int.self, forKey: .vocab)
    dim = try values.decodeIfPresent(Int.self, forKey: .dim) ?? dim
    maxLen = try values.decodeIfPresent(Int.self, forKey: .maxLen) ?? maxLen
    ffn = try values.decodeIfPresent([FeedForward].self, forKey: .ffn) ?? ffn
    positional = try values.decodeIfPresent(Positional.self, forKey: .positional) ?? positional
    embeddingInit =
      try values.decodeIfPresent(EmbeddingInit.self, forKey: .embeddingInit) ?? embeddingInit
    scoreScale = try values.decodeIfPresent(ScoreScale.self, forKey: .scoreScale) ?? scoreScale
    crossTalk = try values.decodeIfPresent(Bool.self, forKey: .crossTalk) ?? crossTalk
    tieOutput = try values.decodeIfPresent(Bool.self, forKey: .tieOutput) ?? tieOutput
    freezeEmbeddings =
      try values.decodeIfPresent(Bool.self, forKey: .freezeEmbeddings) ?? freezeEmbeddings
    freezeOutput = try values.decodeIfPresent(Bool.self, forKey: .freezeOutput) ?? freezeOutput
    seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
  }

  /// Checks that the options make a model.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  public func validate() throws {
    try Self.checkSizes(vocab: vocab, dim: dim, maxLen: maxLen)
    guard ffn.count == 2 else {
      throw Self.error("ffn has \(ffn.count) entries (allowed: 2, one for each layer)")
    }
    if positional == .rope && dim % 2 != 0 {
      throw Self.error("dim = \(dim) with positional = \"rope\" (allowed: even numbers)")
    }
    if !crossTalk {
      if positional == .rope {
        throw Self.error(
          "cross_talk = false needs position embeddings, and positional = \"rope\" has none "
            + "(allowed: \"random\", \"sincos\")")
      }
      if ffn[0] != .none {
        throw Self.error(
          "ffn of layer 1 is \"\(ffn[0].rawValue)\", but with cross_talk = false nothing reads it "
            + "(allowed: \"none\")")
      }
    }
    try Self.checkTying(
      tieOutput, freezeEmbeddings: freezeEmbeddings, freezeOutput: freezeOutput)
  }

  public var embeddingShapes: [(name: String, shape: [Int])] {
    let tokens = (name: "tok_embeddings.weight", shape: [vocab, dim])
    return positional == .rope ? [tokens] : [tokens, (name: "pe", shape: [maxLen, dim])]
  }

  public func makeModel() throws -> any Model { try SimplifiedTransformer(self) }
}
