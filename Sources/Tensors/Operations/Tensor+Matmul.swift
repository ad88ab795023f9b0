// Matrix products.

extension Tensor {
  /// This matrix (or the last two dimensions' matrix at `offset`) as a product reads it, if it can.
  private var blasMatrix: MatrixView? {
    let (rows, columns) = (shape[rank - 2], shape[rank - 1])
    let (rowStride, columnStride) = (layout.strides[rank - 2], layout.strides[rank - 1])
    guard Swift.max(rowStride, columnStride) <= Int32.max else { return nil }
    if columnStride == 1, rowStride >= Swift.max(1, columns) {
      return MatrixView(address, dtype, stride: rowStride)
    }
    if rowStride == 1, columnStride >= Swift.max(1, rows) {
      return MatrixView(address, dtype, stride: columnStride, transposed: true)
    }
    return nil
  }

  /// Calls `body` with this matrix as a product reads it, copied if its strides require it.
  private func withBlasMatrix(_ body: (MatrixView) throws -> Void) throws {
    if let matrix = blasMatrix {
      try withExtendedLifetime(self) { try body(matrix) }
    } else {
      let copy = try copied()
      try withExtendedLifetime(copy) {
        try body(MatrixView(copy.address, dtype, stride: Swift.max(1, shape[rank - 1])))
      }
    }
  }

  /// Matrix product, with NumPy's rules for vectors and for leading (batch) dimensions.
  ///
  /// [n]·[n] → scalar; [m, k]·[k] → [m]; [k]·[k, n] → [n]; [..., m, k]·[..., k, n] → [..., m, n],
  /// leading dimensions broadcasting.
  /// - Throws: `EngineError` if inner sizes differ or leading sizes do not broadcast.
  public func matmul(_ other: Tensor) throws -> Tensor {
    guard rank >= 1, other.rank >= 1 else {
      throw EngineError(
        "matmul", "needs at least 1 dimension on each side, got \(shape) × \(other.shape)")
    }
    let inner = other.shape[Swift.max(0, other.rank - 2)]
    guard shape[rank - 1] == inner else {
      throw EngineError("matmul", "inner sizes differ, \(shape) × \(other.shape)")
    }
    try checkProductSizes(other)
    if rank == 1 {
      let row = try reshape([1, inner]).matmul(other)
      return try row.reshape(
        other.shape.dropLast(2) + (other.rank == 1 ? [] : [other.shape[other.rank - 1]]))
    }
    if other.rank == 1 {
      return try matmul(other.reshape([inner, 1])).reshape(Array(shape.dropLast()))
    }
    if other.rank == 2 {
      let rows = shape.dropLast()
      let flat = rank == 2 ? self : try reshape([rows.reduce(1, *), inner])
      let product = try flat.matrixProduct(other)
      return rank == 2 ? product : try product.reshape(rows + [other.shape[1]])
    }
    let lead = try Layout.broadcast(
      Array(shape.dropLast(2)), Array(other.shape.dropLast(2)), "matmul")
    let batch = lead.reduce(1, *)
    let (m, n) = (shape[rank - 2], other.shape[other.rank - 1])
    let left = try expand(lead + [m, inner]).reshape([batch, m, inner])
    let right = try other.expand(lead + [inner, n]).reshape([batch, inner, n])
    return try left.batchProduct(right).reshape(lead + [m, n])
  }

  /// - Throws: `EngineError` if a matrix of a product with `other` is larger than BLAS can count.
  private func checkProductSizes(_ other: Tensor) throws {
    guard (shape.suffix(2) + other.shape.suffix(2)).allSatisfy({ $0 <= Int32.max }) else {
      throw EngineError(
        "matmul", "sizes are at most \(Int32.max), got \(shape) × \(other.shape)")
    }
  }

  /// [m, k]·[k, n].
  private func matrixProduct(_ other: Tensor) throws -> Tensor {
    let (m, k, n) = (shape[0], shape[1], other.shape[1])
    _ = try Layout.checkedCount([m, n], "matmul")
    let result = try Tensor(uninitialized: [m, n])
    try withBlasMatrix { a in
      try other.withBlasMatrix { b in
        try Backends.current.product(m, n, k, a, b, beta: 0, to: result.pointer)
      }
    }
    // dA = g Bᵀ, dB = Aᵀ g
    return result.recorded("matmul", from: [self, other], areFresh: true) { g, saved in
      let (a, b) = (saved.inputs[0], saved.inputs[1])
      return [
        a.requiresGrad ? try g.matrixProduct(b.detach().t()) : nil,
        b.requiresGrad ? try a.detach().t().matrixProduct(g) : nil,
      ]
    }
  }

  /// This batch of matrices, copied if a product cannot read them where they are.
  private func readableEntries() throws -> Tensor {
    if shape[0] == 0 { return self }
    return try noGrad { try select(0, 0).blasMatrix == nil ? copied() : self }
  }

  /// [b, m, k]·[b, k, n], one product per entry of the batch, read where it is if it can be.
  /// - Throws: `EngineError` if the product, or a size, is too large.
  func batchProduct(_ other: Tensor) throws -> Tensor {
    try checkProductSizes(other)
    let (batch, m, k, n) = (shape[0], shape[1], shape[2], other.shape[2])
    _ = try Layout.checkedCount([batch, m, n], "matmul")
    let result = try Tensor(uninitialized: [batch, m, n])
    let (left, right) = (try readableEntries(), try other.readableEntries())
    try noGrad {
      let lefts = try (0..<batch).compactMap { try left.select(0, $0).blasMatrix }
      let rights = try (0..<batch).compactMap { try right.select(0, $0).blasMatrix }
      try withExtendedLifetime((left, right)) {
        try Backends.current.products(m, n, k, lefts, rights, to: result.pointer)
      }
    }
    return result.recorded("matmul", from: [self, other], areFresh: true) { g, saved in
      let (a, b) = (saved.inputs[0], saved.inputs[1])
      return [
        a.requiresGrad ? try g.batchProduct(b.detach().transpose(1, 2)) : nil,
        b.requiresGrad ? try a.detach().transpose(1, 2).batchProduct(g) : nil,
      ]
    }
  }

  /// Σ x_i y_i of two vectors of one length.
  /// - Throws: `EngineError` if they are not.
  public func dot(_ other: Tensor) throws -> Tensor {
    guard rank == 1, shape == other.shape else {
      throw EngineError(
        "dot", "needs two vectors of one length, got shapes \(shape) and \(other.shape)")
    }
    return try matmul(other)
  }

  /// The matrix x_i y_j of two vectors.
  /// - Throws: `EngineError` if they are not vectors.
  public func outer(_ other: Tensor) throws -> Tensor {
    guard rank == 1, other.rank == 1 else {
      throw EngineError("outer", "needs two vectors, got shapes \(shape) and \(other.shape)")
    }
    return try reshape([count, 1]).mul(other)
  }

  /// Applies a weight stored [out, in] to rows, and adds a bias: x Wᵀ + b, [..., in] → [..., out].
  /// - Throws: `EngineError` if shapes do not agree.
  public func linear(_ weight: Tensor, bias: Tensor? = nil) throws -> Tensor {
    guard let width = shape.last, weight.rank == 2, weight.shape[1] == width else {
      throw EngineError(
        "linear", "x [..., in] and weight [out, in] do not fit, got \(shape) and \(weight.shape)")
    }
    let product = try matmul(weight.t())
    guard let bias else { return product }
    guard bias.shape == [weight.shape[0]] else {
      throw EngineError(
        "linear",
        "a weight \(weight.shape) needs a bias [\(weight.shape[0])], got \(bias.shape)")
    }
    return try product.add(bias)
  }
}
