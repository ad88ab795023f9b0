// Layer normalisation: rows brought to mean 0 and variance 1, then scaled and shifted.

extension CPU {
  /// The variance is summed over centred numbers: E[x²] − E[x]² would cancel.
  public func layerNorm(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, eps: Float, to out: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(n == 0 ? 0 : rows, grain: max(1, Self.grain / max(n, 1))) { range in
      kernels.layer_norm(
        range.count, n, x + range.lowerBound * n, weight, bias, eps, out + range.lowerBound * n,
        statistics + 2 * range.lowerBound)
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
      let first = min(rows, part * block)
      kernels.layer_norm_slope(
        min(rows, first + block) - first, n, x + first * n, weight, statistics + 2 * first,
        g + first * n, dx + first * n, partial + part * n, partial + (parts + part) * n)
    }
    withExtendedLifetime(scratch) {
      Self.addParts(parts, n, partial, to: forParameters)
      Self.addParts(parts, n, partial + parts * n, to: forParameters + n)
    }
  }
}
