// Softmax and what is made of it, each in one pass over rows that stay in cache.

extension Tensor {
  /// e^x / Σ e^x along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func softmax(_ d: Int) throws -> Tensor {
    let lines = Lines(shape, around: try layout.dimension(d, "softmax"))
    let x = try plainOperand()
    let result = try Tensor(uninitialized: shape)
    withExtendedLifetime(x) { Backends.current.softmax(lines, x.pointer, to: result.pointer) }
    // dx = y ∘ (g − Σ g y)
    return result.recorded("softmax", from: [self], saving: [result.detach()]) { g, saved in
      let g = try g.contiguous()
      let dx = try Tensor(uninitialized: g.shape)
      withExtendedLifetime((g, saved)) {
        Backends.current.softmaxSlope(
          lines, saved.tensors[0].pointer, gradient: g.pointer, to: dx.pointer)
      }
      return [dx]
    }
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
    let d = try layout.dimension(d, "logsumexp")
    let x = try plainOperand()
    var (kept, short) = (shape, shape)
    kept[d] = 1
    short.remove(at: d)
    let column = kept
    let result = try Tensor(uninitialized: keepDim ? kept : short)
    withExtendedLifetime(x) {
      Backends.current.logSumExp(Lines(shape, around: d), x.pointer, to: result.pointer)
    }
    return result.recorded("logsumexp", from: [self], saving: [result.detach()]) { g, saved in
      let x = saved.inputs[0].detach()
      let probabilities = try x.sub(saved.tensors[0].reshape(column)).exp()
      return [try probabilities.mul(g.reshape(column))]
    }
  }

  /// log Σ e^x over everything; −∞ if there are no elements.
  public func logSumExp() throws -> Tensor { try reshape([-1]).logSumExp(0) }
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
