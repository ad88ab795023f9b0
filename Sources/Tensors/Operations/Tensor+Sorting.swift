// Elements in order along a dimension. The order is found on integers, the values are then
// gathered, so that their gradient goes back to where they came from.

extension Tensor {
  /// The elements along dimension `d` in ascending or descending order, and where they stood.
  ///
  /// Equal elements keep their order. NaN counts as larger than everything.
  /// - Returns: values and indices (from 0), both of this tensor's shape; the values have a
  ///   gradient.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sort(
    _ d: Int = -1, descending: Bool = false
  ) throws -> (values: Tensor, indices: IntTensor) {
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
  /// Of equal elements the first is taken first. NaN counts as larger than everything.
  /// - Returns: values and indices (from 0), of this tensor's shape but for `k` along `d`; the
  ///   values have a gradient.
  /// - Throws: `EngineError` if there is no such dimension or it has fewer than `k` elements.
  public func topK(
    _ k: Int, _ d: Int = -1, largest: Bool = true
  ) throws -> (values: Tensor, indices: IntTensor) {
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
  func ordered(_ d: Int, keep: Int, descending: Bool) throws -> IntTensor {
    let source = try detach().operand()
    var wanted = shape
    wanted[d] = keep
    let result = try IntTensor(uninitialized: wanted)
    try withExtendedLifetime(source) {
      try Backends.current.order(
        Lines(shape, around: d), keep: keep, descending: descending, source.pointer,
        to: result.pointer)
    }
    try StopToken.check()
    return result
  }
}
