import Settings
import Tensors

/// The simplified two-layer transformer of [BT §4.2], M1 in docs/engine.md: the smallest model in
/// which an induction head is born.
///
/// x_t = E[z_t] + P[t]. In layer ℓ position t attends with scores x_tᵀ W_K x_u / √d over u ≤ t (the
/// query matrix is the identity) and adds W_O W_V Σ_u β_tu x_u to x_t; then an optional
/// feed-forward. Logits are W_U x_t. Trained are W_K of both layers, W_O of layer 1 and the
/// feed-forwards; everything else stays as it was drawn.
///
/// How it is computed, fast, is in SimplifiedTransformer+Forward.swift; the same as plain formulas
/// in SimplifiedTransformer+Trace.swift.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *V* vocab.
public final class SimplifiedTransformer: FunctionalModel {
  /// The options it was made with.
  public let configuration: SimplifiedConfiguration
  public let parameters: Parameters
  public let truncation = Truncation()
  public var vocabSize: Int { configuration.vocab }
  public var maxLength: Int { configuration.maxLen }
  public let layerCount = 2
  public var kind: String { configuration.kind }
  public var settings: [(name: String, value: SettingValue)] { configuration.settings }
  public var declarations: [Setting] { configuration.declarations }

  /// A model with fresh parameters drawn from the configuration's seed.
  ///
  /// E and P are N(0, 1), or N(0, 1/d) under `scaled`; every W is uniform in ±1/√(its input size).
  /// - Throws: `EngineError` if the options do not make a model.
  public convenience init(_ configuration: SimplifiedConfiguration) throws {
    try configuration.validate()
    try self.init(
      configuration, parameters: Parameters(drawing: configuration.plan, seed: configuration.seed))
  }

  /// A model with these parameters, which become its own.
  /// - Throws: `EngineError` if the options do not make a model, or one of other parameters.
  public init(_ configuration: SimplifiedConfiguration, parameters: Parameters) throws {
    try configuration.validate()
    try parameters.check(fits: configuration.plan, "model.\(configuration.kind)")
    (self.configuration, self.parameters) = (configuration, parameters)
  }

  public func copy() throws -> any Model {
    try SimplifiedTransformer(configuration, parameters: parameters.copies())
  }

  /// E[z], [B, T, D], and P, [T, D]; no P under rope.
  struct Embeddings {
    let tokens: Tensor
    let positions: Tensor?

    /// E[z] + P, [B, T, D].
    func sum() throws -> Tensor { try positions.map { try tokens.add($0) } ?? tokens }
  }

  /// The factor of the scores.
  var scale: Float {
    configuration.scoreScale == .none ? 1 : 1 / Float(configuration.dim).squareRoot()
  }

  /// Looks the embeddings up.
  func embeddings(_ tokens: IntTensor, _ weights: Parameters) throws -> Embeddings {
    let read = try weights.get("tok_embeddings.weight").rows(tokens)
    return Embeddings(
      tokens: read, positions: try weights["pe"]?.narrow(0, 0, tokens.shape[1]))
  }

  /// F(x), or nil without a feed-forward.
  func feedForwardOutput(
    _ x: Tensor, layer: Int, _ weights: Parameters, _ trace: Trace? = nil
  ) throws -> Tensor? {
    try configuration.ffn[layer].output(x, weights, prefix: "layers.\(layer)", trace)
  }
}
