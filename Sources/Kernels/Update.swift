import VectorKernels

// Updates of parameters by their gradients, in place. Each element is computed by itself, so the
// result does not depend on how many threads there are.

/// What one update of AdamW multiplies with.
public struct AdamWStep: Sendable {
  /// β₁ and 1 − β₁, β₂ and 1 − β₂.
  public let first, firstRest, second, secondRest: Float
  /// 1 − lr·weight_decay.
  public let shrink: Float
  /// lr/(1 − β₁ᵗ).
  public let stepSize: Float
  /// √(1 − β₂ᵗ).
  public let rootCorrection: Float
  /// Added to the denominator.
  public let epsilon: Float

  /// The factors of one update.
  public init(
    betas: (Double, Double), shrink: Double, stepSize: Double, rootCorrection: Double,
    epsilon: Double
  ) {
    (first, firstRest) = (Float(betas.0), Float(1 - betas.0))
    (second, secondRest) = (Float(betas.1), Float(1 - betas.1))
    (self.shrink, self.stepSize) = (Float(shrink), Float(stepSize))
    (self.rootCorrection, self.epsilon) = (Float(rootCorrection), Float(epsilon))
  }
}

/// What one update of gradient descent multiplies with.
public struct SGDStep: Sendable {
  /// lr.
  public let rate: Float
  /// Weight decay.
  public let decay: Float
  /// Momentum, with a buffer.
  public let momentum: Float
  /// Whether the step looks ahead by one momentum.
  public let nesterov: Bool
  /// Whether the buffer holds nothing yet.
  public let isFirst: Bool

  /// The factors of one update.
  public init(
    rate: Float, decay: Float, momentum: Float = 0, nesterov: Bool = false, isFirst: Bool = true
  ) {
    (self.rate, self.decay, self.momentum) = (rate, decay, momentum)
    (self.nesterov, self.isFirst) = (nesterov, isFirst)
  }
}

extension CPU {
  public func adamW(
    _ count: Int, _ step: AdamWStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, first m: UnsafeMutablePointer<Float>,
    second v: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(count, grain: Self.grain) { range in
      var factors = adamw_step(
        first: step.first, first_rest: step.firstRest, second: step.second,
        second_rest: step.secondRest, shrink: step.shrink, step_size: step.stepSize,
        root_correction: step.rootCorrection, epsilon: step.epsilon)
      let first = range.lowerBound
      kernels.adamw(range.count, &factors, p + first, g + first, m + first, v + first)
    }
  }

  public func sgd(
    _ count: Int, _ step: SGDStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, buffer: UnsafeMutablePointer<Float>?
  ) {
    let (rate, decay, momentum) = (step.rate, step.decay, step.momentum)
    Parallel.ranges(count, grain: Self.grain) { range in
      guard let b = buffer else {
        for i in range { p[i] -= rate * (g[i] + decay * p[i]) }
        return
      }
      // What is 0 at the first update is not multiplied: a buffer holds nothing yet.
      for i in range {
        let d = g[i] + decay * p[i]
        let sum = step.isFirst ? d : momentum * b[i] + d
        b[i] = sum
        p[i] -= rate * (step.nesterov ? d + momentum * sum : sum)
      }
    }
  }
}
