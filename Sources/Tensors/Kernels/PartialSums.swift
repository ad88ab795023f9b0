// Sums that several threads share: each part has a partial sum of its own, and the parts are added in
// their order, so that the result does not depend on who did what.

extension Kernels {
  /// The partial sum of part `part` in a tensor [parts, …], set to 0.
  static func zeroed(_ sums: Tensor, _ part: Int) -> UnsafeMutablePointer<Float> {
    let count = sums.count / sums.shape[0]
    let pointer = sums.pointer + part * count
    pointer.update(repeating: 0, count: count)
    return pointer
  }

  /// Adds the elements of `from` to those of `sum`, both contiguous and of one shape.
  static func add(_ from: Tensor, to sum: Tensor) {
    let (x, y) = (from.pointer, sum.pointer)
    withExtendedLifetime((from, sum)) {
      Parallel.ranges(sum.count, grain: grain) { range in
        for i in range { y[i] += x[i] }
      }
    }
  }

  /// Σ over the first dimension of a contiguous tensor [parts, …], in its order.
  static func sumOfParts(_ sums: Tensor) throws -> Tensor {
    let shape = Array(sums.shape.dropFirst())
    if sums.shape[0] == 1 {
      return Tensor(storage: sums.storage, layout: Layout(shape: shape))
    }
    let result = try Tensor(uninitialized: shape)
    addParts(sums, to: result.pointer)
    return result
  }

  /// Writes the sum of the parts to `c`, or adds it if `isAdded`.
  static func addParts(_ sums: Tensor, to c: UnsafeMutablePointer<Float>, isAdded: Bool = false) {
    let parts = sums.shape[0]
    let count = sums.shape.dropFirst().reduce(1, *)
    let from = sums.pointer
    withExtendedLifetime(sums) {
      Parallel.ranges(count, grain: grain) { range in
        if !isAdded { for i in range { c[i] = 0 } }
        for part in 0..<parts {
          let next = from + part * count
          for i in range { c[i] += next[i] }
        }
      }
    }
  }
}
