/// Philox4x32-10, a counter-based random number generator.
///
/// Salmon et al. 2011, *Parallel Random Numbers: As Easy as 1, 2, 3*.
/// A pure function from a 128-bit counter and a 64-bit key to 128 random bits: any block of any
/// stream can be computed by any thread, in any order.
public enum Philox {
  /// The ten rounds on one counter.
  @inline(__always)
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let p0 = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let p1 = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = SIMD4(p1.high ^ c[1] ^ k[0], p1.low, p0.high ^ c[3] ^ k[1], p0.low)
      k = SIMD2(k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85)
    }
    return c
  }
}
