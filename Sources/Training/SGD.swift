import Settings
import Tensors

/// Stochastic gradient descent with momentum, PyTorch's update rule (`torch.optim.SGD`).
///
/// g ← ∇ + weight_decay·p; buffer ← g at a parameter's first update, then momentum·buffer + g;
/// p ← p − lr·(nesterov ? g + momentum·buffer : buffer). Without momentum p ← p − lr·g.
public final class SGD: RuleOptimizer {
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
    public var groups: [ParameterGroup] = []

    /// The defaults; a learning rate must be given.
    public init() {}

    public static let fields: [Field<Self>] = [
      .learningRate(default: .required),
      Field("momentum", \.momentum, "from 0 to below 1"),
      Field(
        "weight_decay", \.weightDecay, "adds this much of each parameter to its gradient"),
      Field("nesterov", \.nesterov, "Nesterov's momentum"),
      .groups,
    ]

    public func makeOptimizer() throws -> any Optimizer { try SGD(self) }
  }

  public let options: Options
  public let states = OptimizerStates()
  public var bufferNames: [String] { options.momentum > 0 ? ["momentum_buffer"] : [] }

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(_ options: Options) throws {
    try options.checkCommon()
    try options.checkShare("momentum", options.momentum, symbol: "momentum")
    guard !options.nesterov || options.momentum > 0 else {
      throw EngineError("optim.sgd", "nesterov needs a momentum above 0")
    }
    self.options = options
  }

  public func update(
    _ tensor: Tensor, by gradient: Tensor, _ state: OptimizerState, rate: Double, decay: Double
  ) throws {
    try tensor.updateSGD(
      gradient: gradient, buffer: state.buffers.first,
      SGDStep(
        rate: Float(rate), decay: Float(decay), momentum: Float(options.momentum),
        nesterov: options.nesterov, isFirst: state.updates == 1))
  }
}
