import Glibc

/// What a stream of random numbers is for; streams of different purposes never share numbers.
public enum RandomPurpose: UInt32, Sendable {
  /// First values of parameters.
  case initialization = 1
  /// Training batches.
  case data = 2
  /// Held-out batches, never seen in training.
  case evaluation = 3
  /// Tensors that a user draws.
  case tensor = 4
  /// Sampling from a model.
  case generation = 5
}

/// One stream of random numbers: a pure function of (seed, purpose, index).
///
/// The seed is Philox's key; the counter holds the index (64 bits), the purpose and the number of
/// the block, so sequence i of step t is the same whatever thread draws it, and streams never
/// overlap (2³² blocks of four 32-bit words each).
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  /// The words of a block, the next one first.
  private var words = SIMD4<UInt32>()
  /// How many of them are left.
  private var left = 0

  /// The stream of `seed`, `purpose` and `index`, at its beginning.
  public init(seed: UInt64, purpose: RandomPurpose, index: UInt64 = 0) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = SIMD4(
      0, purpose.rawValue, UInt32(truncatingIfNeeded: index),
      UInt32(truncatingIfNeeded: index >> 32))
  }

  /// The next 32 random bits.
  @inline(__always)
  public mutating func nextWord() -> UInt32 {
    if left == 0 {
      words = Philox.block(counter: counter, key: key)
      counter[0] &+= 1
      left = 4
    }
    left &-= 1
    let word = words.x
    words = SIMD4(words.y, words.z, words.w, 0)
    return word
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return low | UInt64(nextWord()) << 32
  }

  /// A uniform number in [0, 1), a multiple of 2⁻²⁴.
  @inline(__always)
  public mutating func uniform() -> Float {
    Float(nextWord() >> 8) * 0x1p-24
  }

  /// A uniform number in [0, 1), a multiple of 2⁻⁵³.
  @inline(__always)
  public mutating func uniformDouble() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A uniform integer in 0..<`bound`, without bias (Lemire's method); `bound` must be positive.
  @inline(__always)
  public mutating func below(_ bound: UInt32) -> UInt32 {
    var product = UInt64(nextWord()) &* UInt64(bound)
    if UInt32(truncatingIfNeeded: product) < bound {
      let threshold = (0 &- bound) % bound
      while UInt32(truncatingIfNeeded: product) < threshold {
        product = UInt64(nextWord()) &* UInt64(bound)
      }
    }
    return UInt32(truncatingIfNeeded: product >> 32)
  }

  /// Two independent standard normal numbers (Box–Muller).
  @inline(__always)
  public mutating func normalPair() -> (Float, Float) {
    // 1 − u lies in (0, 1], so the logarithm is finite.
    let radius = (-2 * logf(1 - uniform())).squareRoot()
    let angle = 2 * Float.pi * uniform()
    return (radius * cosf(angle), radius * sinf(angle))
  }
}
