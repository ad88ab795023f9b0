import Settings
import Tensors

/// The options of GPT-2 (Radford and others, 2019), with the defaults of its smallest model.
public struct GPT2Configuration: GPTConfiguration, Equatable {
  public static let kind = "gpt2"
  public static let summary =
    "GPT-2 (Radford and others, 2019): layer norm before attention and feed-forward, biases, "
    + "embeddings of positions. mnemo.pretrained.load reads published weights into such a model; "
    + "here its parameters are drawn, N(0, 0.02²), under the published names."
  public static let names = GPTNames(
    base: "transformer", embeddings: "wte", positions: "wpe", layers: "h",
    attentionNorm: "ln_1", fused: "attn.c_attn", attentionOutput: "attn.c_proj",
    ffNorm: "ln_2", ffInput: "mlp.c_fc", ffOutput: "mlp.c_proj", norm: "ln_f",
    output: "lm_head.weight")
  public static let storesInputsFirst = true

  public var vocab: Int
  public var dim: Int = 768
  public var layers: Int = 12
  public var heads: Int = 12
  public var maxLen: Int = 1024
  public var ffDim: Int?
  public var activation: Activation = .geluNew
  public var normEps: Double = 1e-5
  public var tieOutput = true
  /// Whether scores are divided by √(d/H).
  public var scaleScores = true
  /// Whether they are divided by the number of their layer, counted from 1.
  public var scaleByLayer = false
  public var seed: UInt64 = 0

  /// The default options for a vocabulary of `vocab` tokens.
  public init(vocab: Int) { self.vocab = vocab }

  public init() { self.init(vocab: 0) }

  public static let fields: [Field<Self>] =
    commonFields(
      vocab: \.vocab, dim: \.dim, layers: \.layers, heads: \.heads, maxLen: \.maxLen,
      ffDim: \.ffDim, activation: \.activation, normEps: \.normEps, tieOutput: \.tieOutput) + [
      Field("scale_scores", \.scaleScores, "whether scores are divided by √(d/H)"),
      Field(
        "scale_by_layer", \.scaleByLayer,
        "whether scores are divided by the number of their layer, counted from 1"),
      .seed(\.seed, "decides the initial parameters"),
    ]

  public var attentionBias: Bool { true }
  public var isParallel: Bool { false }
  public var rotary: RotaryPositions? { nil }

  public func scoreScale(ofLayer layer: Int) -> Float {
    (scaleScores ? 1 / Float(headDim).squareRoot() : 1) / (scaleByLayer ? Float(layer + 1) : 1)
  }

  public func split(_ fused: Tensor) throws -> [Tensor] {
    let shape = Array(fused.shape.dropLast()) + [3, heads, headDim]
    let parts = try fused.reshape(shape)
    return try (0..<3).map { try parts.select(-3, $0) }
  }
}
