import Settings
import Tensors

/// The factual-recall model of [FR], M3 in docs/engine.md: one layer, read at the last position.
///
/// The last token z_T asks: head h weighs all tokens by softmax_t(x_Tᵀ Q_h (x_tᵀ K_h)ᵀ / √d_h),
/// x = E[z], and sums their values x_t V_h; the heads' sums side by side, times O, are o. Logits
/// over A answers are U (o + W2ᵀ relu(W1ᵀ o + b1)), or U o without an MLP. There is no residual
/// connection and no position, so only which tokens there are counts, and which is the last.
///
/// With linear attention embeddings are one-hot and the logits OVᵀ Σ_t QK[z_T, z_t] · 1[z_t].
///
/// How it is computed, fast, is in FactualModel+Forward.swift; the same as plain formulas in
/// FactualModel+Trace.swift.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *V* vocab, *D* dim, *H* heads, *F* head_dim.
public final class FactualModel: FunctionalModel {
  /// The options it was made with.
  public let configuration: FactualConfiguration
  public let parameters: Parameters
  public let truncation = Truncation()
  public var vocabSize: Int { configuration.vocab }
  public var outputSize: Int { configuration.answers }
  public let readout = Readout.lastPosition
  /// Nothing depends on the length.
  public let maxLength = Int(Int32.max)
  public let layerCount = 1
  public var kind: String { configuration.kind }
  public var settings: [(name: String, value: SettingValue)] { configuration.settings }
  public var declarations: [Setting] { configuration.declarations }

  /// A model with fresh parameters drawn from the configuration's seed.
  ///
  /// Q, K, V are N(0, 1/d_h); E, O, U and W1 N(0, 1/d); W2 N(0, 1/m); b1 is 0. Under linear
  /// attention every entry is 1e-5.
  /// - Throws: `EngineError` if the options do not make a model.
  public convenience init(_ configuration: FactualConfiguration) throws {
    try configuration.validate()
    try self.init(
      configuration, parameters: Parameters(drawing: configuration.plan, seed: configuration.seed))
  }

  /// A model with these parameters, which become its own.
  /// - Throws: `EngineError` if the options do not make a model, or one of other parameters.
  public init(_ configuration: FactualConfiguration, parameters: Parameters) throws {
    try configuration.validate()
    try parameters.check(fits: configuration.plan, "model.\(configuration.kind)")
    (self.configuration, self.parameters) = (configuration, parameters)
  }

  public func copy() throws -> any Model {
    try FactualModel(configuration, parameters: parameters.copies())
  }

  /// A matrix of all heads, [D, H·F], from that of each, [H, D, F].
  static func sideBySide(_ heads: Tensor) throws -> Tensor {
    try heads.permute([1, 0, 2]).reshape([heads.shape[1], heads.shape[0] * heads.shape[2]])
  }

  /// W2ᵀ relu(W1ᵀ o + b1), or nil without an MLP; `seen` is shown what goes into the ReLU.
  func mlp(
    _ o: Tensor, _ weights: Parameters, seen: (Tensor) throws -> Tensor = { $0 }
  ) throws -> Tensor? {
    guard let w1 = weights["mlp.w1"] else { return nil }
    let hidden = try seen(o.matmul(w1).add(weights.get("mlp.b1")))
    return try hidden.relu().matmul(weights.get("mlp.w2"))
  }
}
