extension CPU {
  /// e^x to about one unit in the last place, written so that the compiler turns loops over it
  /// into vector instructions.
  ///
  /// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by the polynomial of degree 6 with the
  /// smallest relative error on that interval (4e-9), then n into the exponent.
  /// Adding and subtracting 1.5·2²³ rounds to the nearest integer, whose bits are then in the
  /// sum's low bits. Below −87.3, where results leave the normal range, it is 0; above 88.7
  /// infinity.
  @inline(__always)
  package static func exponential(_ x: Float) -> Float {
    let magic: Float = 0x1.8p23
    let clamped = x < -87.5 ? -87.5 : (x > 88.8 ? 88.8 : x)
    let shifted = clamped * 1.442_695_04 + magic
    let n = shifted - magic
    let r = (clamped - n * 0.693_359_375) - n * -2.121_944_4e-4
    var p: Float = 1.381_454e-3
    p = p * r + 8.368_745e-3
    p = p * r + 4.166_839e-2
    p = p * r + 1.666_652_1e-1
    p = p * r + 0.499_999_94
    p = p * r + 1
    p = p * r + 1
    // Two factors of 2^(n/2) each keep the exponent of a factor within range at both ends.
    let bits = Int32(bitPattern: shifted.bitPattern) &- Int32(bitPattern: magic.bitPattern)
    let half = bits >> 1
    let low = Float(bitPattern: UInt32(bitPattern: (half &+ 127) << 23))
    let high = Float(bitPattern: UInt32(bitPattern: (bits &- half &+ 127) << 23))
    let value = p * low * high
    return x < -87.336_54 ? 0 : (x == x ? value : x)
  }
}
