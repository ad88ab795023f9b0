import Glibc

/// Causal softmax attention, fused: scores, softmax and the weighted sum of values in blocks of
/// rows, so that nothing of size T×T per sequence is kept.
///
/// Plain formula, for each sequence, head and selected position t:
/// β_tu = softmax_{u ≤ t}(scale · q_t · k_u), o_t = Σ_{u ≤ t} β_tu v_u.
///
/// Legend: *B* batch, *T* sequence length, *R* selected rows, *H* heads, *E* size of a head's
/// queries and keys, *F* of its values. A block of 32 queries meets the keys up to its last
/// position only, so half of the T×T products is never computed. Probabilities are kept for the
/// backward pass if they are few (KeptBlocks); else it computes the scores again and has the
/// logarithm of each softmax's denominator to normalise them.
///
/// Threading: one part of work per sequence and head; parts write to disjoint slices, so results
/// do not depend on the number of threads.
public enum Attention {
  static let block = 32

  /// The attention output at the selected rows, [R, H·F].
  ///
  /// - Parameters:
  ///   - queries: [R, H·E], in the order of `rows`.
  ///   - keys: [B, T, H·E].
  ///   - values: [B, T, H·F].
  ///   - heads: H; default 1.
  ///   - scale: factor of the scores, 1/√E for the usual attention.
  ///   - rows: which position each query stands at.
  /// - Returns: the weighted sums of values, [R, H·F].
  /// - Throws: `EngineError` if shapes do not agree.
  /// - Complexity: O(R·T·H·(E + F)) at the most; scratch of 2·32·T floats per thread.
  public static func causal(
    queries: Tensor, keys: Tensor, values: Tensor, heads: Int = 1, scale: Float,
    rows: RowSelection
  ) throws -> Tensor {
    let shapes = try Shapes(queries, keys, values, heads, rows)
    try MatrixLibrary.check("attention")
    let (q, k, v) = (try queries.contiguous(), try keys.contiguous(), try values.contiguous())
    let output = try Tensor(uninitialized: [rows.count, heads * shapes.valueSize])
    let logDenominators = try Tensor(uninitialized: [rows.count, heads])
    let kernel = Kernel(
      shapes: shapes, scale: scale, q: q.pointer, k: k.pointer, v: v.pointer,
      logDenominators: logDenominators.pointer,
      kept: try shapes.keptBlocks(
        isWanted: Gradients.areRecorded
          && (q.requiresGrad || k.requiresGrad || v.requiresGrad)))
    try withExtendedLifetime((q, k, v)) {
      try kernel.forEachHead { head, scratch in
        kernel.forward(head, scratch, output.pointer)
      }
    }
    let saved = output.detach()
    return output.recorded("attention", from: [q, k, v], areFresh: true) { g in
      let g = try g.contiguous()
      let dq = q.requiresGrad ? try Tensor(uninitialized: q.shape) : nil
      let dk = k.requiresGrad ? try Tensor(full: k.shape, 0) : nil
      // Keys that are the values too collect both gradients in one place.
      let dv = v.requiresGrad ? (k === v ? dk : try Tensor(full: v.shape, 0)) : nil
      try withExtendedLifetime((logDenominators, g)) {
        try kernel.forEachHead { head, scratch in
          kernel.backward(
            head, scratch, output: saved.pointer, gradient: g.pointer, dq: dq?.pointer,
            dk: dk?.pointer, dv: dv?.pointer)
        }
      }
      return [dq, dk, k === v ? nil : dv]
    }
  }

  /// The sizes of one call, checked.
  private struct Shapes {
    let rows: RowSelection
    let heads: Int
    let keySize: Int
    let valueSize: Int
    /// The place of each sequence's first block among all.
    private let firstBlocks: [Int]

    init(
      _ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ heads: Int, _ rows: RowSelection
    ) throws {
      guard keys.rank == 3, values.rank == 3, queries.rank == 2,
        keys.shape[0] == rows.batch, keys.shape[1] == rows.length,
        values.shape[0] == rows.batch, values.shape[1] == rows.length,
        queries.shape[0] == rows.count, queries.shape[1] == keys.shape[2]
      else {
        throw EngineError(
          "attention",
          "queries \(queries.shape), keys \(keys.shape) and values \(values.shape) do not fit "
            + "\(rows.count) rows of a batch [\(rows.batch), \(rows.length)]")
      }
      guard heads >= 1, keys.shape[2] % heads == 0, values.shape[2] % heads == 0 else {
        throw EngineError(
          "attention",
          "\(heads) heads do not divide widths \(keys.shape[2]) and \(values.shape[2])")
      }
      guard keys.shape[2] > 0, values.shape[2] > 0 else {
        throw EngineError(
          "attention",
          "queries, keys and values need a width, got \(queries.shape), \(keys.shape), "
            + "\(values.shape)")
      }
      self.rows = rows
      self.heads = heads
      keySize = keys.shape[2] / heads
      valueSize = values.shape[2] / heads
      firstBlocks = (0..<rows.batch).reduce(into: [0]) { sums, sequence in
        let count = rows.rows(of: sequence..<sequence + 1).count
        sums.append(sums[sequence] + (count + block - 1) / block)
      }
    }

    /// Calls `body` for each block of a sequence's rows.
    func forEachBlock(of sequence: Int, _ body: (Block) -> Void) {
      let rows = rows.rows(of: sequence..<sequence + 1)
      for (i, row) in stride(from: rows.lowerBound, to: rows.upperBound, by: block).enumerated() {
        let count = min(block, rows.upperBound - row)
        body(
          Block(
            index: firstBlocks[sequence] + i, row: row, count: count,
            columns: Int(self.rows.positions[row + count - 1]) + 1))
      }
    }

    func keptBlocks(isWanted: Bool) throws -> KeptBlocks {
      var sizes: [Int] = []
      for sequence in 0..<rows.batch where isWanted {
        forEachBlock(of: sequence) { block in
          sizes += Array(repeating: block.count * block.columns, count: heads)
        }
      }
      return try KeptBlocks(sizes: sizes, isWanted: isWanted)
    }
  }

  /// A block of rows of one sequence.
  private struct Block {
    /// Its place among all blocks.
    let index: Int
    /// The first row and how many.
    let row: Int
    let count: Int
    /// Keys up to the last row's position.
    let columns: Int
  }

  private struct Head {
    let sequence: Int
    let index: Int
  }

  /// The loops over one head of one sequence.
  private struct Kernel {
    let shapes: Shapes
    let scale: Float
    let q: UnsafeMutablePointer<Float>
    let k: UnsafeMutablePointer<Float>
    let v: UnsafeMutablePointer<Float>
    let logDenominators: UnsafeMutablePointer<Float>
    let kept: KeptBlocks

    private var keyStride: Int { shapes.heads * shapes.keySize }
    private var valueStride: Int { shapes.heads * shapes.valueSize }

    /// Runs `body` for each head of each sequence with scratch memory of its thread.
    func forEachHead(_ body: (Head, UnsafeMutablePointer<Float>) -> Void) throws {
      let lanes = Parallel.threads
      let perLane = 2 * block * shapes.rows.length
      let scratch = try Tensor(uninitialized: [lanes, perLane])
      let base = scratch.pointer
      let heads = shapes.heads
      Parallel.run(shapes.rows.batch * heads, lanes: lanes) { part, lane in
        body(Head(sequence: part / heads, index: part % heads), base + lane * perLane)
      }
      withExtendedLifetime(scratch) {}
    }

    private func matrix(_ pointer: UnsafeMutablePointer<Float>, _ stride: Int) -> Kernels.Matrix {
      Kernels.Matrix(pointer: pointer, stride: stride, transposed: false)
    }

    private func transposed(
      _ pointer: UnsafeMutablePointer<Float>, _ stride: Int
    ) -> Kernels.Matrix {
      Kernels.Matrix(pointer: pointer, stride: stride, transposed: true)
    }

    private func queries(_ head: Head, _ row: Int) -> UnsafeMutablePointer<Float> {
      q + row * keyStride + head.index * shapes.keySize
    }

    private func keyOffset(_ head: Head) -> Int {
      head.sequence * shapes.rows.length * keyStride + head.index * shapes.keySize
    }

    private func valueOffset(_ head: Head) -> Int {
      head.sequence * shapes.rows.length * valueStride + head.index * shapes.valueSize
    }

    /// Where the probabilities of a block are kept; nil if they are not.
    private func keptPlace(_ head: Head, _ block: Block) -> UnsafeMutablePointer<Float>? {
      kept.place(block.index * shapes.heads + head.index)
    }

    /// Fills `scores` [n, columns] with the scaled scores of a block.
    private func score(_ head: Head, _ block: Block, _ scores: UnsafeMutablePointer<Float>) {
      Kernels.product(
        block.count, block.columns, shapes.keySize, alpha: scale,
        matrix(queries(head, block.row), keyStride), transposed(k + keyOffset(head), keyStride),
        scores, stride: block.columns)
    }

    /// Turns scores into probabilities up to each row's own position, 0 behind it.
    private func normalize(_ head: Head, _ block: Block, _ scores: UnsafeMutablePointer<Float>) {
      for i in 0..<block.count {
        let own = Int(shapes.rows.positions[block.row + i]) + 1
        let row = scores + i * block.columns
        let (top, sum) = Kernels.exponentiate(row, own)
        let inverse = 1 / sum
        for j in 0..<own { row[j] *= inverse }
        for j in own..<block.columns { row[j] = 0 }
        logDenominators[(block.row + i) * shapes.heads + head.index] = top + logf(sum)
      }
    }

    func forward(
      _ head: Head, _ scratch: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>
    ) {
      shapes.forEachBlock(of: head.sequence) { block in
        let probabilities = keptPlace(head, block) ?? scratch
        score(head, block, probabilities)
        normalize(head, block, probabilities)
        Kernels.product(
          block.count, shapes.valueSize, block.columns, matrix(probabilities, block.columns),
          matrix(v + valueOffset(head), valueStride),
          output + block.row * valueStride + head.index * shapes.valueSize, stride: valueStride)
      }
    }

    /// Gradients of one head: with P the probabilities and G the gradient of the output,
    /// dV += Pᵀ G, dP = G Vᵀ, dS = scale · P ∘ (dP − rowsum(G ∘ O)), dQ = dS K, dK += dSᵀ Q.
    func backward(
      _ head: Head, _ scratch: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>,
      gradient: UnsafeMutablePointer<Float>, dq: UnsafeMutablePointer<Float>?,
      dk: UnsafeMutablePointer<Float>?, dv: UnsafeMutablePointer<Float>?
    ) {
      let slopes = scratch + Attention.block * shapes.rows.length
      shapes.forEachBlock(of: head.sequence) { block in
        let (n, columns) = (block.count, block.columns)
        let p = keptPlace(head, block) ?? probabilitiesAgain(head, block, scratch)
        let place = block.row * valueStride + head.index * shapes.valueSize
        let (g, o) = (gradient + place, output + place)
        if let dv {
          Kernels.product(
            columns, shapes.valueSize, n, transposed(p, columns), matrix(g, valueStride),
            beta: 1, dv + valueOffset(head), stride: valueStride)
        }
        if dq == nil && dk == nil { return }
        Kernels.product(
          n, columns, shapes.valueSize, matrix(g, valueStride),
          transposed(v + valueOffset(head), valueStride), slopes, stride: columns)
        for i in 0..<n {
          let inner = Kernels.dot(g + i * valueStride, o + i * valueStride, shapes.valueSize)
          let (p, s) = (p + i * columns, slopes + i * columns)
          for j in 0..<columns { s[j] = scale * p[j] * (s[j] - inner) }
        }
        if let dq {
          Kernels.product(
            n, shapes.keySize, columns, matrix(slopes, columns),
            matrix(k + keyOffset(head), keyStride),
            dq + block.row * keyStride + head.index * shapes.keySize, stride: keyStride)
        }
        if let dk {
          Kernels.product(
            columns, shapes.keySize, n, transposed(slopes, columns),
            matrix(queries(head, block.row), keyStride), beta: 1, dk + keyOffset(head),
            stride: keyStride)
        }
      }
    }

    private func probabilitiesAgain(
      _ head: Head, _ block: Block, _ scratch: UnsafeMutablePointer<Float>
    ) -> UnsafeMutablePointer<Float> {
      score(head, block, scratch)
      for i in 0..<block.count {
        let own = Int(shapes.rows.positions[block.row + i]) + 1
        let log = logDenominators[(block.row + i) * shapes.heads + head.index]
        let p = scratch + i * block.columns
        for j in 0..<own { p[j] = Kernels.exponential(p[j] - log) }
        for j in own..<block.columns { p[j] = 0 }
      }
      return scratch
    }
  }
}
