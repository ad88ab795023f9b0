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

  /// The next `count` words, as one after the other, written where numbers are to be made of them.
  private mutating func fill(_ count: Int, _ out: UnsafeMutablePointer<Float>) {
    out.withMemoryRebound(to: UInt32.self, capacity: count) { out in
      var i = 0
      while left > 0, i < count {
        out[i] = nextWord()
        i &+= 1
      }
      let blocks = (count &- i) / 4
      if blocks > 0 {
        RandomNumbers.words(key: key, counter: counter, blocks: blocks, to: out + i)
        counter[0] &+= UInt32(truncatingIfNeeded: blocks)
        i &+= 4 &* blocks
      }
      while i < count {
        out[i] = nextWord()
        i &+= 1
      }
    }
  }

  /// The next `count` uniform numbers u, as low + range · u.
  mutating func fillUniform(
    _ count: Int, low: Float, range: Float, _ out: UnsafeMutablePointer<Float>
  ) {
    fill(count, out)
    RandomNumbers.makeUniform(count, low: low, range: range, out)
  }

  /// The next `count` normal numbers z, an even number of them, as mean + deviation · z.
  mutating func fillNormal(
    _ count: Int, mean: Float, deviation: Float, _ out: UnsafeMutablePointer<Float>
  ) {
    fill(count, out)
    RandomNumbers.makeNormal(count, mean: mean, deviation: deviation, out)
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

  /// Fills `out` with uniform integers in `first` ..< `first` + `bound`, without bias: of one word
  /// each, and after them those of numbers that have to be drawn again.
  package mutating func fill(
    _ out: UnsafeMutableBufferPointer<Int32>, from first: Int32, below bound: UInt32
  ) {
    guard let start = out.baseAddress, bound > 0 else { return }
    start.withMemoryRebound(to: Float.self, capacity: out.count) { fill(out.count, $0) }
    let threshold = (0 &- bound) % bound
    for i in out.indices {
      var product = UInt64(UInt32(bitPattern: start[i])) &* UInt64(bound)
      while UInt32(truncatingIfNeeded: product) < threshold {
        product = UInt64(nextWord()) &* UInt64(bound)
      }
      start[i] = first &+ Int32(truncatingIfNeeded: product >> 32)
    }
  }

  /// Two independent standard normal numbers (Box–Muller).
  public mutating func normalPair() -> (Float, Float) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2) { pair in
      guard let pair = pair.baseAddress else { return (0, 0) }
      fillNormal(2, mean: 0, deviation: 1, pair)
      return (pair[0], pair[1])
    }
  }
}
