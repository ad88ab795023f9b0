import Settings
import Tensors

/// Adam with an L2 penalty, PyTorch's update rule (`torch.optim.Adam`; Kingma and Ba 2015).
///
/// g ← ∇ + weight_decay·p; then as ``AdamW`` without weight decay.
public final class Adam: RuleOptimizer {
  /// The options, with their defaults.
  public struct Options: MomentOptions {
    public static let kind = "adam"
    public static let summary =
      "Adam, with PyTorch's update rule: weight decay is added to the gradient."

    public var learningRate = LearningRate.constant(1e-3)
    public var betas = [0.9, 0.999]
    public var epsilon = 1e-8
    /// 0 or more.
    public var weightDecay = 0.0
    public var groups: [ParameterGroup] = []

    /// The defaults.
    public init() {}

    public static let fields: [Field<Self>] = momentFields(
      weightDecay: "adds this much of each parameter to its gradient")

    public func makeOptimizer() throws -> any Optimizer { try Adam(self) }
  }

  public let options: Options
  public let states = OptimizerStates()
  public let bufferNames = ["exp_avg", "exp_avg_sq"]

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(_ options: Options = Options()) throws {
    try options.checkMoments()
    self.options = options
  }

  public func update(
    _ tensor: Tensor, by gradient: Tensor, _ state: OptimizerState, rate: Double, decay: Double
  ) throws {
    let gradient = decay == 0 ? gradient : try gradient.add(tensor.mul(Tensor(Float(decay))))
    try tensor.updateAdamW(
      gradient: gradient, first: state.buffers[0], second: state.buffers[1],
      options.step(state.updates, rate: rate, shrink: 1))
  }
}
