// Copies between layouts.

extension CPU {
  public func copy(
    _ source: UnsafePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>,
    _ layout: Layout
  ) {
    let count = from.count
    if from.isContiguous && layout.isContiguous {
      let (x, out) = (source + from.offset, target + layout.offset)
      Parallel.ranges(count, grain: Self.grain) { range in
        (out + range.lowerBound).update(from: x + range.lowerBound, count: range.count)
      }
    } else if layout.isContiguous, from.rank == 2, count > 0, !Self.isLine(from) {
      Self.transposeCopy(
        source + from.offset, rows: from.shape[0], columns: from.shape[1],
        rowStride: from.strides[0], columnStride: from.strides[1], to: target + layout.offset)
    } else if Self.isLine(from), Self.isLine(layout), from.shape == layout.shape {
      Self.copyLines(source, from, to: target, layout)
    } else if layout.isContiguous {
      let out = target + layout.offset
      Parallel.ranges(count, grain: Self.grain) { range in
        from.forEachPosition(in: range) { out[$0] = source[$1] }
      }
    } else if from.isContiguous {
      let x = source + from.offset
      Parallel.ranges(count, grain: Self.grain) { range in
        layout.forEachPosition(in: range) { target[$1] = x[$0] }
      }
    } else {
      Parallel.ranges(count, grain: Self.grain) { range in
        layout.forEachPosition(in: range) { target[$1] = source[from.position(of: $0)] }
      }
    }
  }

  /// Whether the last dimension is worth a loop of its own: long enough, but no longer than a
  /// thread's part, and its elements lie side by side, forwards or backwards.
  private static func isLine(_ layout: Layout) -> Bool {
    guard let length = layout.shape.last, let step = layout.strides.last else { return false }
    return (16...grain).contains(length) && abs(step) == 1
  }

  /// Copies along the last dimension, line by line.
  private static func copyLines(
    _ source: UnsafePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>,
    _ layout: Layout
  ) {
    let last = from.rank - 1
    let (length, step, outStep) = (from.shape[last], from.strides[last], layout.strides[last])
    Parallel.ranges(from.count / length, grain: max(1, grain / length)) { range in
      for line in range {
        let x = source + from.position(of: line * length)
        let out = target + layout.position(of: line * length)
        if step == 1 && outStep == 1 {
          out.update(from: x, count: length)
        } else {
          for i in 0..<length { out[i &* outStep] = x[i &* step] }
        }
      }
    }
  }

  public func fill(_ target: UnsafeMutablePointer<Float>, _ layout: Layout, _ value: Float) {
    Parallel.ranges(layout.count, grain: 8 * Self.grain) { range in
      if layout.isContiguous {
        (target + layout.offset + range.lowerBound).update(repeating: value, count: range.count)
      } else {
        layout.forEachPosition(in: range) { target[$1] = value }
      }
    }
  }

  /// Copies a strided matrix in tiles, so that reads and writes both stay in cache.
  static func transposeCopy(
    _ source: UnsafePointer<Float>, rows: Int, columns: Int, rowStride: Int,
    columnStride: Int, to out: UnsafeMutablePointer<Float>
  ) {
    let tile = 32
    Parallel.ranges(rows, grain: max(tile, grain / max(columns, 1) / tile * tile)) { range in
      for r0 in stride(from: range.lowerBound, to: range.upperBound, by: tile) {
        let r1 = min(r0 + tile, range.upperBound)
        for c0 in stride(from: 0, to: columns, by: tile) {
          let c1 = min(c0 + tile, columns)
          for r in r0..<r1 {
            for c in c0..<c1 {
              out[r &* columns &+ c] = source[r &* rowStride &+ c &* columnStride]
            }
          }
        }
      }
    }
  }
}
