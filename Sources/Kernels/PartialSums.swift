// Sums that several threads share: each part has a partial sum of its own, and the parts are added
// in their order, so that the result does not depend on who did what.

extension CPU {
  /// The partial sum of part `part` in an array [parts, count], set to 0.
  static func zeroed(
    _ sums: UnsafeMutablePointer<Float>, _ part: Int, _ count: Int
  ) -> UnsafeMutablePointer<Float> {
    let pointer = sums + part * count
    pointer.update(repeating: 0, count: count)
    return pointer
  }

  /// Writes the sum over the first dimension of an array [parts, count] to `c`, in its order, or
  /// adds it if `isAdded`.
  static func addParts(
    _ parts: Int, _ count: Int, _ sums: UnsafePointer<Float>, to c: UnsafeMutablePointer<Float>,
    isAdded: Bool = false
  ) {
    Parallel.ranges(count, grain: grain) { range in
      let c = c + range.lowerBound
      if !isAdded { c.update(repeating: 0, count: range.count) }
      for part in 0..<parts {
        kernels.add(range.count, sums + part * count + range.lowerBound, c)
      }
    }
  }

  /// The same for matrices [rows, columns] whose rows stand `stride` apart in the sums.
  static func addParts(
    _ parts: Int, _ rows: Int, _ columns: Int, stride: Int, _ sums: UnsafePointer<Float>,
    to c: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: max(1, grain / columns)) { range in
      for row in range {
        let c = c + row * columns
        c.update(repeating: 0, count: columns)
        for part in 0..<parts {
          kernels.add(columns, sums + (part * rows + row) * stride, c)
        }
      }
    }
  }

  public func add(_ count: Int, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    Parallel.ranges(count, grain: Self.grain) { range in
      kernels.add(range.count, x + range.lowerBound, y + range.lowerBound)
    }
  }
}
