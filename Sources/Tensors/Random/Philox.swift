/// Philox4x32-10, a counter-based random number generator.
///
/// Salmon et al. 2011, *Parallel Random Numbers: As Easy as 1, 2, 3*.
/// A pure function from a 128-bit counter and a 64-bit key to 128 random bits: any block of any
/// stream can be computed by any thread, in any order.
public enum Philox {
  /// The ten rounds on one counter.
  @inline(__always)
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    // Numbers by themselves: going into vectors and out of them again would take longer than the
    // rounds.
    var (c0, c1, c2, c3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
      let p0 = c0.multipliedFullWidth(by: 0xD251_1F53)
      let p1 = c2.multipliedFullWidth(by: 0xCD9E_8D57)
      (c0, c1, c2, c3) = (p1.high ^ c1 ^ k0, p1.low, p0.high ^ c3 ^ k1, p0.low)
      (k0, k1) = (k0 &+ 0x9E37_79B9, k1 &+ 0xBB67_AE85)
    }
    return SIMD4(c0, c1, c2, c3)
  }
}
