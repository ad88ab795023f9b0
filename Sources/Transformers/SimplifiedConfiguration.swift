import Settings
import Tensors

/// The options of the simplified transformer (M1), with their defaults.
///
/// They are declared once, in ``fields``; checkpoints hold them as JSON under the same names.
public struct SimplifiedConfiguration: ModelConfiguration, Equatable {
  public static let kind = "simplified"
  public static let summary =
    "The two-layer attention model in which an induction head is born: random frozen embeddings, "
    + "W_K of both layers, W_O of layer 2 and the feed-forwards trained."

  /// How positions enter.
  public enum Positional: String, SettingConvertible, CaseIterable, Sendable {
    /// A frozen random embedding of each position, added.
    case random
    /// Sines on even and cosines on odd coordinates, frequencies 10000^(−2i/d), added ([TF]).
    case sincos
    /// Nothing is added; layer 0 rotates queries and keys.
    case rope
  }

  /// The variance of embeddings.
  public enum EmbeddingInit: String, SettingConvertible, CaseIterable, Sendable {
    /// N(0, 1).
    case unit
    /// N(0, 1/d).
    case scaled
  }

  /// The factor of attention scores.
  public enum ScoreScale: String, SettingConvertible, CaseIterable, Sendable {
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
  public var ffn: [FeedForwardKind] = [.none, .none]
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

  /// The default options for a vocabulary of `vocab` tokens.
  public init(vocab: Int) { self.vocab = vocab }

  public init() { self.init(vocab: 0) }

  public static let fields: [Field<Self>] = [
    Field("vocab", \.vocab, default: .required, "number of tokens, N"),
    Field("dim", \.dim, "width, d"),
    Field("max_len", \.maxLen, "longest sequence"),
    Field(
      "ffn", \.ffn,
      "feed-forward of layers 1 and 2: none, x + W x, or x + W_2 relu(W_1 x) of width 4d"),
    Field(
      "positional", \.positional,
      "how positions enter: frozen random vectors or sines and cosines are added, or (rope) "
        + "queries and keys of the first layer are rotated"),
    Field("embedding_init", \.embeddingInit, "draws embeddings from N(0, 1) or N(0, 1/d)"),
    Field("score_scale", \.scoreScale, "multiplies attention scores by 1/√d, or by 1"),
    Field("cross_talk", \.crossTalk, "false: every matrix reads only the embeddings meant for it"),
    Field("tie_output", \.tieOutput, "whether the output matrix is the embedding matrix"),
    Field("freeze_embeddings", \.freezeEmbeddings, "whether token embeddings stay as drawn"),
    Field("freeze_output", \.freezeOutput, "whether the output matrix stays as drawn"),
    .seed(\.seed, "decides the initial parameters"),
  ]

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

  public var plan: [PlannedParameter] {
    let (n, d) = (vocab, dim)
    let deviation = embeddingInit == .unit ? 1 : 1 / Float(d).squareRoot()
    var plan = [
      PlannedParameter("tok_embeddings.weight", [n, d], isTrained: !freezeEmbeddings) {
        try $0.normal([n, d], deviation: deviation, stream: 0)
      }
    ]
    let positions = [maxLen, d]
    switch positional {
    case .random:
      plan.append(
        PlannedParameter("pe", positions, isTrained: false) {
          try $0.normal(positions, deviation: deviation, stream: 1)
        })
    case .sincos:
      plan.append(
        PlannedParameter("pe", positions, isTrained: false) { _ in
          try Initializer.sinusoids(length: positions[0], dim: d).mul(Tensor(deviation))
        })
    case .rope: break
    }
    for layer in 0..<2 {
      let (prefix, stream) = ("layers.\(layer)", 10 * (layer + 1))
      for (place, weight) in ["wk", "wv", "wo"].enumerated() {
        plan.append(
          .weight(
            "\(prefix).attention.\(weight).weight", [d, d], stream: stream + place,
            isTrained: weight == "wk" || (layer == 1 && weight == "wo")))
      }
      plan += ffn[layer].plan(prefix: prefix, dim: d, stream: stream + 3)
    }
    if !tieOutput {
      plan.append(.weight("output.weight", [n, d], stream: 2, isTrained: !freezeOutput))
    }
    return plan
  }

  public func makeModel(_ parameters: Parameters) throws -> any Model {
    try SimplifiedTransformer(self, parameters: parameters)
  }
}
