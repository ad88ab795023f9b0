// Rows and elements chosen by integers.

extension CPU {
  public func gatherRows(
    _ count: Int, width: Int, _ ids: UnsafePointer<Int32>, of table: UnsafeRawPointer,
    _ dtype: DType, to out: UnsafeMutablePointer<Float>
  ) {
    let bytes = width * dtype.size
    Parallel.ranges(count, grain: max(1, Self.grain / max(width, 1))) { range in
      for r in range {
        Self.widen(width, table + Int(ids[r]) * bytes, dtype, to: out + r * width)
      }
    }
  }

  public func addRows(
    _ count: Int, width: Int, _ rows: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to table: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<count {
      if r & 0xFFF == 0, StopToken.stopsHere { break }
      kernels.add(width, rows + r * width, table + Int(ids[r]) * width)
    }
  }

  public func gather(
    _ lines: Lines, wanted: Int, _ ids: UnsafePointer<Int32>, of x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(lines.outer * wanted * lines.inner, grain: Self.grain) { range in
      Self.forEachPair(lines, wanted, ids, range) { out[$0] = x[$1] }
    }
  }

  public func scatterAdd(
    _ lines: Lines, wanted: Int, _ g: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to x: UnsafeMutablePointer<Float>
  ) {
    let count = lines.outer * wanted * lines.inner
    for first in stride(from: 0, to: count, by: 1 << 16) where !StopToken.stopsHere {
      Self.forEachPair(lines, wanted, ids, first..<min(count, first + 1 << 16)) { x[$1] += g[$0] }
    }
  }

  /// Calls `body(place among the chosen, place in the source)` for a range of the chosen elements.
  @inline(__always)
  private static func forEachPair(
    _ lines: Lines, _ wanted: Int, _ ids: UnsafePointer<Int32>, _ range: Range<Int>,
    _ body: (Int, Int) -> Void
  ) {
    if lines.inner == 1 && lines.outer == 1 {
      for place in range { body(place, Int(ids[place])) }
      return
    }
    for place in range {
      let (line, i) = place.quotientAndRemainder(dividingBy: lines.inner)
      body(place, (line / wanted * lines.size + Int(ids[place])) * lines.inner + i)
    }
  }
}
