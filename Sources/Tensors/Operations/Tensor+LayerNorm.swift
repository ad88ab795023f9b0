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
    let x = try detach().operand()
    let scale = try (weight?.detach() ?? Tensor(full: [n], 1)).operand()
    let shift = try (bias?.detach() ?? Tensor(full: [n], 0)).operand()
    let result = try Tensor(uninitialized: shape)
    let statistics = try Tensor(uninitialized: [rows, 2])
    withExtendedLifetime((x, scale, shift)) {
      Backends.current.layerNorm(
        rows, n, x.pointer, weight: scale.pointer, bias: shift.pointer, eps: eps,
        to: result.pointer, statistics: statistics.pointer)
    }
    let inputs = [self] + [weight, bias].compactMap { $0 }
    let (hasWeight, hasBias) = (weight != nil, bias != nil)
    return result.recorded("layer_norm", from: inputs, saving: [x, scale, statistics]) { g, saved in
      let g = try g.contiguous()
      let (x, scale, statistics) = (saved.tensors[0], saved.tensors[1], saved.tensors[2])
      let dx = try Tensor(uninitialized: x.shape)
      let forParameters = try Tensor(full: [2, n], 0)
      try withExtendedLifetime((saved, g)) {
        try Backends.current.layerNormSlope(
          rows, n, x.pointer, weight: scale.pointer, statistics: statistics.pointer,
          gradient: g.pointer, to: dx.pointer, forParameters: forParameters.pointer)
      }
      return [dx] + (hasWeight ? [try forParameters.select(0, 0)] : [])
        + (hasBias ? [try forParameters.select(0, 1)] : [])
    }
  }
}
