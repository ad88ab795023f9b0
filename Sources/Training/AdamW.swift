import Glibc
import Settings
import Tensors

/// Adam with decoupled weight decay, PyTorch's update rule (`torch.optim.AdamW`; Loshchilov and
/// Hutter 2019).
///
/// p ← p·(1 − lr·weight_decay); m ← β₁m + (1 − β₁)∇; v ← β₂v + (1 − β₂)∇²;
/// p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps), t counting the parameter's own updates.
public final class AdamW: Optimizer {
  /// The options, with their defaults.
  public struct Options: OptimizerConfiguration {
    public static let kind = "adamw"
    public static let summary =
      "Adam with decoupled weight decay, with PyTorch's update rule."

    public var learningRate = LearningRate.constant(1e-3)
    /// Each in 0..<1.
    public var betas = [0.9, 0.999]
    /// 0 or more.
    public var epsilon = 1e-8
    /// 0 or more.
    public var weightDecay = 0.01

    /// The defaults.
    public init() {}

    public static let fields: [Field<Self>] = [
      Field(
        "lr", \.learningRate, "learning rate: a number, or a function of the step, counted from 0"),
      Field("betas", \.betas, "decay of the two moments"),
      Field("eps", \.epsilon, "added to the root of the second moment"),
      Field("weight_decay", \.weightDecay, "shrinks parameters by lr times this much"),
    ]

    public func makeOptimizer() throws -> any Optimizer { try AdamW(self) }
  }

  /// The options it was made with.
  public let options: Options
  public let states = OptimizerStates()
  public var learningRate: LearningRate { options.learningRate }
  public var kind: String { options.kind }
  public var settings: [(name: String, value: SettingValue)] { options.settings }
  public var declarations: [Setting] { options.declarations }

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(_ options: Options = Options()) throws {
    try options.checkLearningRate()
    guard options.betas.count == 2 else {
      throw EngineError("optim.adamw", "betas are 2 numbers, got \(options.betas.count)")
    }
    for beta in options.betas {
      try options.check("betas", beta, allowed: "0 ≤ beta < 1", beta >= 0 && beta < 1)
    }
    try options.check("eps", options.epsilon, allowed: "0 or more", options.epsilon >= 0)
    try options.check(
      "weight_decay", options.weightDecay, allowed: "0 or more", options.weightDecay >= 0)
    self.options = options
  }

  public func update(_ parameters: [(name: String, tensor: Tensor)], rate: Double) throws {
    let betas = (options.betas[0], options.betas[1])
    for parameter in parameters {
      guard let grad = try gradient(of: parameter) else { continue }
      let tensor = parameter.tensor
      var state =
        try states[tensor]
        ?? OptimizerState(buffers: (0..<2).map { _ in try Tensor(full: tensor.shape, 0) })
      state.updates += 1
      let t = state.updates
      try tensor.updateAdamW(
        gradient: grad, first: state.buffers[0], second: state.buffers[1],
        AdamWStep(
          betas: betas, shrink: 1 - rate * options.weightDecay,
          stepSize: rate / (1 - pow(betas.0, Double(t))),
          rootCorrection: (1 - pow(betas.1, Double(t))).squareRoot(), epsilon: options.epsilon))
      states[tensor] = state
    }
  }
}
