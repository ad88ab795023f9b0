import Glibc
import Tensors

/// Adam with decoupled weight decay, PyTorch's update rule (`torch.optim.AdamW`; Loshchilov and
/// Hutter 2019).
///
/// p ← p·(1 − lr·weight_decay); m ← β₁m + (1 − β₁)∇; v ← β₂v + (1 − β₂)∇²;
/// p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps), t counting the parameter's own updates.
public final class AdamW: Optimizer {
  private let learningRate: LearningRate
  private let betas: (Double, Double)
  private let epsilon: Double
  private let weightDecay: Double
  public var states = OptimizerStates()

  /// An optimizer without state yet.
  /// - Parameters:
  ///   - learningRate: 0 or more; default 1e-3.
  ///   - betas: each in 0..<1; default (0.9, 0.999).
  ///   - epsilon: 0 or more; default 1e-8.
  ///   - weightDecay: 0 or more; default 0.01.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(
    learningRate: LearningRate = .constant(1e-3), betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0.01
  ) throws {
    if case .constant(let rate) = learningRate {
      try checkOption("optim.adamw", "lr", rate, allowed: "0 or more", rate >= 0)
    }
    for beta in [betas.0, betas.1] {
      try checkOption(
        "optim.adamw", "betas", beta, allowed: "0 ≤ beta < 1", beta >= 0 && beta < 1)
    }
    try checkOption("optim.adamw", "eps", epsilon, allowed: "0 or more", epsilon >= 0)
    try checkOption(
      "optim.adamw", "weight_decay", weightDecay, allowed: "0 or more", weightDecay >= 0)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  public func update(_ parameters: [(name: String, tensor: Tensor)], step: Int) throws {
    let rate = try learningRate.value(at: step)
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
          betas: betas, shrink: 1 - rate * weightDecay,
          stepSize: rate / (1 - pow(betas.0, Double(t))),
          rootCorrection: (1 - pow(betas.1, Double(t))).squareRoot(), epsilon: epsilon))
      states[tensor] = state
    }
  }
}
