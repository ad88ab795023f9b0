// Integers drawn at random.

extension IntTensor {
  /// Uniform integers from `low` to `high`, both included.
  /// - Throws: `EngineError` if `low` is above `high`, one of them does not fit 32 bits, or the
  ///   tensor would be too large.
  public static func uniform(
    _ shape: [Int], low: Int, high: Int, using stream: inout RandomStream
  ) throws -> IntTensor {
    guard let least = Int32(exactly: low), Int32(exactly: high) != nil, low <= high else {
      throw EngineError(
        "randint", "from \(low) to \(high) (allowed: low ≤ high, both in 32 bits)")
    }
    _ = try Layout.checkedCount(shape, "randint")
    let result = try IntTensor(uninitialized: shape)
    let out = result.pointer
    // 0 for all 2³² of them.
    let bound = UInt32(truncatingIfNeeded: high - low + 1)
    try StopToken.parts(result.count) { part in
      for i in part {
        let draw = bound == 0 ? stream.nextWord() : stream.below(bound)
        out[i] = least &+ Int32(bitPattern: draw)
      }
    }
    return result
  }

  /// The integers 0..<`n` in random order, every order as likely (Fisher and Yates).
  /// - Throws: `EngineError` if `n` is negative or too large.
  public static func permutation(
    _ n: Int, using stream: inout RandomStream
  ) throws -> IntTensor {
    guard n >= 0 else { throw EngineError("randperm", "needs 0 or more ids, got \(n)") }
    try checkPlaces(among: n, "randperm")
    _ = try Layout.checkedCount([n], "randperm")
    let result = try IntTensor(uninitialized: [n])
    let out = result.pointer
    try StopToken.parts(n) { part in
      for i in part { out[i] = Int32(truncatingIfNeeded: i) }
    }
    for i in stride(from: n - 1, to: 0, by: -1) {
      if i & 0xFFFF == 0 { try StopToken.checkpoint() }
      let other = Int(stream.below(UInt32(truncatingIfNeeded: i + 1)))
      (out[i], out[other]) = (out[other], out[i])
    }
    return result
  }
}
