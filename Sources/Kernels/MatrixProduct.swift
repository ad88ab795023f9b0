/// Matrix products.
///
/// One call of a kernel runs on one thread. A product is cut by rows or columns of the result,
/// which does not change a bit as long as columns are cut at multiples of 32; or, for the tall sums
/// of weight gradients, by the inner dimension with partial results added in order: then by its
/// sizes alone.
extension CPU {
  /// The most multiplications in one call, which nothing can interrupt: some 30 ms.
  private static let mostInOneCall = 1 << 30

  /// C[m×n] = alpha·A[m×k]·B[k×n] + beta·C, on the calling thread.
  ///
  /// A large product is cut in halves, by its sizes alone, so that an interruption is heard.
  static func product(
    _ m: Int, _ n: Int, _ k: Int, alpha: Float = 1, _ a: MatrixView, _ b: MatrixView,
    beta: Float = 0, _ c: UnsafeMutablePointer<Float>, stride: Int, stop: StopToken? = nil
  ) {
    guard m * n * k > mostInOneCall else {
      kernels.product(
        m, n, k, alpha, a.pointer, a.stride, a.transposed, b.pointer, b.stride, b.transposed, beta,
        c, stride)
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
      let half = (n / 2 + 31) & ~31
      let right = b.fromColumn(half)
      product(m, half, k, alpha: alpha, a, b, beta: beta, c, stride: stride, stop: stop)
      product(
        m, n - half, k, alpha: alpha, a, right, beta: beta, c + half, stride: stride,
        stop: stop)
    }
  }

  /// The most elements of a right operand, a megabyte, that are turned into memory of their own.
  private static let mostTurned = 1 << 18

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
    if b.transposed, m >= 256, n * k <= mostTurned, !Parallel.isInside {
      // A weight turned once is read by every part.
      let turned = try Scratch(k * n)
      transposeCopy(
        b.pointer, rows: k, columns: n, rowStride: 1, columnStride: b.stride, to: turned.pointer)
      try withExtendedLifetime(turned) {
        try parallelProduct(m, n, k, a, MatrixView(turned.pointer, stride: n), beta: beta, c)
      }
    } else if k >= 4 * max(m, n) && k >= 1024 {
      try innerSplitProduct(m, n, k, a, b, beta, c)
    } else if Parallel.isInside || m * n * k < 1 << 19 {
      product(m, n, k, a, b, beta: beta, c, stride: n, stop: stop)
    } else if m >= 32 {
      // 16 parts at the most, each a multiple of 16 rows and of 64 at least: every part reads all
      // of B anew.
      let block = max(64, ((m + 15) / 16 + 15) & ~15)
      Parallel.run((m + block - 1) / block) { part, _ in
        let first = part * block
        product(
          min(block, m - first), n, k, a.fromRow(first), b, beta: beta, c + first * n, stride: n,
          stop: stop)
      }
    } else {
      let block = max(64, ((n + 31) / 32 + 31) & ~31)
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
    if beta == 0, let x = Self.vector(m, n, k, a, b) {
      try Self.vectorByMatrix(n, k, x, b, c)
    } else if a.isNarrow || b.isNarrow {
      try Self.widenedProducts(m, n, k, [a], [b], beta: beta, c)
    } else {
      try Self.parallelProduct(m, n, k, a, b, beta: beta, c)
    }
  }

  public func products(
    _ m: Int, _ n: Int, _ k: Int, _ a: [MatrixView], _ b: [MatrixView],
    to c: UnsafeMutablePointer<Float>
  ) throws {
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
