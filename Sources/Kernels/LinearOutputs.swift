import Glibc

// Logits that are made in blocks of rows, with their losses and gradients, and never all at once.

extension CPU {
  public func linearCrossEntropy(
    _ rows: Int, vocab: Int, _ terms: [LinearTerm], _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, total: Float, wantsSlopes: Bool,
    losses: UnsafeMutablePointer<Float>
  ) throws {
    // A quarter of a megabyte of logits, but enough rows for a product to run at speed.
    let block = max(64, (1 << 16) / max(vocab, 1))
    let scratch = try Scratch(min(block, rows) * vocab)
    let logits = scratch.pointer
    for first in stride(from: 0, to: rows, by: block) {
      let n = min(block, rows - first)
      for (i, term) in terms.enumerated() {
        try Self.parallelProduct(
          n, vocab, term.width, Self.view(term.x + first * term.width, term.width),
          Self.view(term.w, term.width, transposed: true), beta: i == 0 ? 0 : 1, logits)
      }
      Self.lossesAndSlopes(
        logits, n, vocab, targets: targets + first, weights: weights + first,
        losses: losses + first, total: total, wantsSlopes: wantsSlopes)
      guard wantsSlopes else { continue }
      for term in terms { try Self.addSlopes(of: term, first, n, vocab, logits) }
    }
    withExtendedLifetime(scratch) {}
  }

  private static func view(
    _ pointer: UnsafePointer<Float>, _ stride: Int, transposed: Bool = false
  ) -> MatrixView {
    MatrixView(pointer, stride: max(stride, 1), transposed: transposed)
  }

  /// dX = dL W, dW += dLᵀ X for `n` rows from `first`.
  private static func addSlopes(
    of term: LinearTerm, _ first: Int, _ n: Int, _ vocab: Int, _ slopes: UnsafePointer<Float>
  ) throws {
    if let dx = term.dx {
      try parallelProduct(
        n, term.width, vocab, view(slopes, vocab), view(term.w, term.width),
        dx + first * term.width)
    }
    if let dw = term.dw {
      try parallelProduct(
        vocab, term.width, n, view(slopes, vocab, transposed: true),
        view(term.x + first * term.width, term.width), beta: 1, dw)
    }
  }

  /// Turns the logits of `n` rows into their losses and, if wanted, into the gradients of the loss.
  private static func lossesAndSlopes(
    _ logits: UnsafeMutablePointer<Float>, _ n: Int, _ vocab: Int,
    targets: UnsafePointer<Int32>, weights: UnsafePointer<Float>,
    losses: UnsafeMutablePointer<Float>, total: Float, wantsSlopes: Bool
  ) {
    Parallel.ranges(n, grain: max(16, grain / max(vocab, 1))) { range in
      for r in range {
        let row = logits + r * vocab
        let target = Int(targets[r])
        // A weight of 0 leaves the row out even where its loss is infinite.
        if weights[r] == 0 {
          losses[r] = 0
          if wantsSlopes { row.update(repeating: 0, count: vocab) }
          continue
        }
        let own = row[target]
        var top: Float = 0
        let sum = kernels.exponentiate(vocab, row, row, &top)
        losses[r] = weights[r] * (top - own + logf(sum))
        guard wantsSlopes else { continue }
        let factor = weights[r] / total
        kernels.scale(vocab, factor / sum, row)
        row[target] -= factor
      }
    }
  }
}
