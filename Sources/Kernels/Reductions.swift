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
    switch op {
    case .largest: Self.places(lines, x, out) { $0 > $1 }
    case .smallest: Self.places(lines, x, out) { $0 < $1 }
    }
  }

  @inline(__always)
  private static func places(
    _ lines: Lines, _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Int32>,
    _ beats: (Float, Float) -> Bool
  ) {
    let (size, inner) = (lines.size, lines.inner)
    Parallel.ranges(lines.outer, grain: max(1, grain / max(size * inner, 1))) { range in
      for o in range {
        for i in 0..<inner {
          let from = x + o * size * inner + i
          var best = from[0]
          var place = 0
          for k in 1..<max(size, 1) {
            let value = from[k &* inner]
            if beats(value, best) || (value != value && best == best) {
              best = value
              place = k
            }
          }
          out[o * inner + i] = Int32(truncatingIfNeeded: place)
        }
      }
    }
  }
}
