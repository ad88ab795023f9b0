/// Updates of parameters by their gradients, in place.
///
/// All pointers are to `count` elements side by side, none of which overlap. Each element is computed
/// by itself, so the result does not depend on how many threads there are.
extension Kernels {
  /// How many elements of an update one thread takes at a time.
  private static let updateGrain = 1 << 15

  /// What one update of AdamW multiplies with.
  package struct AdamWStep {
    /// β₁ and 1 − β₁, β₂ and 1 − β₂.
    var first, firstRest, second, secondRest: Float
    /// 1 − lr·weight_decay.
    var shrink: Float
    /// lr/(1 − β₁ᵗ).
    var stepSize: Float
    /// √(1 − β₂ᵗ).
    var rootCorrection: Float
    /// Added to the denominator.
    var epsilon: Float

    /// The factors of one update.
    package init(
      betas: (Double, Double), shrink: Double, stepSize: Double, rootCorrection: Double,
      epsilon: Double
    ) {
      (first, firstRest) = (Float(betas.0), Float(1 - betas.0))
      (second, secondRest) = (Float(betas.1), Float(1 - betas.1))
      (self.shrink, self.stepSize) = (Float(shrink), Float(stepSize))
      (self.rootCorrection, self.epsilon) = (Float(rootCorrection), Float(epsilon))
    }
  }

  /// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p·shrink − stepSize·m/(√v/rootCorrection + ε).
  package static func adamW(
    _ count: Int, parameters p: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>,
    first m: UnsafeMutablePointer<Float>, second v: UnsafeMutablePointer<Float>, _ step: AdamWStep
  ) {
    // Ranges are written by one thread each.
    nonisolated(unsafe) let (p, g, m, v) = (p, g, m, v)
    Parallel.ranges(count, grain: updateGrain) { range in
      for i in range {
        m[i] = step.first * m[i] + step.firstRest * g[i]
        v[i] = step.second * v[i] + step.secondRest * g[i] * g[i]
        let denominator = v[i].squareRoot() / step.rootCorrection + step.epsilon
        p[i] = p[i] * step.shrink - step.stepSize * m[i] / denominator
      }
    }
  }

  /// p ← p − rate·(g + decay·p).
  package static func sgd(
    _ count: Int, parameters p: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>,
    rate: Float, decay: Float
  ) {
    nonisolated(unsafe) let (p, g) = (p, g)
    Parallel.ranges(count, grain: updateGrain) { range in
      for i in range { p[i] -= rate * (g[i] + decay * p[i]) }
    }
  }

  /// d ← g + decay·p; b ← d at the first update, else momentum·b + d; p ← p − rate·b, or under
  /// Nesterov p − rate·(d + momentum·b).
  package static func sgd(
    _ count: Int, parameters p: UnsafeMutablePointer<Float>, gradients g: UnsafePointer<Float>,
    buffer b: UnsafeMutablePointer<Float>, isFirst: Bool, rate: Float, decay: Float,
    momentum: Float, nesterov: Bool
  ) {
    nonisolated(unsafe) let (p, g, b) = (p, g, b)
    // What is 0 at the first update is not multiplied: a buffer holds nothing yet.
    Parallel.ranges(count, grain: updateGrain) { range in
      for i in range {
        let d = g[i] + decay * p[i]
        let sum = isFirst ? d : momentum * b[i] + d
        b[i] = sum
        p[i] -= rate * (nesterov ? d + momentum * sum : sum)
      }
    }
  }
}
