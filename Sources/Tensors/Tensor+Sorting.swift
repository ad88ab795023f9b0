// Elements in order along a dimension. The order is found on integers, the values are then gathered,
// so that their gradient goes back to where they came from.

extension Tensor {
  /// The elements along dimension `d` in ascending or descending order, and where they stood.
  ///
  /// Equal elements keep their order. NaN counts as larger than everything.
  /// - Returns: values and indices (from 0), both of this tensor's shape; the values have a gradient.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sort(
    _ d: Int = -1, descending: Bool = false
  ) throws -> (values: Tensor, indices: IntTensor) {
    let d = try layout.dimension(d, "sort")
    let places = try ordered(d, keep: shape[d], descending: descending)
    return (try gather(d, places), places)
  }

  /// The `k` largest (or smallest) elements along dimension `d`, the most extreme first.
  ///
  /// Of equal elements the first is taken first. NaN counts as larger than everything.
  /// - Returns: values and indices (from 0), of this tensor's shape but for `k` along `d`; the values
  ///   have a gradient.
  /// - Throws: `EngineError` if there is no such dimension or it has fewer than `k` elements.
  public func topK(
    _ k: Int, _ d: Int = -1, largest: Bool = true
  ) throws -> (values: Tensor, indices: IntTensor) {
    let d = try layout.dimension(d, "topk")
    guard k >= 0, k <= shape[d] else {
      throw EngineError(
        "topk", "\(k) of the \(shape[d]) elements in dimension \(d + 1) of shape \(shape)")
    }
    let places = try ordered(d, keep: k, descending: largest)
    return (try gather(d, places), places)
  }

  /// The places of the first `keep` elements of every line along `d`, in order.
  ///
  /// An element becomes a 64-bit key: its order above, its place below. Sorting integers is fast,
  /// and no two keys are equal, so the order is that of a stable sort.
  private func ordered(_ d: Int, keep: Int, descending: Bool) throws -> IntTensor {
    let source = detach().contiguous()
    let size = shape[d]
    let inner = shape[(d + 1)...].reduce(1, *)
    var wanted = shape
    wanted[d] = keep
    let result = IntTensor(shape: wanted)
    let lines = shape[..<d].reduce(1, *) * inner
    let (x, out) = (source.pointer, result.pointer)
    withExtendedLifetime((source, result)) {
      Parallel.ranges(lines, grain: Swift.max(1, Kernels.grain / 8 / Swift.max(size, 1))) { range in
        var keys = [UInt64](repeating: 0, count: size)
        for line in range {
          let (block, column) = (line / inner, line % inner)
          let from = x + block * size * inner + column
          for i in 0..<size {
            let key = Kernels.orderKey(from[i &* inner])
            keys[i] = UInt64(descending ? ~key : key) << 32 | UInt64(i)
          }
          keys.sort()
          let to = out + block * keep * inner + column
          for i in 0..<keep { to[i &* inner] = Int32(truncatingIfNeeded: keys[i]) }
        }
      }
    }
    return result
  }
}

extension Kernels {
  /// An unsigned integer that orders as the number does: −∞ < … < −0 = 0 < … < ∞ < NaN.
  ///
  /// The bits of positive floats already order as integers; those of negative ones in reverse.
  @inline(__always)
  static func orderKey(_ x: Float) -> UInt32 {
    if x != x { return .max }
    let bits = (x + 0).bitPattern
    return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
  }
}
