// Losses: what each place costs, and how the costs become one number. Each but cross-entropy, which
// has a kernel of its own, gives one loss for each place; `reduced` makes one number of them.

/// How the losses of single places become one number.
public enum LossReduction: String, CaseIterable, Sendable {
  /// Their mean.
  case mean
  /// Their sum.
  case sum
  /// They stay as they are.
  case none
}

extension Tensor {
  /// All elements made one number, or left as they are.
  public func reduced(_ reduction: LossReduction) throws -> Tensor {
    switch reduction {
    case .mean: try mean()
    case .sum: try sum()
    case .none: self
    }
  }

  private func checkTarget(_ target: Tensor, _ operation: String) throws {
    guard shape == target.shape else {
      throw EngineError(
        operation, "the input has shape \(shape), the target \(target.shape); they must be equal")
    }
  }

  /// (x − t)² for a target t of this shape.
  /// - Throws: `EngineError` if it has another shape.
  public func squaredErrors(_ target: Tensor) throws -> Tensor {
    try checkTarget(target, "mse_loss")
    return try sub(target).square()
  }

  /// t (log t − x) for log-probabilities x and probabilities t of this shape; 0 where t is 0.
  ///
  /// The sum over a distribution is KL(t ‖ e^x), in nats.
  /// - Throws: `EngineError` if the target has another shape.
  public func divergences(_ target: Tensor) throws -> Tensor {
    try checkTarget(target, "kl_div")
    let counts = try target.compare(Tensor(0), "ne", .notEqual)
    let logs = try Tensor.choose(counts, target, Tensor(1)).log()
    return try Tensor.choose(counts, target.mul(logs.sub(self)), Tensor(0))
  }

  /// −(t log p + (1 − t) log(1 − p)) for probabilities p and a target t of this shape.
  ///
  /// Both logarithms are at least −100, and in the gradient p (1 − p) is at least 1e-12, as in
  /// PyTorch: a certain answer that is wrong costs 100.
  /// - Throws: `EngineError` if the target has another shape or an element is no probability.
  public func binaryCrossEntropies(_ target: Tensor) throws -> Tensor {
    try checkTarget(target, "binary_cross_entropy")
    if let wrong = try withElements({ $0.first { !($0 >= 0 && $0 <= 1) } }) {
      throw EngineError(
        "binary_cross_entropy",
        "probabilities lie in 0…1, got \(wrong); logits are for binary_cross_entropy_with_logits")
    }
    let (p, t) = (detach(), target.detach())
    let ofOne = try p.log().clamp(-100, .infinity)
    let ofZero = try p.neg().log1p().clamp(-100, .infinity)
    let result = try t.mul(ofOne).add(Tensor(1).sub(t).mul(ofZero)).neg()
    return result.recorded(
      "binary_cross_entropy", from: [self, target], saving: [ofOne, ofZero]
    ) { g, saved in
      let (p, t) = (saved.inputs[0].detach(), saved.inputs[1].detach())
      let spread = try p.mul(Tensor(1).sub(p)).maximum(Tensor(1e-12))
      return [
        try g.mul(p.sub(t)).div(spread),
        saved.inputs[1].requiresGrad ? try g.mul(saved.tensors[1].sub(saved.tensors[0])) : nil,
      ]
    }
  }

  /// The same for p = 1 / (1 + e^−x) of logits x, finite however large they are.
  /// - Throws: `EngineError` if the target has another shape.
  public func binaryCrossEntropiesOfLogits(_ target: Tensor) throws -> Tensor {
    try checkTarget(target, "binary_cross_entropy_with_logits")
    let (x, t) = (detach(), target.detach())
    let result = try x.relu().sub(x.mul(t)).add(x.abs().neg().exp().log1p())
    return result.recorded("binary_cross_entropy_with_logits", from: [self, target]) { g, saved in
      let (x, t) = (saved.inputs[0].detach(), saved.inputs[1].detach())
      return [try g.mul(x.sigmoid().sub(t)), try g.mul(x).neg()]
    }
  }
}

// Losses whose targets are ids.
extension Tensor {
  private func checkTargets(
    _ targets: IntTensor, _ operation: String, _ what: String
  ) throws {
    guard rank >= 1, Array(shape.dropLast()) == targets.shape else {
      throw EngineError(
        operation,
        "\(what) of shape \(shape) need targets of shape \(Array(shape.dropLast())), "
          + "got \(targets.shape)")
    }
    try targets.check(below: shape[rank - 1], operation, "target")
  }

  /// The element of each row that its target names, of the targets' shape.
  private func chosen(_ targets: IntTensor) throws -> Tensor {
    try gather(rank - 1, targets.reshape(targets.shape + [1])).reshape(targets.shape)
  }

  /// −x_y for rows x of log-probabilities and targets y: [..., V] and ids [...] give [...].
  /// - Throws: `EngineError` if shapes do not agree or a target is out of range.
  public func negativeLogLikelihoods(_ targets: IntTensor) throws -> Tensor {
    try checkTargets(targets, "nll_loss", "log-probabilities")
    return try chosen(targets).neg()
  }

  /// The cross-entropies, in nats, of the rows that `mask` keeps.
  ///
  /// Row r costs m_r (log Σ_j e^x_rj − Σ_j q_rj x_rj), where q gives 1 − ε to the target and ε / V
  /// to each of the V answers.
  /// - Parameters:
  ///   - targets: ids y of shape [...], counted from 0, where this is [..., V].
  ///   - mask: weights m, of the same shape as `targets`; default: all 1.
  ///   - reduction: the sum over rows divided by Σ m, the sum, or one loss for each row.
  ///   - labelSmoothing: ε, from 0 to 1.
  /// - Returns: a 0-dimensional tensor, NaN for the mean if the mask keeps nothing; without
  ///   reduction [...].
  /// - Throws: `EngineError` if shapes do not agree, a target is out of range or ε is.
  public func crossEntropy(
    _ targets: IntTensor, mask: Tensor? = nil, reduction: LossReduction = .mean,
    labelSmoothing: Float = 0
  ) throws -> Tensor {
    try checkTargets(targets, "cross_entropy", "logits")
    if let mask, mask.shape != targets.shape {
      throw EngineError(
        "cross_entropy",
        "the mask has shape \(mask.shape), the targets have \(targets.shape)")
    }
    guard labelSmoothing >= 0, labelSmoothing <= 1 else {
      throw EngineError(
        "cross_entropy", "label smoothing lies in 0…1, got \(labelSmoothing)")
    }
    let weights = try mask?.detach().operand() ?? Tensor(full: targets.shape, 1)
    let divisor = reduction == .mean ? try weights.sum().item() : 1
    let loss = try crossEntropy(targets, weights: weights, reduction, divisor: divisor)
    if labelSmoothing == 0 { return loss }
    // As Σ q x = x_y − ε (x_y − mean x). A row of weight 0 counts for nothing, infinite or not.
    let excess = try chosen(targets).sub(mean(-1)).mul(weights)
    let smoothing = try Tensor.choose(weights, excess, Tensor(0)).mul(Tensor(labelSmoothing))
    return try loss.add(reduction == .none ? smoothing : smoothing.sum().div(Tensor(divisor)))
  }

  /// The same without smoothing: each row's loss, or their sum divided by `divisor`.
  private func crossEntropy(
    _ targets: IntTensor, weights: Tensor, _ reduction: LossReduction, divisor: Float
  ) throws -> Tensor {
    let n = shape[rank - 1]
    let (x, y) = (try detach().operand(), try targets.contiguous())
    let rows = y.count
    let logs = try Tensor(uninitialized: [rows])
    let losses = try Tensor(uninitialized: targets.shape)
    withExtendedLifetime((x, y, weights)) {
      Backends.current.crossEntropy(
        rows, n, x.pointer, y.pointer, weights: weights.pointer, logs: logs.pointer,
        losses: losses.pointer)
    }
    let result = reduction == .none ? losses : Tensor(try losses.sum().item() / divisor)
    return result.recorded(
      "cross_entropy", from: [self], saving: [x, weights, logs], integers: [y]
    ) { g, saved in
      let x = saved.tensors[0]
      // The gradient of each row's own loss is another weight of the row.
      let weights = reduction == .none ? try saved.tensors[1].mul(g) : saved.tensors[1]
      let scale = reduction == .none ? 1 : try g.item() / divisor
      let dx = try Tensor(uninitialized: x.shape)
      withExtendedLifetime((saved, weights)) {
        Backends.current.crossEntropySlope(
          rows, n, x.pointer, saved.integers[0].pointer, weights: weights.pointer,
          logs: saved.tensors[2].pointer, scale: scale, to: dx.pointer)
      }
      return [dx]
    }
  }
}
