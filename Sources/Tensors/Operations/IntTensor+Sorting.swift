// Integers in order along a dimension.

extension IntTensor {
  /// The elements along dimension `d` in ascending or descending order, and where they stood.
  ///
  /// Equal elements keep their order.
  /// - Returns: values and indices (from 0), both of this tensor's shape.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sort(
    _ d: Int = -1, descending: Bool = false
  ) throws -> (values: IntTensor, indices: IntTensor) {
    let d = try layout.dimension(d, "sort")
    try IntTensor.checkPlaces(among: shape[d], "sort")
    let places = try ordered(d, keep: shape[d], descending: descending)
    return (try gather(d, places), places)
  }

  /// The indices (from 0) of ``sort(_:descending:)`` alone.
  /// - Throws: `EngineError` if there is no such dimension.
  public func argsort(_ d: Int = -1, descending: Bool = false) throws -> IntTensor {
    let d = try layout.dimension(d, "argsort")
    try IntTensor.checkPlaces(among: shape[d], "argsort")
    return try ordered(d, keep: shape[d], descending: descending)
  }

  /// The `k` largest (or smallest) elements along dimension `d`, the most extreme first.
  ///
  /// Of equal elements the first is taken first.
  /// - Returns: values and indices (from 0), of this tensor's shape but for `k` along `d`.
  /// - Throws: `EngineError` if there is no such dimension or it has fewer than `k` elements.
  public func topK(
    _ k: Int, _ d: Int = -1, largest: Bool = true
  ) throws -> (values: IntTensor, indices: IntTensor) {
    let d = try layout.dimension(d, "topk")
    guard k >= 0, k <= shape[d] else {
      throw EngineError(
        "topk", "\(k) of the \(shape[d]) elements in dimension \(d + 1) of shape \(shape)")
    }
    try IntTensor.checkPlaces(among: shape[d], "topk")
    let places = try ordered(d, keep: k, descending: largest)
    return (try gather(d, places), places)
  }

  /// The places of the first `keep` elements of every line along `d`, in order.
  ///
  /// Integers up to 2²⁴ are ordered as the numbers of Float32 that they are. Others are ordered by
  /// their lower 16 bits and then by their upper ones, where equal ones keep the first order.
  private func ordered(_ d: Int, keep: Int, descending: Bool) throws -> IntTensor {
    if try areExactInFloat32() {
      return try tensor().ordered(d, keep: keep, descending: descending)
    }
    let (upper, lower) = try halves()
    let first = try lower.ordered(d, keep: shape[d], descending: descending)
    let second = try upper.gather(d, first).ordered(d, keep: keep, descending: descending)
    return try first.gather(d, second)
  }

  private func areExactInFloat32() throws -> Bool {
    try withElements { elements in
      var largest: UInt32 = 0
      try StopToken.parts(elements.count) { part in
        for i in part { largest = Swift.max(largest, elements[i].magnitude) }
      }
      return largest <= 1 << 24
    }
  }

  /// The upper 16 bits, with their sign, and the lower 16.
  private func halves() throws -> (upper: Tensor, lower: Tensor) {
    let (upper, lower) = try (Tensor(uninitialized: shape), Tensor(uninitialized: shape))
    let (first, second) = (upper.pointer, lower.pointer)
    forEachElement {
      first[$0] = Float($1 >> 16)
      second[$0] = Float($1 & 0xFFFF)
    }
    return (upper, lower)
  }
}
