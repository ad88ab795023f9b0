import Settings
import Tensors

/// The options of GPT-NeoX (Black and others, 2022), with the defaults of Pythia's smallest model.
public struct GPTNeoXConfiguration: GPTConfiguration, Equatable {
  public static let kind = "gpt_neox"
  public static let summary =
    "GPT-NeoX (Black and others, 2022), the architecture of Pythia: layer norm before attention and "
    + "feed-forward, which read the same, biases, rotary positions on a part of the coordinates. "
    + "mnemo.pretrained.load reads published weights into such a model; here its parameters are "
    + "drawn, N(0, 0.02²), under the published names."
  public static let names = GPTNames(
    base: "gpt_neox", embeddings: "embed_in", positions: nil, layers: "layers",
    attentionNorm: "input_layernorm", fused: "attention.query_key_value",
    attentionOutput: "attention.dense", ffNorm: "post_attention_layernorm",
    ffInput: "mlp.dense_h_to_4h", ffOutput: "mlp.dense_4h_to_h", norm: "final_layer_norm",
    output: "embed_out.weight")
  public static let storesInputsFirst = false

  public var vocab: Int
  public var dim: Int = 512
  public var layers: Int = 6
  public var heads: Int = 8
  public var maxLen: Int = 2048
  public var ffDim: Int?
  public var activation: Activation = .gelu
  public var normEps: Double = 1e-5
  public var tieOutput = false
  /// Whether attention and feed-forward both read the layer's input.
  public var parallelResidual = true
  public var attentionBias = true
  /// The share of a head's coordinates that positions turn.
  public var rotaryShare: Double = 0.25
  /// The base of the frequencies.
  public var rotaryBase: Double = 10000
  public var seed: UInt64 = 0

  /// The default options for a vocabulary of `vocab` tokens.
  public init(vocab: Int) { self.vocab = vocab }

  public init() { self.init(vocab: 0) }

  public static let fields: [Field<Self>] =
    commonFields(
      vocab: \.vocab, dim: \.dim, layers: \.layers, heads: \.heads, maxLen: \.maxLen,
      ffDim: \.ffDim, activation: \.activation, normEps: \.normEps, tieOutput: \.tieOutput) + [
      Field(
        "parallel_residual", \.parallelResidual,
        "whether a layer is x + attn(norm x) + ff(norm' x), or with h = x + attn(norm x) "
          + "h + ff(norm' h)"),
      Field("attention_bias", \.attentionBias, "whether attention's matrices have biases"),
      Field(
        "rotary_share", \.rotaryShare,
        "share of a head's coordinates that positions turn, 0 to 1"),
      Field("rotary_base", \.rotaryBase, "base of the frequencies of these turns"),
      .seed(\.seed, "decides the initial parameters"),
    ]

  public var isParallel: Bool { parallelResidual }

  public var rotary: RotaryPositions? {
    RotaryPositions(coordinates: Int(Double(headDim) * rotaryShare), base: rotaryBase)
  }

  public func validateOwn() throws {
    guard rotaryShare >= 0, rotaryShare <= 1 else {
      throw Self.error("rotary_share = \(rotaryShare) (allowed: 0 to 1)")
    }
    guard rotaryBase > 0, rotaryBase.isFinite else {
      throw Self.error("rotary_base = \(rotaryBase) (allowed: above 0)")
    }
    if let turned = rotary?.width, turned > headDim {
      throw Self.error(
        "rotary_share = \(rotaryShare) turns \(turned) coordinates of heads that have \(headDim)")
    }
  }

  public func split(_ fused: Tensor) throws -> [Tensor] {
    let shape = Array(fused.shape.dropLast()) + [heads, 3, headDim]
    let parts = try fused.reshape(shape)
    return try (0..<3).map { try parts.select(-2, $0) }
  }
}
