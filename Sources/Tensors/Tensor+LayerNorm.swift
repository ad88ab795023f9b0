extension Tensor {
  /// Layer normalisation over the last dimension.
  ///
  /// y = (x − mean(x)) / √(var(x) + eps) · weight + bias, mean and variance (divided by n) of each
  /// row (Ba, Kiros, Hinton 2016).
  /// - Parameters:
  ///   - weight: [n] for rows of n; default: all 1.
  ///   - bias: [n]; default: all 0.
  ///   - eps: keeps constant rows finite.
  /// - Returns: a tensor of this shape.
  /// - Throws: `EngineError` if this has no dimensions, `eps` is negative or shapes do not agree.
  public func layerNorm(
    weight: Tensor? = nil, bias: Tensor? = nil, eps: Float = 1e-5
  ) throws -> Tensor {
    guard let n = shape.last else {
      throw EngineError("layer_norm", "a 0-dimensional tensor has no rows to normalise")
    }
    for (name, parameter) in [("weight", weight), ("bias", bias)] {
      guard let parameter, parameter.shape != [n] else { continue }
      throw EngineError(
        "layer_norm", "rows of \(n) elements need a \(name) of shape [\(n)], got \(parameter.shape)"
      )
    }
    guard eps >= 0 else { throw EngineError("layer_norm", "eps must not be negative, got \(eps)") }
    let rows = shape.dropLast().reduce(1, *)
    let x = try detach().contiguous()
    let scale = try (weight?.detach() ?? Tensor(full: [n], 1)).contiguous()
    let shift = try (bias?.detach() ?? Tensor(full: [n], 0)).contiguous()
    let result = try Tensor(uninitialized: shape)
    let statistics = try Tensor(uninitialized: [rows, 2])
    Kernels.layerNorm(
      x.pointer, rows, n, scale.pointer, shift.pointer, eps, to: result.pointer,
      statistics.pointer)
    let inputs = [self] + [weight, bias].compactMap { $0 }
    return withExtendedLifetime((x, scale, shift, statistics)) {
      result.recorded("layer_norm", from: inputs) { g in
        let g = try g.contiguous()
        let dx = try Tensor(uninitialized: self.shape)
        let parts = Swift.min(32, Swift.max(1, rows / 16))
        let partial = try Tensor(full: [2, parts, n], 0)
        withExtendedLifetime((x, scale, statistics, g, partial)) {
          Kernels.layerNormGradient(
            g.pointer, x.pointer, rows, n, scale.pointer, statistics.pointer, parts: parts,
            to: dx.pointer, partial.pointer)
        }
        let forParameters = try partial.sum(1)
        return [dx] + (weight == nil ? [] : [try forParameters.select(0, 0)])
          + (bias == nil ? [] : [try forParameters.select(0, 1)])
      }
    }
  }
}

extension Kernels {
  /// Normalises `rows` rows of `n` numbers; `statistics` receives mean and 1/√(var + eps) of each.
  ///
  /// The variance is summed over centred numbers: E[x²] − E[x]² would cancel.
  fileprivate static func layerNorm(
    _ x: UnsafeMutablePointer<Float>, _ rows: Int, _ n: Int, _ scale: UnsafeMutablePointer<Float>,
    _ shift: UnsafeMutablePointer<Float>, _ eps: Float, to out: UnsafeMutablePointer<Float>,
    _ statistics: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(n == 0 ? 0 : rows, grain: max(1, grain / max(n, 1))) { range in
      for r in range {
        let (row, to) = (x + r * n, out + r * n)
        let mean = Tensor.sum(row, n) / Float(n)
        for i in 0..<n { to[i] = (row[i] - mean) * (row[i] - mean) }
        let inverse = 1 / (Tensor.sum(to, n) / Float(n) + eps).squareRoot()
        for i in 0..<n { to[i] = (row[i] - mean) * inverse * scale[i] + shift[i] }
        statistics[2 * r] = mean
        statistics[2 * r + 1] = inverse
      }
    }
  }

  /// With h = (x − mean)·inverse and u = g ∘ weight:
  /// dx = inverse·(u − mean(u) − h·mean(u ∘ h)), dweight = Σ_rows g ∘ h, dbias = Σ_rows g.
  ///
  /// The sums over rows are left in `partial` [2, parts, n], one row for each part of the rows, so
  /// that adding them up does not depend on the number of threads.
  fileprivate static func layerNormGradient(
    _ g: UnsafeMutablePointer<Float>, _ x: UnsafeMutablePointer<Float>, _ rows: Int, _ n: Int,
    _ scale: UnsafeMutablePointer<Float>, _ statistics: UnsafeMutablePointer<Float>, parts: Int,
    to dx: UnsafeMutablePointer<Float>, _ partial: UnsafeMutablePointer<Float>
  ) {
    if n == 0 { return }
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
          to[i] = gradient[i] * scale[i]
        }
        var along = Tensor.sum(to, n)
        for i in 0..<n { to[i] *= (row[i] - mean) * inverse }
        var across = Tensor.sum(to, n)
        (along, across) = (along / Float(n), across / Float(n))
        for i in 0..<n {
          let h = (row[i] - mean) * inverse
          to[i] = inverse * (gradient[i] * scale[i] - along - h * across)
        }
      }
    }
  }
}
