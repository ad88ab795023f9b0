/// Elements that can be put in order along a dimension, be they numbers or integers.
///
/// The order is found as places, the values are then gathered, so that a gradient goes back to
/// where they came from. Equal elements keep their order; NaN counts as larger than everything.
public protocol Orderable: AnyObject {
  /// Where the elements lie.
  var layout: Layout { get }

  /// The places (from 0) of the first `keep` elements of every line along `d`, in order.
  func ordered(_ d: Int, keep: Int, descending: Bool) throws -> IntTensor
  /// Elements chosen along dimension `d`.
  func gather(_ d: Int, _ ids: IntTensor) throws -> Self
}

extension Orderable {
  /// The elements along dimension `d` in ascending or descending order, and where they stood.
  /// - Returns: values and indices (from 0), both of this tensor's shape; the values of a Tensor
  ///   have a gradient.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sort(
    _ d: Int = -1, descending: Bool = false
  ) throws -> (values: Self, indices: IntTensor) {
    let d = try layout.dimension(d, "sort")
    let places = try places(d, layout.shape[d], descending, "sort")
    return (try gather(d, places), places)
  }

  /// The indices (from 0) of ``sort(_:descending:)`` alone.
  /// - Throws: `EngineError` if there is no such dimension.
  public func argsort(_ d: Int = -1, descending: Bool = false) throws -> IntTensor {
    let d = try layout.dimension(d, "argsort")
    return try places(d, layout.shape[d], descending, "argsort")
  }

  /// The `k` largest (or smallest) elements along dimension `d`, the most extreme first.
  ///
  /// Of equal elements the first is taken first.
  /// - Returns: values and indices (from 0), of this tensor's shape but for `k` along `d`; the
  ///   values of a Tensor have a gradient.
  /// - Throws: `EngineError` if there is no such dimension or it has fewer than `k` elements.
  public func topK(
    _ k: Int, _ d: Int = -1, largest: Bool = true
  ) throws -> (values: Self, indices: IntTensor) {
    let d = try layout.dimension(d, "topk")
    let size = layout.shape[d]
    guard k >= 0, k <= size else {
      throw EngineError(
        "topk", "\(k) of the \(size) elements in dimension \(d + 1) of shape \(layout.shape)")
    }
    let places = try places(d, k, largest, "topk")
    return (try gather(d, places), places)
  }

  private func places(
    _ d: Int, _ keep: Int, _ descending: Bool, _ operation: String
  ) throws -> IntTensor {
    try IntTensor.checkPlaces(among: layout.shape[d], operation)
    return try ordered(d, keep: keep, descending: descending)
  }
}

extension Tensor: Orderable {
  /// The places of the first `keep` elements of every line along `d`, in order.
  public func ordered(_ d: Int, keep: Int, descending: Bool) throws -> IntTensor {
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

extension IntTensor: Orderable {
  /// The places of the first `keep` elements of every line along `d`, in order.
  ///
  /// Integers up to 2²⁴ are ordered as the numbers of Float32 that they are. Others are ordered by
  /// their lower 16 bits and then by their upper ones, where equal ones keep the first order.
  public func ordered(_ d: Int, keep: Int, descending: Bool) throws -> IntTensor {
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
