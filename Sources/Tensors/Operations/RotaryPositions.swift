import Glibc

extension Tensor {
  /// Rotates neighbouring pairs of coordinates by an angle that grows with the position.
  ///
  /// Rotary position embedding (Su et al. 2021, *RoFormer*).
  /// The pair (x_2i, x_2i+1) at position t, counted from 0, turns by t · base^(−2i/D), so that the
  /// product of two rotated vectors depends on the distance of their positions only.
  /// - Parameter base: of the frequencies; default 10000.
  /// - Returns: the rotated tensor, of the same shape [B, T, D].
  /// - Throws: `EngineError` if this is not [B, T, D] with an even D.
  public func rotatedByPosition(base: Double = 10000) throws -> Tensor {
    guard rank == 3, shape[2] % 2 == 0 else {
      throw EngineError("rope", "needs a tensor [B, T, D] with an even D, got shape \(shape)")
    }
    return try rotated(base: base, direction: 1)
  }

  private func rotated(base: Double, direction: Float) throws -> Tensor {
    let (length, width) = (shape[1], shape[2])
    let pairs = width / 2
    let (cosines, sines) = (
      try Tensor(uninitialized: [length, pairs]), try Tensor(uninitialized: [length, pairs])
    )
    let (c, s) = (cosines.pointer, sines.pointer)
    for t in 0..<length {
      for i in 0..<pairs {
        let angle = Double(t) * Glibc.pow(base, -2 * Double(i) / Double(width))
        c[t * pairs + i] = Float(Glibc.cos(angle))
        s[t * pairs + i] = direction * Float(Glibc.sin(angle))
      }
    }
    let source = try operand()
    let result = try Tensor(uninitialized: shape)
    withExtendedLifetime((source, cosines, sines)) {
      Backends.current.rotate(
        shape[0] * length, length: length, pairs: pairs, source.pointer, cosines: c, sines: s,
        to: result.pointer)
    }
    // A rotation's transpose is the rotation back.
    return result.recorded("rope", from: [self]) { g, _ in
      [try g.rotated(base: base, direction: -direction)]
    }
  }
}
