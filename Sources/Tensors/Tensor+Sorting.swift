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
    let source = try detach().contiguous()
    let size = shape[d]
    let inner = shape[(d + 1)...].reduce(1, *)
    var wanted = shape
    wanted[d] = keep
    let result = try IntTensor(uninitialized: wanted)
    let lines = shape[..<d].reduce(1, *) * inner
    let (x, out) = (source.pointer, result.pointer)
    func key(_ line: Int, _ i: Int) -> UInt64 {
      let from = x + line / inner * size * inner + line % inner
      let key = Kernels.orderKey(from[i &* inner])
      return UInt64(descending ? ~key : key) << 32 | UInt64(i)
    }
    func write(_ keys: UnsafePointer<UInt64>, _ places: Range<Int>, _ line: Int) {
      let to = out + line / inner * keep * inner + line % inner
      for i in places { to[i &* inner] = Int32(truncatingIfNeeded: keys[i] & 0xFFFF_FFFF) }
    }
    try withExtendedLifetime((source, result)) {
      guard size <= Kernels.mostInOneSort else {
        for line in 0..<lines {
          let keys = try Kernels.firstInOrder(size, keep: keep) { key(line, $0) }
          Parallel.ranges(keep, grain: Kernels.grain) { write(keys.pointer, $0, line) }
        }
        return
      }
      Parallel.ranges(lines, grain: Swift.max(1, Kernels.grain / 8 / Swift.max(size, 1))) { range in
        var keys = [UInt64](repeating: 0, count: size)
        for line in range {
          for i in 0..<size { keys[i] = key(line, i) }
          keys.sort()
          write(keys, 0..<keep, line)
        }
      }
    }
    try Interruption.check()
    return result
  }
}

extension Kernels {
  /// The most keys that are sorted at once, which nothing interrupts: some 5 ms.
  fileprivate static let mostInOneSort = 1 << 16

  /// The `keep` smallest of `count` keys, in order: blocks are sorted, then merged in pairs.
  ///
  /// No run needs more than `keep` keys.
  /// - Throws: `EngineError` if this is interrupted.
  fileprivate static func firstInOrder(
    _ count: Int, keep: Int, _ key: (Int) -> UInt64
  ) throws -> Storage<UInt64> {
    var (keys, merged) = (try Storage<UInt64>(count: count), try Storage<UInt64>(count: count))
    var width = mostInOneSort
    let first = keys.pointer
    Parallel.ranges(count, grain: width) { range in
      for i in range { first[i] = key(i) }
      var block = UnsafeMutableBufferPointer(start: first + range.lowerBound, count: range.count)
      block.sort()
    }
    let isHeard = Interruption.isHeard
    while width < count {
      try Interruption.check()
      let (from, to, pair) = (keys.pointer, merged.pointer, 2 * width)
      Parallel.run((count + pair - 1) / pair) { part, _ in
        let (start, middle) = (part * pair, min(part * pair + width, count))
        merge(
          from + start, min(middle - start, keep),
          from + middle, min(min(start + pair, count) - middle, keep),
          to: to + start, keep: keep, isHeard: isHeard)
      }
      swap(&keys, &merged)
      width = pair
    }
    return keys
  }

  /// The `keep` smallest keys of two runs in order, or all of them.
  private static func merge(
    _ a: UnsafePointer<UInt64>, _ aCount: Int, _ b: UnsafePointer<UInt64>, _ bCount: Int,
    to out: UnsafeMutablePointer<UInt64>, keep: Int, isHeard: Bool
  ) {
    var (i, j) = (0, 0)
    let total = min(aCount + bCount, keep)
    for start in stride(from: 0, to: total, by: mostInOneSort) {
      if isHeard && Interruption.shouldStop { return }
      for place in start..<min(total, start + mostInOneSort) {
        if j == bCount || (i < aCount && a[i] < b[j]) {
          out[place] = a[i]
          i &+= 1
        } else {
          out[place] = b[j]
          j &+= 1
        }
      }
    }
  }

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
