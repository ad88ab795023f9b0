// Elements in order along a dimension, by their places.
//
// An element becomes a 64-bit key: its order above, its place below. Sorting integers is fast, and
// no two keys are equal, so the order is that of a stable sort. Where few are wanted, a heap keeps
// the best so far, and a vector loop skips the elements that come after all of them.

extension CPU {
  public func order(
    _ lines: Lines, keep: Int, descending: Bool, _ x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Int32>
  ) throws {
    let (size, inner) = (lines.size, lines.inner)
    if keep <= min(size / 4, Self.mostInHeap) {
      return try select(lines, keep, descending, x, to: out)
    }
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

  /// The most keys that are selected by a heap: they stay in the fastest cache.
  private static let mostInHeap = 2048

  /// The first `keep` of every line, where that is a small part.
  private func select(
    _ lines: Lines, _ keep: Int, _ descending: Bool, _ x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Int32>
  ) throws {
    let (size, inner) = (lines.size, lines.inner)
    if keep == 0 { return }
    if inner == 1 {
      Parallel.ranges(lines.outer, grain: max(1, Self.grain / max(size, 1))) { range in
        var selection = Selection(keep, descending)
        for line in range {
          selection.run(x + line * size, size)
          selection.write(to: out + line * keep, stride: 1)
        }
      }
      return
    }
    // Up to 16 lines side by side become rows first.
    let (blocks, padded) = ((inner + 15) / 16, (size + 15) / 16 * 16)
    let (room, overflow) = padded.multipliedReportingOverflow(by: min(16, inner))
    guard !overflow else { throw EngineError("topk", "lines of \(size) elements are too long") }
    let lanes = min(Parallel.threads, lines.outer * blocks)
    let scratch = try (0..<lanes).map { _ in try Scratch(room) }
    Parallel.run(lines.outer * blocks, lanes: lanes) { part, lane in
      let (o, column) = (part / blocks, part % blocks * 16)
      let (from, rows) = (x + o * size * inner + column, scratch[lane].pointer)
      let columns = min(16, inner - column)
      for i in stride(from: 0, to: size, by: 16) {
        kernels.to_lanes(
          from + i * inner, inner, Int32(min(16, size - i)), columns, rows + i, padded)
      }
      var selection = Selection(keep, descending)
      for c in 0..<columns {
        selection.run(rows + c * padded, size)
        selection.write(to: out + o * keep * inner + column + c, stride: inner)
      }
    }
  }

  /// The first elements of a line in order: a heap of keys, the last in order at its root.
  private struct Selection {
    private var keys: [UInt64]
    private let descending: Bool
    private let stop = StopToken.heard

    init(_ keep: Int, _ descending: Bool) {
      keys = [UInt64](repeating: 0, count: keep)
      self.descending = descending
    }

    @inline(__always)
    private func key(_ x: UnsafePointer<Float>, _ i: Int) -> UInt64 {
      let key = CPU.orderKey(x[i])
      return UInt64(descending ? ~key : key) << 32 | UInt64(i)
    }

    /// Finds them among `count` numbers.
    mutating func run(_ x: UnsafePointer<Float>, _ count: Int) {
      for i in keys.indices { keys[i] = key(x, i) }
      // In falling order, keys are a heap.
      keys.sort(by: >)
      var i = keys.count
      while i < count, stop?.shouldStop != true {
        let end = min(count, i + CPU.mostInOneSort)
        while i < end {
          let limit = x[Int(keys[0] & 0xFFFF_FFFF)]
          i += kernels.first_beyond(end - i, x + i, limit, descending)
          if i == end { break }
          let candidate = key(x, i)
          if candidate < keys[0] { replaceRoot(candidate) }
          i += 1
        }
      }
      keys.sort()
    }

    /// Puts a key in the root's place and moves it down to where it belongs.
    private mutating func replaceRoot(_ key: UInt64) {
      var place = 0
      while 2 * place + 1 < keys.count {
        var child = 2 * place + 1
        if child + 1 < keys.count, keys[child + 1] > keys[child] { child += 1 }
        if keys[child] < key { break }
        keys[place] = keys[child]
        place = child
      }
      keys[place] = key
    }

    /// Writes their places.
    func write(to out: UnsafeMutablePointer<Int32>, stride: Int) {
      for (i, key) in keys.enumerated() {
        out[i * stride] = Int32(truncatingIfNeeded: key & 0xFFFF_FFFF)
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
