import Glibc
import Settings
import Tensors

/// Adam with decoupled weight decay, PyTorch's update rule (`torch.optim.AdamW`; Loshchilov and
/// Hutter 2019).
///
/// p ← p·(1 − lr·weight_decay); m ← β₁m + (1 − β₁)∇; v ← β₂v + (1 − β₂)∇²;
/// p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps), t counting the parameter's own updates.
public final class AdamW: RuleOptimizer {
  /// The options, with their defaults.
  public struct Options: MomentOptions {
    public static let kind = "adamw"
    public static let summary =
      "Adam with decoupled weight decay, with PyTorch's update rule."

    public var learningRate = LearningRate.constant(1e-3)
    public var betas = [0.9, 0.999]
    public var epsilon = 1e-8
    /// 0 or more.
    public var weightDecay = 0.01
    public var groups: [ParameterGroup] = []

    /// The defaults.
    public init() {}

    public static let fields: [Field<Self>] = momentFields(
      weightDecay: "shrinks parameters by lr times this much")

    public func makeOptimizer() throws -> any Optimizer { try AdamW(self) }
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
    try tensor.updateAdamW(
      gradient: gradient, first: state.buffers[0], second: state.buffers[1],
      options.step(state.updates, rate: rate, shrink: 1 - rate * decay))
  }
}

/// The options of a rule with two moments.
public protocol MomentOptions: OptimizerConfiguration {
  /// How much of the moments each update keeps: β₁ and β₂, each in 0..<1.
  var betas: [Double] { get set }
  /// Added to the root of the second moment; 0 or more.
  var epsilon: Double { get set }
}

extension MomentOptions {
  /// The fields; `weightDecay` says what the rule makes of it.
  static func momentFields(weightDecay: String) -> [Field<Self>] {
    [
      .learningRate(),
      Field("betas", \.betas, "decay of the two moments"),
      Field("eps", \.epsilon, "added to the root of the second moment"),
      Field("weight_decay", \.weightDecay, weightDecay),
      .groups,
    ]
  }

  /// - Throws: `EngineError` that names the option outside its range.
  func checkMoments() throws {
    try checkCommon()
    try check(betas: betas)
    try check("eps", epsilon, allowed: "0 or more", epsilon >= 0)
  }

  /// The factors of a parameter's update number `t`, counted from 1.
  func step(_ t: Int, rate: Double, shrink: Double) -> AdamWStep {
    AdamWStep(
      betas: (betas[0], betas[1]), shrink: shrink,
      stepSize: rate / (1 - pow(betas[0], Double(t))),
      rootCorrection: (1 - pow(betas[1], Double(t))).squareRoot(), epsilon: epsilon)
  }
}
