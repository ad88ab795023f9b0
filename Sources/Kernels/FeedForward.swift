// The feed-forward of a layer, fused.
//
// Blocks of rows go through both products while the hidden layer's block is in cache: it is written
// once, after the ReLU, for the backward pass, and not at all where nothing is trained.
//
// Threading: parts of rows, cut by their number alone; each part sums the weights' gradients for
// itself, and the sums are added in the order of the parts.

extension CPU {
  public func feedForward(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) throws {
    let kernel = FeedForwardKernel(shape: shape, x: x, w1: w1, w2: w2)
    try kernel.forward(to: out, hidden: kept)
  }

  public func feedForwardSlope(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, kept: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dw1: UnsafeMutablePointer<Float>?,
    dw2: UnsafeMutablePointer<Float>?
  ) throws {
    let kernel = FeedForwardKernel(shape: shape, x: x, w1: w1, w2: w2)
    let (parts, first, second) = (
      kernel.parts, shape.hidden * shape.inputs, shape.outputs * shape.hidden
    )
    let sums1 = dw1 == nil ? nil : try Scratch(parts * first)
    let sums2 = dw2 == nil ? nil : try Scratch(parts * second)
    sums1?.pointer.update(repeating: 0, count: parts * first)
    sums2?.pointer.update(repeating: 0, count: parts * second)
    try kernel.backward(g, hidden: kept, dx: dx, dw1: sums1?.pointer, dw2: sums2?.pointer)
    withExtendedLifetime((sums1, sums2)) {
      if let sums1, let dw1 { Self.addParts(parts, first, sums1.pointer, to: dw1) }
      if let sums2, let dw2 { Self.addParts(parts, second, sums2.pointer, to: dw2) }
    }
  }
}

/// The loops of one call.
private struct FeedForwardKernel {
  /// Rows of one product: enough for its full speed, few enough for their hidden layer to stay in
  /// cache at widths of some hundreds.
  private static let block = 256

  let shape: FeedForwardShape
  let x: UnsafePointer<Float>
  let w1: UnsafePointer<Float>
  let w2: UnsafePointer<Float>

  private var hidden: Int { shape.hidden }
  private var inputs: Int { shape.inputs }
  private var outputs: Int { shape.outputs }

  /// Parts of the rows, each of many blocks: every part has gradients of its own for both weights.
  var parts: Int { max(1, min(16, shape.rows / (16 * Self.block))) }

  private func matrix(_ pointer: UnsafePointer<Float>, _ stride: Int) -> MatrixView {
    MatrixView(pointer, stride: max(1, stride))
  }

  private func transposed(_ pointer: UnsafePointer<Float>, _ stride: Int) -> MatrixView {
    MatrixView(pointer, stride: max(1, stride), transposed: true)
  }

  /// Runs `body(part, first row, number of rows, scratch)` for every block, with room for a block's
  /// hidden layer.
  private func forEachBlock(_ body: (Int, Int, Int, UnsafeMutablePointer<Float>) -> Void) throws {
    let lanes = Parallel.threads
    let perLane = min(shape.rows, Self.block) * hidden
    let scratch = try Scratch(lanes * perLane)
    let base = scratch.pointer
    let perPart = (shape.rows + parts - 1) / parts
    Parallel.run(parts, lanes: lanes) { part, lane in
      let end = min(shape.rows, (part + 1) * perPart)
      for first in stride(from: part * perPart, to: end, by: Self.block) {
        body(part, first, min(Self.block, end - first), base + lane * perLane)
      }
    }
    withExtendedLifetime(scratch) {}
  }

  func forward(
    to out: UnsafeMutablePointer<Float>, hidden kept: UnsafeMutablePointer<Float>?
  ) throws {
    try forEachBlock { _, first, n, scratch in
      let h = kept.map { $0 + first * hidden } ?? scratch
      CPU.product(
        n, hidden, inputs, matrix(x + first * inputs, inputs), transposed(w1, inputs), h,
        stride: max(1, hidden))
      kernels.relu(n * hidden, h, h)
      CPU.product(
        n, outputs, hidden, matrix(h, hidden), transposed(w2, hidden), out + first * outputs,
        stride: max(1, outputs))
    }
  }

  /// `dw1` and `dw2` hold a sum for each part.
  func backward(
    _ g: UnsafePointer<Float>, hidden kept: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dw1: UnsafeMutablePointer<Float>?,
    dw2: UnsafeMutablePointer<Float>?
  ) throws {
    try forEachBlock { part, first, n, slopes in
      let (gradient, h) = (g + first * outputs, kept + first * hidden)
      if let dw2 {
        CPU.product(
          outputs, hidden, n, transposed(gradient, outputs), matrix(h, hidden), beta: 1,
          dw2 + part * outputs * hidden, stride: max(1, hidden))
      }
      if dx == nil && dw1 == nil { return }
      CPU.product(
        n, hidden, outputs, matrix(gradient, outputs), matrix(w2, hidden), slopes,
        stride: max(1, hidden))
      kernels.relu_slope(n * hidden, h, slopes, slopes)
      if let dw1 {
        CPU.product(
          hidden, inputs, n, transposed(slopes, hidden), matrix(x + first * inputs, inputs),
          beta: 1, dw1 + part * hidden * inputs, stride: max(1, inputs))
      }
      if let dx {
        CPU.product(
          n, inputs, hidden, matrix(slopes, hidden), matrix(w1, inputs), dx + first * inputs,
          stride: max(1, inputs))
      }
    }
  }
}
