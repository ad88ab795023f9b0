import Settings
import Tensors

/// Stochastic gradient descent with momentum, PyTorch's update rule (`torch.optim.SGD`).
///
/// g ← ∇ + weight_decay·p; buffer ← g at a parameter's first update, then momentum·buffer + g;
/// p ← p − lr·(nesterov ? g + momentum·buffer : buffer). Without momentum p ← p − lr·g.
public final class SGD: Optimizer {
  /// The options, with their defaults.
  public struct Options: OptimizerConfiguration {
    public static let kind = "sgd"
    public static let summary = "Stochastic gradient descent, with PyTorch's update rule."

    public var learningRate = LearningRate.constant(0)
    /// In 0..<1.
    public var momentum = 0.0
    /// 0 or more.
    public var weightDecay = 0.0
    /// Looks one step ahead; needs momentum.
    public var nesterov = false

    /// The defaults; a learning rate must be given.
    public init() {}

    public static let fields: [Field<Self>] = [
      Field(
        "lr", \.learningRate, default: .required,
        "learning rate: a number, or a function of the step, counted from 0"),
      Field("momentum", \.momentum, "from 0 to below 1"),
      Field(
        "weight_decay", \.weightDecay, "adds this much of each parameter to its gradient"),
      Field("nesterov", \.nesterov, "Nesterov's momentum"),
    ]

    public func makeOptimizer() throws -> any Optimizer { try SGD(self) }
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
  public init(_ options: Options) throws {
    try options.checkLearningRate()
    try options.check(
      "momentum", options.momentum, allowed: "0 ≤ momentum < 1",
      options.momentum >= 0 && options.momentum < 1)
    try options.check(
      "weight_decay", options.weightDecay, allowed: "0 or more", options.weightDecay >= 0)
    guard !options.nesterov || options.momentum > 0 else {
      throw EngineError("optim.sgd", "nesterov needs a momentum above 0")
    }
    self.options = options
  }

  public func update(_ parameters: [(name: String, tensor: Tensor)], rate: Double) throws {
    let rate = Float(rate)
    let (momentum, decay) = (Float(options.momentum), Float(options.weightDecay))
    for parameter in parameters {
      guard let grad = try gradient(of: parameter) else { continue }
      let tensor = parameter.tensor
      guard momentum > 0 else {
        try tensor.updateSGD(gradient: grad, SGDStep(rate: rate, decay: decay))
        continue
      }
      let known = states[tensor]
      let state = try known ?? OptimizerState(buffers: [Tensor(full: tensor.shape, 0)])
      try tensor.updateSGD(
        gradient: grad, buffer: state.buffers[0],
        SGDStep(
          rate: rate, decay: decay, momentum: momentum, nesterov: options.nesterov,
          isFirst: known == nil))
      states[tensor] = state
    }
  }
}
