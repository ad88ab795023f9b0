import Settings
import Tensors

/// Descent by the signs of the gradients, with momentum Signum (Bernstein and others 2018).
///
/// m ← momentum·m + (1 − momentum)·∇; p ← p·(1 − lr·weight_decay) − lr·sign(m), where sign is 0 at
/// 0 and at NaN. Every step moves each number by the learning rate.
public final class SignSGD: RuleOptimizer {
  /// The options, with their defaults.
  public struct Options: OptimizerConfiguration {
    public static let kind = "sign_sgd"
    public static let summary =
      "Descent by the signs of the gradients: each number moves by lr, wherever its gradient points."

    public var learningRate = LearningRate.constant(1e-3)
    /// In 0..<1.
    public var momentum = 0.0
    /// 0 or more.
    public var weightDecay = 0.0
    public var groups: [ParameterGroup] = []

    /// The defaults.
    public init() {}

    public static let fields: [Field<Self>] = [
      .learningRate(),
      Field(
        "momentum", \.momentum, "from 0 to below 1: the sign is that of the gradients' moving mean"),
      Field("weight_decay", \.weightDecay, "shrinks parameters by lr times this much"),
      .groups,
    ]

    public func makeOptimizer() throws -> any Optimizer { try SignSGD(self) }
  }

  public let options: Options
  public let states = OptimizerStates()
  public var bufferNames: [String] { options.momentum > 0 ? ["momentum_buffer"] : [] }

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(_ options: Options = Options()) throws {
    try options.checkCommon()
    try options.checkShare("momentum", options.momentum, symbol: "momentum")
    self.options = options
  }

  public func update(
    _ tensor: Tensor, by gradient: Tensor, _ state: OptimizerState, rate: Double, decay: Double
  ) throws {
    try state.buffers.first?.average(with: gradient, keeping: options.momentum)
    let direction = state.buffers.first ?? gradient
    let zero = Tensor(0)
    let sign = try direction.compare(zero, "sign", .greater)
      .sub(direction.compare(zero, "sign", .less))
    try tensor.updateSGD(gradient: sign, SGDStep(rate: Float(rate), decay: Float(decay)))
  }
}

extension Tensor {
  /// Moves a buffer towards a gradient: keep·buffer + (1 − keep)·gradient.
  func average(with gradient: Tensor, keeping keep: Double) throws {
    try mulInPlace(Tensor(Float(keep)))
    try addInPlace(gradient, scale: Float(1 - keep))
  }
}
