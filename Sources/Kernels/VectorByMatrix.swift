import VectorKernels

// A vector times a matrix: what a model does for one token. Every number of the matrix is read once
// and used once, so that the memory decides how long it takes. Parts are cut by the sizes alone.

extension CPU {
  /// The numbers of a part of the matrix, at the least.
  private static let leastPart = 1 << 15

  /// A matrix of Float32 with so many numbers is read as it comes; a smaller one is in the cache.
  private static let readOnceFrom = 1 << 18

  /// The left operand of a product as a vector, where it is one and the right operand is to be read
  /// as it is stored.
  static func vector(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView
  ) -> UnsafePointer<Float>? {
    guard m == 1, n > 0, k > 0, !a.isNarrow, !a.transposed || a.stride == 1,
      b.isNarrow || n * k >= readOnceFrom
    else { return nil }
    return a.pointer
  }

  /// out[n] = x[k]·B[k×n] for a matrix as it is stored.
  static func vectorByMatrix(
    _ n: Int, _ k: Int, _ x: UnsafePointer<Float>, _ b: MatrixView,
    _ out: UnsafeMutablePointer<Float>
  ) throws {
    let type = b.dtype.stored
    if b.transposed {
      // Each result is a product with a row that lies side by side.
      let rows = max(4, (leastPart / k + 3) & ~3)
      Parallel.ranges(n, grain: rows) { range in
        let first = b.fromColumn(range.lowerBound)
        kernels.dots(
          range.count, k, x, first.address, first.stride, type, out + range.lowerBound)
      }
      return
    }
    // Sums over parts of the rows, which lie side by side, are added in their order.
    let parts = min(16, k / 8, n * k / leastPart)
    guard parts > 1 else {
      kernels.weighted_sum(k, n, x, b.address, b.stride, type, out)
      return
    }
    let block = ((k + parts - 1) / parts + 7) & ~7
    let count = (k + block - 1) / block
    let partial = try Scratch(count * n)
    let sums = partial.pointer
    Parallel.run(count) { part, _ in
      let first = part * block
      let rows = b.fromRow(first)
      kernels.weighted_sum(
        min(block, k - first), n, x + first, rows.address, rows.stride, type, sums + part * n)
    }
    withExtendedLifetime(partial) { addParts(count, n, sums, to: out, isAdded: false) }
  }
}

extension DType {
  /// What kernels call it; only for types that are computed with.
  fileprivate var stored: stored_numbers {
    switch self {
    case .float16: stored_float16
    case .bfloat16: stored_bfloat16
    default: stored_float32
    }
  }
}
