import Settings
import Tensors

/// The options of the factual-recall model (M3), with their defaults.
public struct FactualConfiguration: ModelConfiguration, Equatable {
  public static let kind = "factual"
  public static let summary =
    "The one-layer model of factual recall: the last token attends to all, and an answer follows "
    + "from what it reads. Embeddings are random and frozen; heads, their output matrix and the "
    + "MLP are trained. It answers at the last position alone, logits [B, answers]. With attention "
    + "= \"linear\" it is two trained matrices on one-hot embeddings, both 1e-5 at first: logits "
    + "ovᵀ Σ_t qk[z_T, z_t] · 1[z_t]."
  public static let exampleOptions = "vocab = 129, answers = 256, seed = 1"

  /// What stands for attention.
  public enum AttentionKind: String, SettingConvertible, CaseIterable, Sendable {
    /// Heads with queries, keys and values, and an MLP.
    case softmax
    /// The scores themselves weigh one-hot embeddings.
    case linear
  }

  /// N, number of tokens.
  public var vocab: Int
  /// A, number of answers.
  public var answers: Int = 0
  /// d, the width.
  public var dim: Int?
  /// H, number of heads.
  public var heads: Int?
  /// d_h, the size of a head's queries, keys and values.
  public var headDim: Int?
  /// m, the width of the MLP; 0 for attention alone.
  public var mlpWidth: Int?
  /// What stands for attention.
  public var attention: AttentionKind = .softmax
  /// Seed of the initial parameters.
  public var seed: UInt64 = 0

  /// The default options for these numbers of tokens and answers.
  public init(vocab: Int, answers: Int) { (self.vocab, self.answers) = (vocab, answers) }

  public init() { self.init(vocab: 0, answers: 0) }

  public static let fields: [Field<Self>] = [
    Field("vocab", \.vocab, default: .required, "number of tokens, N"),
    Field("answers", \.answers, default: .required, "number of answers, A"),
    Field("dim", \.dim, default: .described("32"), "width, d"),
    Field("heads", \.heads, default: .described("8"), "number of heads, H"),
    Field(
      "head_dim", \.headDim, default: .described("8"),
      "size of a head's queries, keys and values, d_h"),
    Field(
      "mlp_width", \.mlpWidth, default: .described("64"),
      "width of the MLP, m; 0: attention alone"),
    Field(
      "attention", \.attention,
      "softmax: heads and an MLP; linear: the scores themselves weigh one-hot embeddings, and none "
        + "of the four sizes above is there"),
    .seed(\.seed, "decides the initial parameters"),
  ]

  /// The sizes that are in force; nil under linear attention, which has none.
  struct Sizes {
    let dim, heads, headDim, mlpWidth: Int
    /// H·d_h.
    var width: Int { heads * headDim }
    /// The factor of the scores, 1/√d_h.
    var scale: Float { 1 / Float(headDim).squareRoot() }
  }

  var sizes: Sizes? {
    attention == .linear
      ? nil
      : Sizes(
        dim: dim ?? 32, heads: heads ?? 8, headDim: headDim ?? 8, mlpWidth: mlpWidth ?? 64)
  }

  /// Checks that the options make a model.
  /// - Throws: `EngineError` that names the option, what was given and what is allowed.
  public func validate() throws {
    for (name, value) in [("vocab", vocab), ("answers", answers)] {
      guard value >= 2, value <= 1 << 24 else {
        throw Self.error("\(name) = \(value) (allowed: 2…\(1 << 24))")
      }
    }
    let given = [
      ("dim", dim, 1), ("heads", heads, 1), ("head_dim", headDim, 1), ("mlp_width", mlpWidth, 0),
    ]
    for case (let name, let value?, let least) in given {
      guard attention == .softmax else {
        throw Self.error("\(name) goes with attention = \"softmax\" only, got \(value)")
      }
      guard value >= least, value <= 1 << 16 else {
        throw Self.error("\(name) = \(value) (allowed: \(least)…\(1 << 16))")
      }
    }
  }

  public var plan: [PlannedParameter] {
    guard let sizes else {
      // Both matrices alike: what is learned first is decided by the data, not by a draw.
      return [("qk", [vocab, vocab]), ("ov", [vocab, answers])].map { name, shape in
        PlannedParameter(name, shape) { _ in try Tensor.full(shape, 1e-5) }
      }
    }
    let (d, m, head) = (sizes.dim, sizes.mlpWidth, [sizes.heads, sizes.dim, sizes.headDim])
    func normal(
      _ name: String, _ shape: [Int], variance size: Int, stream: Int, isTrained: Bool = true
    ) -> PlannedParameter {
      PlannedParameter(name, shape, isTrained: isTrained) {
        try $0.normal(shape, deviation: 1 / Float(size).squareRoot(), stream: stream)
      }
    }
    var plan = [normal("embed", [vocab, d], variance: d, stream: 0, isTrained: false)]
    for (stream, name) in ["q", "k", "v"].enumerated() {
      plan.append(normal(name, head, variance: sizes.headDim, stream: 1 + stream))
    }
    plan.append(normal("o", [sizes.width, d], variance: d, stream: 4))
    if m > 0 {
      plan += [
        normal("mlp.w1", [d, m], variance: d, stream: 5),
        PlannedParameter("mlp.b1", [m]) { _ in try Tensor.full([m], 0) },
        normal("mlp.w2", [m, d], variance: m, stream: 6),
      ]
    }
    return plan + [normal("unembed", [answers, d], variance: d, stream: 7, isTrained: false)]
  }

  public func makeModel(_ parameters: Parameters) throws -> any Model {
    try FactualModel(self, parameters: parameters)
  }
}
