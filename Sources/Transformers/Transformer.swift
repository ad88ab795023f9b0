import Settings
import Tensors

/// The transformer (M2 in docs/engine.md; [TF], as trained in [BT §3]): L layers of attention with
/// H heads and a feed-forward, residual connections around both, layer normalisation before, after
/// or nowhere.
///
/// x_t = E[z_t] + P[t]. Head h of a layer attends with scores q_tᵀ k_u / √(d/H) over u ≤ t, where
/// q = W_Q x, k = W_K x and v = W_V x are cut into H slices; the slices' weighted sums of values,
/// side by side, times W_O, are added to x_t. Logits are W_U x_t. No projection has a bias.
/// Everything is trained unless an option freezes it.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *H* heads, *V* vocab.
public final class Transformer: FunctionalModel {
  /// The options it was made with.
  public let configuration: TransformerConfiguration
  public let parameters: Parameters
  public let truncation = Truncation()
  public var vocabSize: Int { configuration.vocab }
  public var maxLength: Int { configuration.maxLen }
  public var layerCount: Int { configuration.layers }
  public var kind: String { configuration.kind }
  public var settings: [(name: String, value: SettingValue)] { configuration.settings }
  public var declarations: [Setting] { configuration.declarations }

  /// A model with fresh parameters drawn from the configuration's seed.
  ///
  /// Embeddings are N(0, 1); every W is uniform in ±1/√(its input size); norms begin with weight 1
  /// and bias 0. Only what is read is a parameter: a layer without a feed-forward has no `ff_norm`.
  /// - Throws: `EngineError` if the options do not make a model.
  public convenience init(_ configuration: TransformerConfiguration) throws {
    try configuration.validate()
    try self.init(
      configuration, parameters: Parameters(drawing: configuration.plan, seed: configuration.seed))
  }

  /// A model with these parameters, which become its own.
  /// - Throws: `EngineError` if the options do not make a model, or one of other parameters.
  public init(_ configuration: TransformerConfiguration, parameters: Parameters) throws {
    try configuration.validate()
    try parameters.check(fits: configuration.plan, "model.\(configuration.kind)")
    (self.configuration, self.parameters) = (configuration, parameters)
  }

  public func copy() throws -> any Model {
    try Transformer(configuration, parameters: parameters.copies())
  }

  public func weights(_ tokens: IntTensor) -> Parameters { parameters }

  public func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs {
    try TransformerForward(configuration, weights).outputs(tokens, rows: rows)
  }

  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    try TransformerForward(configuration, parameters, trace).observedLogits(tokens, trace)
  }
}
