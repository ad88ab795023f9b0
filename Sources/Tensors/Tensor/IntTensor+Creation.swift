extension IntTensor {
  /// Zeros.
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func zeros(_ shape: [Int]) throws -> IntTensor {
    _ = try Layout.checkedCount(shape, "int_zeros")
    return try IntTensor(shape: shape)
  }

  /// Every element `value`.
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func full(_ shape: [Int], _ value: Int32) throws -> IntTensor {
    _ = try Layout.checkedCount(shape, "int_full")
    return try IntTensor(shape: shape, fill: value)
  }

  /// `first`, `first + step`, … up to and including `last` where it is reached; empty where the
  /// step leads away from it.
  /// - Throws: `EngineError` if `step` is 0, a number leaves 32 bits, or there are too many.
  public static func arange(_ first: Int, _ last: Int, _ step: Int = 1) throws -> IntTensor {
    guard step != 0 else {
      throw EngineError("int_arange", "steps of 0 do not lead from \(first) to \(last)")
    }
    guard Int32(exactly: first) != nil, Int32(exactly: last) != nil else {
      throw EngineError("int_arange", "from \(first) to \(last) (allowed: both in 32 bits)")
    }
    let leadsAway = step > 0 ? last < first : last > first
    let n = leadsAway ? 0 : (last - first) / step + 1
    _ = try Layout.checkedCount([n], "int_arange")
    let result = try IntTensor(uninitialized: [n])
    try result.withMutableElements { out in
      try StopToken.parts(n) { part in
        for i in part { out[i] = Int32(truncatingIfNeeded: first + i * step) }
      }
    }
    return result
  }
}
