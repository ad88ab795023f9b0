extension Tensor {
  /// The feed-forward of a transformer layer, fused: y = W₂ relu(W₁ x) for every row x.
  ///
  /// Blocks of rows go through both products while the hidden layer's block is in cache: it is
  /// written once, after the ReLU, for the backward pass, and not at all where nothing is trained.
  ///
  /// With G the gradient of the result and H the hidden layer after the ReLU:
  /// dW₂ = Gᵀ H, dA = (G W₂) ∘ [H > 0], dW₁ = dAᵀ X, dX = dA W₁.
  ///
  /// Threading: parts of rows, cut by their number alone; each part sums the weights' gradients for
  /// itself, and the sums are added in the order of the parts.
  /// - Parameters:
  ///   - w1: W₁ [M, D], where this is [..., D] and M is the size of the hidden layer.
  ///   - w2: W₂ [E, M].
  /// - Returns: [..., E].
  /// - Throws: `EngineError` if shapes do not agree.
  public func feedForward(_ w1: Tensor, _ w2: Tensor) throws -> Tensor {
    guard rank >= 1, w1.rank == 2, w2.rank == 2, w1.shape[1] == shape[rank - 1],
      w2.shape[1] == w1.shape[0]
    else {
      throw EngineError(
        "feed_forward", "inner sizes differ, rows \(shape), W₁ \(w1.shape) and W₂ \(w2.shape)")
    }
    let (x, first, second) = (try operand(), try w1.operand(), try w2.operand())
    let inputs = [x, first, second]
    let isTrained = inputs.contains { $0.requiresGrad }
    let rows = x.shape.dropLast().reduce(1, *)
    let result = try Tensor(uninitialized: Array(x.shape.dropLast()) + [w2.shape[0]])
    let hidden = isTrained ? try Tensor(uninitialized: [rows, w1.shape[0]]) : nil
    let shape = FeedForwardShape(
      rows: rows, inputs: w1.shape[1], hidden: w1.shape[0], outputs: w2.shape[0])
    let backend = Backends.current
    try withExtendedLifetime(inputs) {
      try backend.feedForward(
        shape, x.pointer, first.pointer, second.pointer, to: result.pointer,
        kept: hidden?.pointer)
    }
    guard let hidden else { return result }
    return result.recorded("feed_forward", from: inputs, saving: [hidden], areFresh: true) {
      g, saved in
      let g = try g.contiguous()
      let slopes = try saved.inputs.map {
        $0.requiresGrad ? try Tensor(uninitialized: $0.shape) : nil
      }
      try withExtendedLifetime((saved, g)) {
        try backend.feedForwardSlope(
          shape, saved.inputs[0].pointer, saved.inputs[1].pointer, saved.inputs[2].pointer,
          kept: saved.tensors[0].pointer, gradient: g.pointer, dx: slopes[0]?.pointer,
          dw1: slopes[1]?.pointer, dw2: slopes[2]?.pointer)
      }
      return slopes
    }
  }
}
