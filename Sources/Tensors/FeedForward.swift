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
    try MatrixLibrary.check("feed_forward")
    let (x, first, second) = (try contiguous(), try w1.contiguous(), try w2.contiguous())
    let inputs = [x, first, second]
    let isTrained = inputs.contains { $0.requiresGrad }
    let rows = x.shape.dropLast().reduce(1, *)
    let result = try Tensor(uninitialized: Array(x.shape.dropLast()) + [w2.shape[0]])
    let hidden = isTrained ? try Tensor(uninitialized: [rows, w1.shape[0]]) : nil
    let kernel = FeedForwardKernel(
      rows: rows, inputs: w1.shape[1], hidden: w1.shape[0], outputs: w2.shape[0],
      x: x.pointer, w1: first.pointer, w2: second.pointer)
    try withExtendedLifetime(inputs) {
      try kernel.forward(to: result.pointer, hidden: hidden?.pointer)
    }
    guard let hidden else { return result }
    return result.recorded("feed_forward", from: inputs, areFresh: true) { g in
      let g = try g.contiguous()
      let dx = x.requiresGrad ? try Tensor(uninitialized: x.shape) : nil
      let trainsWeights = first.requiresGrad || second.requiresGrad
      let sums = trainsWeights ? try Tensor(full: [kernel.parts, kernel.weights], 0) : nil
      try withExtendedLifetime((inputs, g)) {
        try kernel.backward(
          g.pointer, hidden: hidden.pointer, dx: dx?.pointer, sums: sums?.pointer,
          trains: (first.requiresGrad, second.requiresGrad))
      }
      let total = try sums.map(Kernels.sumOfParts)
      return [
        dx,
        first.requiresGrad
          ? try total?.narrow(0, 0, first.count).reshape(first.shape) : nil,
        second.requiresGrad
          ? try total?.narrow(0, first.count, second.count).reshape(second.shape) : nil,
      ]
    }
  }
}

/// The loops of one call, on contiguous memory.
private struct FeedForwardKernel {
  /// Rows of one product: enough for its full speed, few enough for their hidden layer to stay in
  /// cache at widths of some hundreds.
  private static let block = 256

  let rows: Int
  let inputs: Int
  let hidden: Int
  let outputs: Int
  let x: UnsafeMutablePointer<Float>
  let w1: UnsafeMutablePointer<Float>
  let w2: UnsafeMutablePointer<Float>

  /// Parts of the rows, each of many blocks: every part has gradients of its own for both weights.
  var parts: Int { max(1, min(16, rows / (16 * Self.block))) }

  /// Number of entries of both weights.
  var weights: Int { hidden * (inputs + outputs) }

  private func matrix(_ pointer: UnsafeMutablePointer<Float>, _ stride: Int) -> Kernels.Matrix {
    Kernels.Matrix(pointer: pointer, stride: max(1, stride), transposed: false)
  }

  private func transposed(
    _ pointer: UnsafeMutablePointer<Float>, _ stride: Int
  ) -> Kernels.Matrix {
    Kernels.Matrix(pointer: pointer, stride: max(1, stride), transposed: true)
  }

  /// Runs `body(part, first row, number of rows, scratch)` for every block, with room for a block's
  /// hidden layer.
  private func forEachBlock(_ body: (Int, Int, Int, UnsafeMutablePointer<Float>) -> Void) throws {
    let lanes = Parallel.threads
    let scratch = try Tensor(uninitialized: [lanes, min(rows, Self.block) * hidden])
    let base = scratch.pointer
    let perPart = (rows + parts - 1) / parts
    Parallel.run(parts, lanes: lanes) { part, lane in
      let end = min(rows, (part + 1) * perPart)
      for first in stride(from: part * perPart, to: end, by: Self.block) {
        body(part, first, min(Self.block, end - first), base + lane * scratch.shape[1])
      }
    }
    withExtendedLifetime(scratch) {}
  }

  func forward(
    to out: UnsafeMutablePointer<Float>, hidden kept: UnsafeMutablePointer<Float>?
  ) throws {
    try forEachBlock { _, first, n, scratch in
      let h = kept.map { $0 + first * hidden } ?? scratch
      Kernels.product(
        n, hidden, inputs, matrix(x + first * inputs, inputs), transposed(w1, inputs), h,
        stride: max(1, hidden))
      for i in 0..<n * hidden { h[i] = h[i] > 0 || h[i] != h[i] ? h[i] : 0 }
      Kernels.product(
        n, outputs, hidden, matrix(h, hidden), transposed(w2, hidden), out + first * outputs,
        stride: max(1, outputs))
    }
  }

  /// `sums` [parts, weights] holds dW₁ and behind it dW₂ of each part.
  func backward(
    _ g: UnsafeMutablePointer<Float>, hidden kept: UnsafeMutablePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, sums: UnsafeMutablePointer<Float>?,
    trains: (first: Bool, second: Bool)
  ) throws {
    try forEachBlock { part, first, n, slopes in
      let (gradient, h) = (g + first * outputs, kept + first * hidden)
      let dw1 = sums.map { $0 + part * weights }
      if let dw1, trains.second {
        Kernels.product(
          outputs, hidden, n, transposed(gradient, outputs), matrix(h, hidden), beta: 1,
          dw1 + hidden * inputs, stride: max(1, hidden))
      }
      if dx == nil && !trains.first { return }
      Kernels.product(
        n, hidden, outputs, matrix(gradient, outputs), matrix(w2, hidden), slopes,
        stride: max(1, hidden))
      for i in 0..<n * hidden { slopes[i] = h[i] > 0 ? slopes[i] : 0 }
      if let dw1, trains.first {
        Kernels.product(
          hidden, inputs, n, transposed(slopes, hidden), matrix(x + first * inputs, inputs),
          beta: 1, dw1, stride: max(1, inputs))
      }
      if let dx {
        Kernels.product(
          n, inputs, hidden, matrix(slopes, hidden), matrix(w1, inputs), dx + first * inputs,
          stride: max(1, inputs))
      }
    }
  }
}
