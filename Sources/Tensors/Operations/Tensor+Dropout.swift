extension Tensor {
  /// Each element 0 with probability `p`, else divided by 1 − `p`: the mean stays what it is.
  ///
  /// Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014.
  /// - Throws: `EngineError` if `p` is not in 0..<1.
  public func dropout(_ p: Float, using stream: inout RandomStream) throws -> Tensor {
    guard p >= 0, p < 1 else {
      throw EngineError("dropout", "the probability must be at least 0 and below 1, got \(p)")
    }
    let factors = try Tensor.uniform(shape, using: &stream)
    let kept = 1 / (1 - p)
    try factors.withMutableElements { factors in
      for i in factors.indices { factors[i] = factors[i] < p ? 0 : kept }
    }
    return try mul(factors)
  }
}
