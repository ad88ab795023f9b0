extension Tensor {
  /// Root-mean-square normalisation over the last dimension.
  ///
  /// y = x / √(mean(x²) + eps) · weight, the mean of each row (Zhang, Sennrich 2019).
  /// - Parameters:
  ///   - weight: [n] for rows of n; default: all 1.
  ///   - eps: keeps rows of zeros finite; default 2⁻²³.
  /// - Returns: a tensor of this shape.
  /// - Throws: `EngineError` if this has no dimensions, `eps` is negative or shapes do not agree.
  public func rmsNorm(weight: Tensor? = nil, eps: Float = 0x1p-23) throws -> Tensor {
    guard let n = shape.last else {
      throw EngineError("rms_norm", "a 0-dimensional tensor has no rows to normalise")
    }
    if let weight, weight.shape != [n] {
      throw EngineError(
        "rms_norm", "rows of \(n) elements need a weight of shape [\(n)], got \(weight.shape)")
    }
    guard eps >= 0 else { throw EngineError("rms_norm", "eps must not be negative, got \(eps)") }
    let normalized = try div(square().mean(-1, keepDim: true).add(Tensor(eps)).sqrt())
    return try weight.map { try normalized.mul($0) } ?? normalized
  }
}
