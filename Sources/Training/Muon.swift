import Settings
import Tensors

/// Momentum made orthogonal, for matrices, PyTorch's update rule (`torch.optim.Muon`; Jordan 2024).
///
/// m ← momentum·m + (1 − momentum)·∇; u ← nesterov ? (1 − momentum)·∇ + momentum·m : m;
/// p ← p·(1 − lr·weight_decay) − lr·√max(1, rows/columns) · O(u), where O brings all singular
/// values near 1 (``orthogonalized(_:)``). PyTorch computes O in BFloat16, this in Float32.
public final class Muon: RuleOptimizer {
  /// The options, with their defaults.
  public struct Options: OptimizerConfiguration {
    public static let kind = "muon"
    public static let summary =
      "Momentum whose singular values are brought near 1, for matrices only, with PyTorch's update "
      + "rule; other parameters are for another optimizer."

    public var learningRate = LearningRate.constant(1e-3)
    /// In 0..<1.
    public var momentum = 0.95
    /// 0 or more.
    public var weightDecay = 0.1
    /// Looks one step ahead.
    public var nesterov = true
    public var groups: [ParameterGroup] = []

    /// The defaults.
    public init() {}

    public static let fields: [Field<Self>] = [
      .learningRate(),
      Field("momentum", \.momentum, "from 0 to below 1"),
      Field("weight_decay", \.weightDecay, "shrinks parameters by lr times this much"),
      Field("nesterov", \.nesterov, "Nesterov's momentum"),
      .groups,
    ]

    public func makeOptimizer() throws -> any Optimizer { try Muon(self) }
  }

  public let options: Options
  public let states = OptimizerStates()
  public let bufferNames = ["momentum_buffer"]

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  public init(_ options: Options = Options()) throws {
    try options.checkCommon()
    try options.checkShare("momentum", options.momentum, symbol: "momentum")
    self.options = options
  }

  public func check(_ name: String, _ tensor: Tensor) throws {
    guard tensor.rank == 2 else {
      throw EngineError(
        "optim.muon",
        "'\(name)' has shape \(tensor.shape), and only matrices are updated; give other "
          + "parameters to another optimizer, or freeze them")
    }
  }

  public func update(
    _ tensor: Tensor, by gradient: Tensor, _ state: OptimizerState, rate: Double, decay: Double
  ) throws {
    let (buffer, momentum) = (state.buffers[0], options.momentum)
    try buffer.average(with: gradient, keeping: momentum)
    var direction = buffer
    if options.nesterov {
      direction = try buffer.mul(Tensor(Float(momentum)))
      try direction.addInPlace(gradient, scale: Float(1 - momentum))
    }
    let (rows, columns) = (Double(tensor.shape[0]), Double(tensor.shape[1]))
    let share = max(1, rows / max(columns, 1)).squareRoot()
    let step = try Self.orthogonalized(direction)
    if decay != 0 { try tensor.mulInPlace(Tensor(Float(1 - rate * decay))) }
    try tensor.updateSGD(gradient: step, SGDStep(rate: Float(rate * share), decay: 0))
  }

  /// A matrix with the same singular vectors, and singular values between about 0.7 and 1.2.
  ///
  /// Five steps of X ← aX + (bA + cA²)X, A = XXᵀ, from X = G/‖G‖ (Newton and Schulz's iteration
  /// with Jordan's coefficients, which grow small singular values fastest). Costs about 15 products
  /// of a matrix's smaller side squared with its larger.
  static func orthogonalized(_ matrix: Tensor) throws -> Tensor {
    let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
    let isTall = matrix.shape[0] > matrix.shape[1]
    var x = isTall ? try matrix.t().contiguous() : matrix
    x = try x.div(Tensor(max(x.norm().item(), 1e-7)))
    for _ in 0..<5 {
      let gram = try x.matmul(x.t())
      let factor = try gram.mul(Tensor(b))
      try factor.addInPlace(gram.matmul(gram), scale: c)
      let next = try factor.matmul(x)
      try next.addInPlace(x, scale: a)
      x = next
    }
    return isTall ? try x.t().contiguous() : x
  }
}
