import Tensors

/// Stochastic gradient descent with momentum, PyTorch's update rule (`torch.optim.SGD`).
///
/// g ← ∇ + weight_decay·p; buffer ← g at a parameter's first update, then momentum·buffer + g;
/// p ← p − lr·(nesterov ? g + momentum·buffer : buffer). Without momentum p ← p − lr·g.
public final class SGD: Optimizer {
  private let learningRate: LearningRate
  private let momentum: Float
  private let weightDecay: Float
  private let nesterov: Bool
  public var states = OptimizerStates()

  /// An optimizer without state yet.
  /// - Parameters:
  ///   - learningRate: 0 or more.
  ///   - momentum: in 0..<1; default 0.
  ///   - weightDecay: 0 or more; default 0.
  ///   - nesterov: looks one step ahead; needs momentum.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(
    learningRate: LearningRate, momentum: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false
  ) throws {
    if case .constant(let rate) = learningRate {
      try checkOption("optim.sgd", "lr", rate, allowed: "0 or more", rate >= 0)
    }
    try checkOption(
      "optim.sgd", "momentum", momentum, allowed: "0 ≤ momentum < 1", momentum >= 0 && momentum < 1)
    try checkOption(
      "optim.sgd", "weight_decay", weightDecay, allowed: "0 or more", weightDecay >= 0)
    guard !nesterov || momentum > 0 else {
      throw EngineError("optim.sgd", "nesterov needs a momentum above 0")
    }
    self.learningRate = learningRate
    self.momentum = Float(momentum)
    self.weightDecay = Float(weightDecay)
    self.nesterov = nesterov
  }

  public func update(_ parameters: [(name: String, tensor: Tensor)], step: Int) throws {
    let rate = Float(try learningRate.value(at: step))
    for parameter in parameters {
      guard let grad = try gradient(of: parameter) else { continue }
      let tensor = parameter.tensor
      guard momentum > 0 else {
        try tensor.updateSGD(gradient: grad, SGDStep(rate: rate, decay: weightDecay))
        continue
      }
      let known = states[tensor]
      let state = try known ?? OptimizerState(buffers: [Tensor(full: tensor.shape, 0)])
      try tensor.updateSGD(
        gradient: grad, buffer: state.buffers[0],
        SGDStep(
          rate: rate, decay: weightDecay, momentum: momentum, nesterov: nesterov,
          isFirst: known == nil))
      states[tensor] = state
    }
  }
}
