import Settings
import Tensors

/// The options of a language model that is published with weights: GPT-2, or GPT-NeoX as Pythia is.
///
/// What the two have in common is computed by ``GPT``; a configuration says where they differ.
public protocol GPTConfiguration: ModelConfiguration {
  /// N, number of tokens.
  var vocab: Int { get set }
  /// d, the width.
  var dim: Int { get set }
  /// L, number of layers.
  var layers: Int { get set }
  /// H, number of attention heads in each layer; divides the width.
  var heads: Int { get set }
  /// Longest sequence, the context.
  var maxLen: Int { get set }
  /// Width of the feed-forwards; nil for 4d.
  var ffDim: Int? { get set }
  /// Between the feed-forwards' two matrices.
  var activation: Activation { get set }
  /// What keeps layer normalisation finite.
  var normEps: Double { get set }
  /// Whether the output matrix is the embedding matrix.
  var tieOutput: Bool { get set }

  /// What parameters are called in published files.
  static var names: GPTNames { get }
  /// Whether matrices are stored [in, out].
  static var storesInputsFirst: Bool { get }
  /// Whether attention's matrices have biases.
  var attentionBias: Bool { get }
  /// Whether attention and feed-forward both read the layer's input.
  var isParallel: Bool { get }
  /// How queries and keys are turned by their positions; nil where embeddings are added instead.
  var rotary: RotaryPositions? { get }
  /// The factor of a layer's scores, layers counted from 0.
  func scoreScale(ofLayer layer: Int) -> Float
  /// Queries, keys and values, each [B, T, H, d/H], out of their common product [B, T, 3d].
  func split(_ fused: Tensor) throws -> [Tensor]
  /// Checks what only this kind of model has.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  func validateOwn() throws
}

/// What the parameters of a kind of model are called in published files; layers count from 0.
public struct GPTNames: Sendable {
  /// What all names but that of the output matrix begin with.
  let base: String
  let embeddings: String
  /// Embeddings of positions; nil if there are none.
  let positions: String?
  /// Where the layers are.
  let layers: String
  let attentionNorm, fused, attentionOutput: String
  let ffNorm, ffInput, ffOutput: String
  let norm: String
  /// The whole name of the output matrix.
  let output: String

  func layer(_ layer: Int) -> String { "\(base).\(layers).\(layer)" }
  var embeddingWeight: String { "\(base).\(embeddings).weight" }
  var positionWeight: String? { positions.map { "\(base).\($0).weight" } }
  var lastNorm: String { "\(base).\(norm)" }
}

extension GPTConfiguration {
  var names: GPTNames { Self.names }

  /// Size of a head's queries, keys and values.
  var headDim: Int { dim / heads }

  /// Width of the feed-forwards.
  var ffWidth: Int { ffDim ?? 4 * dim }

  public static var exampleOptions: String {
    "vocab = 65, dim = 64, layers = 2, heads = 4, max_len = 32, seed = 1"
  }

  /// The options that both kinds have.
  static func commonFields(
    vocab: WritableKeyPath<Self, Int> & Sendable, dim: WritableKeyPath<Self, Int> & Sendable,
    layers: WritableKeyPath<Self, Int> & Sendable, heads: WritableKeyPath<Self, Int> & Sendable,
    maxLen: WritableKeyPath<Self, Int> & Sendable,
    ffDim: WritableKeyPath<Self, Int?> & Sendable,
    activation: WritableKeyPath<Self, Activation> & Sendable,
    normEps: WritableKeyPath<Self, Double> & Sendable,
    tieOutput: WritableKeyPath<Self, Bool> & Sendable
  ) -> [Field<Self>] {
    [
      Field("vocab", vocab, default: .required, "number of tokens, N"),
      Field("dim", dim, "width, d"),
      Field("layers", layers, "number of layers, L"),
      Field("heads", heads, "attention heads of a layer, H; a number that divides dim"),
      Field("max_len", maxLen, "longest sequence, the context"),
      Field("ff_dim", ffDim, default: .described("4·dim"), "width of the feed-forwards"),
      Field("activation", activation, "function between the feed-forwards' two matrices"),
      Field("norm_eps", normEps, "what keeps layer normalisation finite"),
      Field("tie_output", tieOutput, "whether the output matrix is the embedding matrix"),
    ]
  }

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
    guard ffWidth >= 1, ffWidth <= 1 << 20 else {
      throw Self.error("ff_dim = \(ffWidth) (allowed: 1 to \(1 << 20))")
    }
    guard normEps >= 0, normEps.isFinite else {
      throw Self.error("norm_eps = \(normEps) (allowed: 0 or more)")
    }
    try validateOwn()
  }

  public func validateOwn() throws {}

  public func scoreScale(ofLayer layer: Int) -> Float { 1 / Float(headDim).squareRoot() }

  public var plan: [PlannedParameter] {
    var draws = Draws()
    var plan = [draws.matrix(names.embeddingWeight, [vocab, dim])]
    if let positions = names.positionWeight { plan.append(draws.matrix(positions, [maxLen, dim])) }
    for layer in 0..<layers {
      let prefix = names.layer(layer)
      func linear(_ name: String, _ output: Int, _ input: Int, bias: Bool = true)
        -> [PlannedParameter]
      {
        let shape = Self.storesInputsFirst ? [input, output] : [output, input]
        let weight = draws.matrix("\(prefix).\(name).weight", shape)
        let zeros = PlannedParameter("\(prefix).\(name).bias", [output]) { _ in
          try Tensor.zeros([output])
        }
        return [weight] + (bias ? [zeros] : [])
      }
      plan += PlannedParameter.norm("\(prefix).\(names.attentionNorm)", dim: dim)
      plan += linear(names.fused, 3 * dim, dim, bias: attentionBias)
      plan += linear(names.attentionOutput, dim, dim, bias: attentionBias)
      plan += PlannedParameter.norm("\(prefix).\(names.ffNorm)", dim: dim)
      plan += linear(names.ffInput, ffWidth, dim)
      plan += linear(names.ffOutput, dim, ffWidth)
    }
    plan += PlannedParameter.norm(names.lastNorm, dim: dim)
    if !tieOutput { plan.append(draws.matrix(names.output, [vocab, dim])) }
    return plan
  }

  public func makeModel(_ parameters: Parameters) throws -> any Model {
    try GPT(self, parameters: parameters)
  }
}

/// Matrices drawn from N(0, 0.02²), as these models begin, each from a stream of its own.
private struct Draws {
  private var stream = 0

  mutating func matrix(_ name: String, _ shape: [Int]) -> PlannedParameter {
    defer { stream += 1 }
    return PlannedParameter(name, shape) { [stream] in
      try $0.normal(shape, deviation: 0.02, stream: stream)
    }
  }
}
