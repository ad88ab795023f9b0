import OpenBLAS

/// Matrix products on OpenBLAS, for operations that have asked ``MatrixLibrary`` whether it is
/// there.
///
/// OpenBLAS runs one thread per call; the parallelism is ours. A product is cut into parts by its
/// sizes alone: by rows of the result, or, for the tall sums of weight gradients, by the inner
/// dimension with partial results added in order.
extension CPU {
  /// The most multiplications in one call of BLAS, which nothing can interrupt: some 30 ms.
  private static let mostInOneCall = 1 << 30

  /// C[m×n] = alpha·A[m×k]·B[k×n] + beta·C, on the calling thread.
  ///
  /// A large product is cut in halves, by its sizes alone, so that an interruption is heard.
  static func product(
    _ m: Int, _ n: Int, _ k: Int, alpha: Float = 1, _ a: MatrixView, _ b: MatrixView,
    beta: Float = 0, _ c: UnsafeMutablePointer<Float>, stride: Int, stop: StopToken? = nil
  ) {
    guard m * n * k > mostInOneCall else {
      productInTiles(m, n, k, alpha, a, b, beta, c, stride)
      return
    }
    if stop?.shouldStop == true { return }
    if k > 4 * max(m, n) {
      let half = k / 2
      let right = a.fromColumn(half)
      let lower = b.fromRow(half)
      product(m, n, half, alpha: alpha, a, b, beta: beta, c, stride: stride, stop: stop)
      product(
        m, n, k - half, alpha: alpha, right, lower, beta: 1, c, stride: stride, stop: stop)
    } else if m >= n {
      let half = (m / 2 + 15) & ~15
      let lower = a.fromRow(half)
      product(half, n, k, alpha: alpha, a, b, beta: beta, c, stride: stride, stop: stop)
      product(
        m - half, n, k, alpha: alpha, lower, b, beta: beta, c + half * stride, stride: stride,
        stop: stop)
    } else {
      let half = (n / 2 + 15) & ~15
      let right = b.fromColumn(half)
      product(m, half, k, alpha: alpha, a, b, beta: beta, c, stride: stride, stop: stop)
      product(
        m, n - half, k, alpha: alpha, a, right, beta: beta, c + half, stride: stride,
        stop: stop)
    }
  }

  /// Whether OpenBLAS has kernels for products of up to 10⁶ multiplications that read the operands
  /// where they are; others copy them into panels first, a sixth of the time of the products here.
  static let hasSmallKernels = ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(
    MatrixLibrary.kernels)

  /// The most elements of the right operand, a megabyte, that are read again for every tile.
  private static let mostInTiles = 1 << 18

  /// The product in one call, or in calls small enough for the kernels without copies, which are as
  /// fast unless the right operand is transposed.
  private static func productInTiles(
    _ m: Int, _ n: Int, _ k: Int, _ alpha: Float, _ a: MatrixView, _ b: MatrixView, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ stride: Int
  ) {
    guard hasSmallKernels, !b.transposed, m * n * k > 1_000_000, n * k <= mostInTiles else {
      productInOneCall(m, n, k, alpha, a, b, beta, c, stride)
      return
    }
    let (rows, columns) = (min(m, 48), min(n, 64))
    let inner = (1_000_000 / (rows * columns)) & ~15
    for first in Swift.stride(from: 0, to: k, by: inner) {
      let depth = min(inner, k - first)
      let (left, right) = (a.from(0, first), b.from(first, 0))
      for column in Swift.stride(from: 0, to: n, by: columns) {
        for row in Swift.stride(from: 0, to: m, by: rows) {
          productInOneCall(
            min(rows, m - row), min(columns, n - column), depth, alpha, left.from(row, 0),
            right.from(0, column), first == 0 ? beta : 1, c + row * stride + column, stride)
        }
      }
    }
  }

  @inline(__always)
  private static func productInOneCall(
    _ m: Int, _ n: Int, _ k: Int, _ alpha: Float, _ a: MatrixView, _ b: MatrixView, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ stride: Int
  ) {
    openblas_sgemm(
      a.transposed, b.transposed, Int32(truncatingIfNeeded: m), Int32(truncatingIfNeeded: n),
      Int32(truncatingIfNeeded: k), alpha, a.pointer, Int32(truncatingIfNeeded: a.stride),
      b.pointer, Int32(truncatingIfNeeded: b.stride), beta, c, Int32(truncatingIfNeeded: stride))
  }

  /// C = A·B + beta·C on several threads, C contiguous.
  static func parallelProduct(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView, beta: Float = 0,
    _ c: UnsafeMutablePointer<Float>
  ) throws {
    if m == 0 || n == 0 { return }
    let stop = StopToken.heard
    if k == 0 {
      if beta == 0 { c.update(repeating: 0, count: m * n) }
      return
    }
    if b.transposed, hasSmallKernels, m >= 256, n * k <= mostInTiles {
      // A weight turned once is read by every tile of rows.
      let turned = try Scratch(k * n)
      transposeCopy(
        b.pointer, rows: k, columns: n, rowStride: 1, columnStride: b.stride, to: turned.pointer)
      try withExtendedLifetime(turned) {
        try parallelProduct(m, n, k, a, MatrixView(turned.pointer, stride: n), beta: beta, c)
      }
    } else if m * n * k < 1 << 19 {
      product(m, n, k, a, b, beta: beta, c, stride: n, stop: stop)
    } else if k >= 4 * max(m, n) && k >= 1024 {
      try innerSplitProduct(m, n, k, a, b, beta, c)
    } else if m >= 32 {
      // 16 parts at the most, each a multiple of 16 rows and of 64 at least: BLAS reads all of B
      // anew for every part.
      let block = max(64, ((m + 15) / 16 + 15) & ~15)
      Parallel.run((m + block - 1) / block) { part, _ in
        let first = part * block
        product(
          min(block, m - first), n, k, a.fromRow(first), b, beta: beta, c + first * n, stride: n,
          stop: stop)
      }
    } else {
      let block = max(64, ((n + 31) / 32 + 15) & ~15)
      Parallel.run((n + block - 1) / block) { part, _ in
        let first = part * block
        product(
          m, min(block, n - first), k, a, b.fromColumn(first), beta: beta, c + first, stride: n,
          stop: stop)
      }
    }
  }

  /// Parts of the inner dimension, each summed into a buffer of its own, then added in order;
  /// beta is 0 or 1.
  private static func innerSplitProduct(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>
  ) throws {
    let parts = min(16, k / 512)
    let block = (k + parts - 1) / parts
    let partial = try Scratch(parts * m * n)
    let sums = partial.pointer
    let stop = StopToken.heard
    Parallel.run(parts) { part, _ in
      let first = part * block
      product(
        m, n, max(0, min(block, k - first)), a.fromColumn(first), b.fromRow(first),
        sums + part * m * n, stride: n, stop: stop)
    }
    withExtendedLifetime(partial) { addParts(parts, m * n, sums, to: c, isAdded: beta != 0) }
  }

  public func product(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView, beta: Float,
    to c: UnsafeMutablePointer<Float>
  ) throws {
    try MatrixLibrary.check("matmul")
    if a.isNarrow || b.isNarrow {
      try Self.widenedProducts(m, n, k, [a], [b], beta: beta, c)
    } else {
      try Self.parallelProduct(m, n, k, a, b, beta: beta, c)
    }
  }

  public func products(
    _ m: Int, _ n: Int, _ k: Int, _ a: [MatrixView], _ b: [MatrixView],
    to c: UnsafeMutablePointer<Float>
  ) throws {
    try MatrixLibrary.check("matmul")
    if m == 0 || n == 0 { return }
    if a.first?.isNarrow == true || b.first?.isNarrow == true {
      return try Self.widenedProducts(m, n, k, a, b, beta: 0, c)
    }
    let stop = StopToken.heard
    Parallel.run(a.count) { entry, _ in
      let result = c + entry * m * n
      if k == 0 {
        result.update(repeating: 0, count: m * n)
      } else {
        Self.product(m, n, k, a[entry], b[entry], result, stride: n, stop: stop)
      }
    }
  }
}

/// Matrix views and their parts.
extension MatrixView {
  /// The first number of a matrix of Float32.
  @inline(__always)
  var pointer: UnsafePointer<Float> {
    precondition(dtype == .float32, "a matrix is read before it was widened")
    return address.assumingMemoryBound(to: Float.self)
  }

  /// This matrix without its first `i` rows and `j` columns.
  @inline(__always)
  func from(_ i: Int, _ j: Int) -> MatrixView {
    let place = transposed ? j * stride + i : i * stride + j
    return MatrixView(address + place * dtype.size, dtype, stride: stride, transposed: transposed)
  }

  /// This matrix without its first `i` rows.
  @inline(__always)
  func fromRow(_ i: Int) -> MatrixView { from(i, 0) }

  /// This matrix without its first `j` columns.
  @inline(__always)
  func fromColumn(_ j: Int) -> MatrixView { from(0, j) }
}
