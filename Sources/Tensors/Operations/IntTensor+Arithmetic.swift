// Integers element by element, and what they are to numbers.

extension IntTensor {
  /// ⌊x / y⌋, as Lua's `//`, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast, an element is divided by 0, or a
  ///   result leaves 32 bits.
  public func floorDivide(_ other: IntTensor) throws -> IntTensor {
    try combine(other, "//") { x, y in
      try Self.checkDivisor(x, y, "//")
      let (quotient, overflow) = x.dividedReportingOverflow(by: y)
      if overflow { return (quotient, true) }
      // Swift rounds toward 0.
      return (quotient - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0), false)
    }
  }

  /// x − y · ⌊x / y⌋, of y's sign, as Lua's `%`, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast or an element is divided by 0.
  public func remainder(_ other: IntTensor) throws -> IntTensor {
    try combine(other, "%") { x, y in
      try Self.checkDivisor(x, y, "%")
      // The least integer by −1 overflows on the way.
      let rest = y == -1 ? 0 : x % y
      return (rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest, false)
    }
  }

  private static func checkDivisor(_ x: Int32, _ y: Int32, _ operation: String) throws {
    guard y != 0 else { throw EngineError(operation, "\(x) is divided by zero") }
  }

  /// |x|.
  /// - Throws: `EngineError` if an element is the least integer, whose absolute value leaves 32
  ///   bits.
  public func abs() throws -> IntTensor {
    try mapped { x in
      guard x != .min else {
        throw EngineError("abs", "\(x.magnitude) leaves the range of 32 bits")
      }
      return x < 0 ? -x : x
    }
  }

  /// The larger of both elements, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func maximum(_ other: IntTensor) throws -> IntTensor {
    try combine(other, "maximum") { (Swift.max($0, $1), false) }
  }

  /// The smaller of both elements, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func minimum(_ other: IntTensor) throws -> IntTensor {
    try combine(other, "minimum") { (Swift.min($0, $1), false) }
  }

  /// x limited to [`low`, `high`].
  /// - Throws: `EngineError` if `low` is above `high`.
  public func clamp(_ low: Int32, _ high: Int32) throws -> IntTensor {
    guard low <= high else {
      throw EngineError("clamp", "the lower limit \(low) is above the upper limit \(high)")
    }
    return try mapped { Swift.min(Swift.max($0, low), high) }
  }

  private func mapped(_ f: (Int32) throws -> Int32) throws -> IntTensor {
    let result = try clone()
    try StopToken.parts(count) { part in
      for i in part { result.pointer[i] = try f(result.pointer[i]) }
    }
    return result
  }

  /// How often each number from 0 on stands in this tensor, up to the largest, and at least for
  /// `least` numbers.
  /// - Throws: `EngineError` if a number is negative or there is no memory for so many counts.
  public func bincount(atLeast least: Int = 0) throws -> IntTensor {
    let bins = try bins(least)
    let result = try IntTensor(shape: [bins])
    try withElements { ids in
      try StopToken.parts(ids.count) { part in
        for i in part { result.pointer[Int(ids[i])] &+= 1 }
      }
    }
    return result
  }

  /// The same with a weight, of this tensor's shape, in place of each 1; with gradients.
  /// - Throws: `EngineError` if a number is negative, there is no memory for so many sums, or the
  ///   weights have another shape.
  public func bincount(weights: Tensor, atLeast least: Int = 0) throws -> Tensor {
    guard weights.shape == shape else {
      throw EngineError(
        "bincount", "weights of shape \(weights.shape) do not fit numbers of shape \(shape)")
    }
    let bins = try bins(least)
    let (ids, x) = (try contiguous(), try weights.plainOperand())
    let result = try Tensor(full: [bins], 0)
    withExtendedLifetime((ids, x)) {
      Backends.current.addRows(count, width: 1, x.pointer, ids.pointer, to: result.pointer)
    }
    return result.recorded("bincount", from: [weights], integers: [ids]) { g, saved in
      [try g.rows(saved.integers[0])]
    }
  }

  /// How many numbers are counted.
  private func bins(_ least: Int) throws -> Int {
    guard least >= 0 else { throw EngineError("bincount", "0 or more counts, got \(least)") }
    try IntTensor.checkPlaces(among: count, "bincount")
    try check(below: Int(Int32.max), "bincount", "number")
    let bins = try withElements { Swift.max(least, $0.max().map { Int($0) + 1 } ?? 0) }
    _ = try Layout.checkedCount([bins], "bincount")
    return bins
  }
}

extension Tensor {
  /// The numbers without their fractions, rounded toward 0.
  /// - Throws: `EngineError` if one of them does not fit 32 bits, or is NaN.
  public func int() throws -> IntTensor {
    let source = try plainOperand()
    let result = try IntTensor(uninitialized: shape)
    try withExtendedLifetime(source) {
      try StopToken.parts(count) { part in
        for i in part {
          let x = source.pointer[i]
          guard x >= -0x1p31, x < 0x1p31 else {
            throw EngineError(
              "int", "\(x.isNaN ? "nan" : "\(x)") does not become an integer of 32 bits")
          }
          result.pointer[i] = Int32(x)
        }
      }
    }
    return result
  }
}
