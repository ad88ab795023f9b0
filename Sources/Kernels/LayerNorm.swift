// Layer normalisation: rows brought to mean 0 and variance 1, then scaled and shifted.

extension CPU {
  /// The variance is summed over centred numbers: E[x²] − E[x]² would cancel.
  public func layerNorm(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, eps: Float, to out: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(n == 0 ? 0 : rows, grain: max(1, Self.grain / max(n, 1))) { range in
      for r in range {
        let (row, to) = (x + r * n, out + r * n)
        let mean = Self.sum(row, n) / Float(n)
        for i in 0..<n { to[i] = (row[i] - mean) * (row[i] - mean) }
        let inverse = 1 / (Self.sum(to, n) / Float(n) + eps).squareRoot()
        for i in 0..<n { to[i] = (row[i] - mean) * inverse * weight[i] + bias[i] }
        statistics[2 * r] = mean
        statistics[2 * r + 1] = inverse
      }
    }
  }

  /// With h = (x − mean)·inverse and u = g ∘ weight:
  /// dx = inverse·(u − mean(u) − h·mean(u ∘ h)), dweight = Σ_rows g ∘ h, dbias = Σ_rows g.
  ///
  /// The sums over rows are made part by part, in [2, parts, n], and then added in order.
  public func layerNormSlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    statistics: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to dx: UnsafeMutablePointer<Float>, forParameters: UnsafeMutablePointer<Float>
  ) throws {
    if n == 0 { return }
    let parts = min(32, max(1, rows / 16))
    let scratch = try Scratch(2 * parts * n)
    let partial = scratch.pointer
    partial.update(repeating: 0, count: 2 * parts * n)
    let block = (rows + parts - 1) / parts
    Parallel.run(parts) { part, _ in
      let (dWeight, dBias) = (partial + part * n, partial + (parts + part) * n)
      for r in min(rows, part * block)..<min(rows, (part + 1) * block) {
        let (gradient, row, to) = (g + r * n, x + r * n, dx + r * n)
        let (mean, inverse) = (statistics[2 * r], statistics[2 * r + 1])
        // Apart from the sums along the row, which need running sums side by side to be vectors.
        for i in 0..<n {
          dWeight[i] += gradient[i] * (row[i] - mean) * inverse
          dBias[i] += gradient[i]
          to[i] = gradient[i] * weight[i]
        }
        var along = Self.sum(to, n)
        for i in 0..<n { to[i] *= (row[i] - mean) * inverse }
        var across = Self.sum(to, n)
        (along, across) = (along / Float(n), across / Float(n))
        for i in 0..<n {
          let h = (row[i] - mean) * inverse
          to[i] = inverse * (gradient[i] * weight[i] - along - h * across)
        }
      }
    }
    withExtendedLifetime(scratch) {
      Self.addParts(parts, n, partial, to: forParameters)
      Self.addParts(parts, n, partial + parts * n, to: forParameters + n)
    }
  }
}
