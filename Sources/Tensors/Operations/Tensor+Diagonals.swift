// Diagonals of matrices, and what lies on either side of them. Diagonal k has the elements where
// the column is k more than the row: 0 is the main one, positive ones lie above it.

extension Tensor {
  /// The diagonal `k` of dimensions `a` and `b`, as the last dimension in place of both; a view.
  ///
  /// Empty where the diagonal misses the matrix.
  /// - Throws: `EngineError` if there are no such dimensions, or both are one.
  public func diagonal(_ k: Int = 0, _ a: Int = 0, _ b: Int = 1) throws -> Tensor {
    part("diagonal", try layout.diagonal(k, a, b, "diagonal")) { try $0.diagonal(k, a, b) }
  }

  /// Of a vector, the square matrix with it on diagonal `k` and 0 elsewhere; of a matrix, that
  /// diagonal, a view.
  /// - Throws: `EngineError` if this is neither, or the matrix would be too large.
  public func diag(_ k: Int = 0) throws -> Tensor {
    guard rank == 1 || rank == 2 else {
      throw EngineError("diag", "needs a vector or a matrix, got shape \(shape)")
    }
    if rank == 2 { return try diagonal(k) }
    let (size, overflow) = Int(clamping: k.magnitude).addingReportingOverflow(count)
    let side = overflow ? Int.max : size
    _ = try Layout.checkedCount([side, side], "diag")
    let result = try Tensor(full: [side, side], 0)
    try result.diagonal(k).write(detach().float())
    return result.recorded("diag", from: [self]) { g, _ in [try g.diagonal(k)] }
  }

  /// The sum of a matrix's main diagonal.
  /// - Throws: `EngineError` if this is not a matrix.
  public func trace() throws -> Tensor {
    guard rank == 2 else { throw EngineError("trace", "needs a matrix, got shape \(shape)") }
    return try diagonal().sum()
  }

  /// The elements on diagonal `k` of every matrix and below it, 0 above.
  /// - Throws: `EngineError` if there are fewer than two dimensions.
  public func tril(_ k: Int = 0) throws -> Tensor {
    try triangle("tril", k) { border, columns in border..<columns }
      .recorded("tril", from: [self], areFresh: true) { g, _ in [try g.tril(k)] }
  }

  /// The elements on diagonal `k` of every matrix and above it, 0 below.
  /// - Throws: `EngineError` if there are fewer than two dimensions.
  public func triu(_ k: Int = 0) throws -> Tensor {
    // What tril keeps up to the diagonal before is what goes.
    try triangle("triu", k == .min ? k : k - 1) { border, _ in 0..<border }
      .recorded("triu", from: [self], areFresh: true) { g, _ in [try g.triu(k)] }
  }

  /// A copy with 0 in some columns of every row: `cleared` gets the first column behind diagonal
  /// `k`, and how many columns there are.
  private func triangle(
    _ operation: String, _ k: Int, _ cleared: (_ border: Int, _ columns: Int) -> Range<Int>
  ) throws -> Tensor {
    guard rank >= 2 else {
      throw EngineError(operation, "needs a matrix, or several of them, got shape \(shape)")
    }
    let (rows, columns) = (shape[rank - 2], shape[rank - 1])
    let k = Swift.min(Swift.max(k, -rows - 1), columns)
    let result = try workingCopy()
    let out = result.pointer
    let grain = Swift.max(1, CPU.grain / Swift.max(columns, 1))
    Parallel.ranges(count / Swift.max(columns, 1), grain: grain) { range in
      for row in range {
        let border = Swift.min(Swift.max(row % rows + k + 1, 0), columns)
        let zeros = cleared(border, columns)
        (out + row * columns + zeros.lowerBound).update(repeating: 0, count: zeros.count)
      }
    }
    return result
  }
}
