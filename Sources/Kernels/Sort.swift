// Elements in order along a dimension, by their places.
//
// An element becomes a 64-bit key: its order above, its place below. Sorting integers is fast, and
// no two keys are equal, so the order is that of a stable sort.

extension CPU {
  public func order(
    _ lines: Lines, keep: Int, descending: Bool, _ x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Int32>
  ) throws {
    let (size, inner) = (lines.size, lines.inner)
    func key(_ line: Int, _ i: Int) -> UInt64 {
      let from = x + line / inner * size * inner + line % inner
      let key = Self.orderKey(from[i &* inner])
      return UInt64(descending ? ~key : key) << 32 | UInt64(i)
    }
    func write(_ keys: UnsafePointer<UInt64>, _ places: Range<Int>, _ line: Int) {
      let to = out + line / inner * keep * inner + line % inner
      for i in places { to[i &* inner] = Int32(truncatingIfNeeded: keys[i] & 0xFFFF_FFFF) }
    }
    let count = lines.outer * inner
    guard size <= Self.mostInOneSort else {
      for line in 0..<count {
        try Self.withFirstInOrder(size, keep: keep) {
          key(line, $0)
        } body: { keys in
          Parallel.ranges(keep, grain: Self.grain) { write(keys, $0, line) }
        }
      }
      return
    }
    Parallel.ranges(count, grain: max(1, Self.grain / 8 / max(size, 1))) { range in
      var keys = [UInt64](repeating: 0, count: size)
      for line in range {
        for i in 0..<size { keys[i] = key(line, i) }
        keys.sort()
        write(keys, 0..<keep, line)
      }
    }
  }

  /// The most keys that are sorted at once, which nothing interrupts: some 5 ms.
  private static let mostInOneSort = 1 << 16

  /// Calls `body` with the `keep` smallest of `count` keys, in order: blocks are sorted, then
  /// merged in pairs.
  ///
  /// No run needs more than `keep` keys.
  private static func withFirstInOrder(
    _ count: Int, keep: Int, _ key: (Int) -> UInt64, body: (UnsafePointer<UInt64>) -> Void
  ) throws {
    // Two keys of 64 bits take the room of four numbers.
    let scratch = try Scratch(4 * count)
    defer { withExtendedLifetime(scratch) {} }
    var (keys, merged) = UnsafeMutableRawPointer(scratch.pointer).withMemoryRebound(
      to: UInt64.self, capacity: 2 * count
    ) { ($0, $0 + count) }
    var width = mostInOneSort
    let first = keys
    Parallel.ranges(count, grain: width) { range in
      for i in range { first[i] = key(i) }
      var block = UnsafeMutableBufferPointer(start: first + range.lowerBound, count: range.count)
      block.sort()
    }
    let stop = StopToken.heard
    while width < count {
      try StopToken.check()
      let (from, to, pair) = (keys, merged, 2 * width)
      Parallel.run((count + pair - 1) / pair) { part, _ in
        let (start, middle) = (part * pair, min(part * pair + width, count))
        merge(
          from + start, min(middle - start, keep),
          from + middle, min(min(start + pair, count) - middle, keep),
          to: to + start, keep: keep, stop: stop)
      }
      swap(&keys, &merged)
      width = pair
    }
    body(keys)
  }

  /// The `keep` smallest keys of two runs in order, or all of them.
  private static func merge(
    _ a: UnsafePointer<UInt64>, _ aCount: Int, _ b: UnsafePointer<UInt64>, _ bCount: Int,
    to out: UnsafeMutablePointer<UInt64>, keep: Int, stop: StopToken?
  ) {
    var (i, j) = (0, 0)
    let total = min(aCount + bCount, keep)
    for start in stride(from: 0, to: total, by: mostInOneSort) {
      if stop?.shouldStop == true { return }
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
  private static func orderKey(_ x: Float) -> UInt32 {
    if x != x { return .max }
    let bits = (x + 0).bitPattern
    return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
  }
}
