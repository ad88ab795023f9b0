// Whether two tensors are equal but for rounding.

extension Tensor {
  /// Whether |x − y| ≤ `atol` + `rtol` · |y| holds for all elements x and y of `other`,
  /// broadcasting.
  ///
  /// An infinite element is close to itself alone, NaN to nothing.
  /// - Throws: `EngineError` if the shapes do not broadcast or a tolerance is negative.
  public func allClose(
    _ other: Tensor, rtol: Double = 1e-5, atol: Double = 1e-8
  ) throws -> Bool {
    for (name, tolerance) in [("rtol", rtol), ("atol", atol)] where !(tolerance >= 0) {
      throw EngineError("allclose", "\(name) is 0 or more, got \(tolerance)")
    }
    let target = try Layout.broadcast(shape, other.shape, "allclose")
    let x = try detach().expand(target).plainOperand()
    let y = try other.detach().expand(target).plainOperand()
    var areClose = true
    try withExtendedLifetime((x, y)) {
      try StopToken.parts(x.count) { part in
        for i in part where areClose {
          let (a, b) = (Double(x.pointer[i]), Double(y.pointer[i]))
          let distance = (a - b).magnitude
          areClose = a == b || distance.isFinite && distance <= atol + rtol * b.magnitude
        }
      }
    }
    return areClose
  }
}
