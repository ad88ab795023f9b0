// Sums, and places of extremes.

extension CPU {
  public func total(_ count: Int, _ x: UnsafePointer<Float>) -> Double {
    var total = 0.0
    for start in stride(from: 0, to: count, by: 4096) {
      if start & 0xFFFFF == 0, StopToken.stopsHere { break }
      total += Double(kernels.sum(min(4096, count - start), x + start))
    }
    return total
  }

  public func reduce(
    _ op: ReduceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (lines.size, lines.inner)
    Parallel.ranges(lines.outer, grain: max(1, Self.grain / max(size * inner, 1))) { range in
      for o in range {
        if inner == 1 {
          out[o] = kernels.sum(size, x + o * size)
          continue
        }
        let to = out + o * inner
        to.update(repeating: 0, count: inner)
        for k in 0..<size {
          let from = x + (o * size + k) * inner
          kernels.add(inner, from, to)
        }
      }
    }
  }

  public func places(
    _ op: PlaceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Int32>
  ) {
    let (size, inner) = (lines.size, lines.inner)
    Parallel.ranges(lines.outer, grain: max(1, Self.grain / max(size * inner, 1))) { range in
      for o in range {
        let (from, to) = (x + o * size * inner, out + o * inner)
        switch (op, inner) {
        case (.largest, 1): to[0] = Int32(truncatingIfNeeded: Self.place(size, from, .>, >))
        case (.smallest, 1): to[0] = Int32(truncatingIfNeeded: Self.place(size, from, .<, <))
        case (.largest, _): Self.places(size, inner, from, to, >)
        case (.smallest, _): Self.places(size, inner, from, to, <)
        }
      }
    }
  }

  /// Where the extreme of neighbouring elements stands.
  ///
  /// Of many: once through all for its value, in vectors, and again until it is found.
  @inline(__always)
  private static func place(
    _ size: Int, _ x: UnsafePointer<Float>,
    _ beat: (SIMD16<Float>, SIMD16<Float>) -> SIMDMask<SIMD16<Int32>>,
    _ beats: (Float, Float) -> Bool
  ) -> Int {
    func vector(_ k: Int) -> SIMD16<Float> {
      UnsafeRawPointer(x + k).loadUnaligned(as: SIMD16<Float>.self)
    }
    guard size >= 32 else {
      var place = 0
      for k in 1..<max(size, 1) {
        let (value, known) = (x[k], x[place])
        if beats(value, known) || (value != value && known == known) { place = k }
      }
      return place
    }
    let whole = size & ~15
    var best = SIMD16<Float>(repeating: x[0])
    var areNaN = best .!= best
    for k in stride(from: 0, to: whole, by: 16) {
      let values = vector(k)
      best.replace(with: values, where: beat(values, best))
      areNaN = areNaN .| (values .!= values)
    }
    var extreme = x[0]
    for lane in 0..<16 where beats(best[lane], extreme) { extreme = best[lane] }
    var hasNaN = any(areNaN)
    for k in whole..<size {
      if beats(x[k], extreme) { extreme = x[k] }
      if x[k] != x[k] { hasNaN = true }
    }
    var k = 0
    if hasNaN {
      while x[k] == x[k] { k &+= 1 }
      return k
    }
    let sought = SIMD16<Float>(repeating: extreme)
    while k < whole, !any(vector(k) .== sought) { k &+= 16 }
    while x[k] != extreme { k &+= 1 }
    return k
  }

  /// Where the extremes of `inner` lines stand that lie side by side, row by row.
  @inline(__always)
  private static func places(
    _ size: Int, _ inner: Int, _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Int32>,
    _ beats: (Float, Float) -> Bool
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 1024) { best in
      for first in stride(from: 0, to: inner, by: 1024) {
        let count = min(1024, inner - first)
        for i in 0..<count { (best[i], out[first + i]) = (x[first + i], 0) }
        for k in 1..<max(size, 1) {
          let row = x + k * inner + first
          let place = Int32(truncatingIfNeeded: k)
          for i in 0..<count {
            let (value, known) = (row[i], best[i])
            let isBetter = beats(value, known) || (value != value && known == known)
            best[i] = isBetter ? value : known
            out[first + i] = isBetter ? place : out[first + i]
          }
        }
      }
    }
  }
}
