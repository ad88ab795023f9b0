// Softmax and what is made of it, each in one pass over rows that stay in cache.

extension Tensor {
  /// Moves dimension `d` last and makes the elements contiguous; `back` undoes the move.
  private func lastDimension(
    _ d: Int, _ operation: String
  ) throws -> (rows: Tensor, back: (Tensor) throws -> Tensor) {
    let d = try layout.dimension(d, operation)
    if d == rank - 1 { return (try operand(), { $0 }) }
    return (try transpose(d, rank - 1).operand(), { try $0.transpose(d, $0.rank - 1) })
  }

  /// e^x / Σ e^x along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func softmax(_ d: Int) throws -> Tensor {
    let (x, back) = try lastDimension(d, "softmax")
    return try back(x.softmaxRows())
  }

  /// log(e^x / Σ e^x) along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func logSoftmax(_ d: Int) throws -> Tensor {
    let d = try layout.dimension(d, "log_softmax")
    return try sub(logSumExp(d, keepDim: true))
  }

  /// log Σ e^x along dimension `d`; −∞ where it is empty.
  /// - Throws: `EngineError` if there is no such dimension.
  public func logSumExp(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    let (x, _) = try lastDimension(d, "logsumexp")
    let logs = try x.logSumExpRows()
    var shape = shape
    let d = try layout.dimension(d, "logsumexp")
    if keepDim {
      shape[d] = 1
    } else {
      shape.remove(at: d)
    }
    // Moving dimension d last changed the order of the dimensions that remain after it.
    if d == rank - 1 { return try logs.reshape(shape) }
    let moved = Array(x.shape.dropLast()) + [1]
    return try logs.reshape(moved).transpose(d, rank - 1).reshape(shape)
  }

  /// log Σ e^x over everything; −∞ if there are no elements.
  public func logSumExp() throws -> Tensor { try reshape([-1]).logSumExp(0) }

  private func softmaxRows() throws -> Tensor {
    let n = shape[rank - 1]
    let rows = n == 0 ? 0 : count / n
    let result = try detach().clone()
    Backends.current.softmax(rows, n, result.pointer)
    // dx = y ∘ (g − Σ g y)
    return result.recorded("softmax", from: [self], saving: [result.detach()]) { g, saved in
      let dx = try g.clone()
      withExtendedLifetime(saved) {
        Backends.current.softmaxSlope(rows, n, saved.tensors[0].pointer, gradient: dx.pointer)
      }
      return [dx]
    }
  }

  /// log Σ e^x of every row of a contiguous tensor, as a vector.
  private func logSumExpRows() throws -> Tensor {
    let n = shape[rank - 1]
    let rows = shape.dropLast().reduce(1, *)
    let result = try Tensor(uninitialized: [rows])
    Backends.current.logSumExp(rows, n, pointer, to: result.pointer)
    return result.recorded("logsumexp", from: [self], saving: [result.detach()]) { g, saved in
      let x = saved.inputs[0].detach()
      let column = Array(x.shape.dropLast()) + [1]
      let probabilities = try x.sub(saved.tensors[0].reshape(column)).exp()
      return [try probabilities.mul(g.reshape(column))]
    }
  }
}

extension Tensor {
  /// Softmax over the last dimension up to the diagonal, 0 above it: row t sees columns u ≤ t.
  /// - Throws: `EngineError` if the last two dimensions are not equal.
  public func causalSoftmax() throws -> Tensor {
    guard rank >= 2, shape[rank - 1] == shape[rank - 2] else {
      throw EngineError("causal_softmax", "needs shape [..., T, T], got \(shape)")
    }
    let n = shape[rank - 1]
    let mask = try Tensor.full([n, n], 0)
    for t in 0..<n {
      for u in (t + 1)..<Swift.max(n, t + 1) { mask.pointer[t * n + u] = -.infinity }
    }
    return try add(mask).softmax(-1)
  }
}
