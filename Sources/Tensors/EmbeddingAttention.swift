import Glibc

/// Causal attention over inputs that are sums of a token's and a position's embedding, read from
/// tables: what the first layer of a transformer without a norm before it computes.
///
/// With x_t = Z[z_t] + Z[N + t], where Z = [E; P] stacks the N token embeddings on the T position
/// embeddings, a score x_tᵀ W x_u is the sum of four entries of S = Z W Zᵀ, and a value M x_u the
/// sum of two rows of Z Mᵀ. Both tables are products of weights alone, made once for a whole batch;
/// no product of queries and keys is left, and the gradient of S is a sum over all pairs of
/// positions, (N + T)² numbers, from which that of W follows.
///
/// Plain formula, for each sequence: β_tu = softmax_{u ≤ t}(S[z_t, z_u] + S[z_t, N + u] +
/// S[N + t, z_u] + S[N + t, N + u]), o_t = X[z_t] + X[N + t] + Σ_{u ≤ t} β_tu (V[z_u] + V[N + u]).
///
/// Legend: *B* batch, *T* sequence length, *N* tokens, *D* width. Rows are done in blocks of 32 that
/// meet the columns up to the diagonal only; β is kept for the backward pass if it is small, else
/// computed again (KeptBlocks).
///
/// Threading: parts of 16 sequences, each with gradient tables of its own, added in order.
public enum EmbeddingAttention {
  private static let block = 32
  private static let sequencesPerPart = 16

  /// The attention output, with the residual stream added, [B, T, D].
  ///
  /// - Parameters:
  ///   - tokens: ids z [B, T], from 0 to N − 1.
  ///   - scores: the table S, scaled, [N + T, N + T].
  ///   - values: the table V, [N + T, D].
  ///   - residual: the table X of what is added, [N + T, D]; often the embeddings themselves.
  /// - Returns: o, [B, T, D].
  /// - Throws: `EngineError` if shapes do not agree or an id is outside 0 ..< N.
  /// - Complexity: O(B·T²·D); scratch of T·(D + 64) floats per thread.
  public static func causal(
    tokens: IntTensor, scores: Tensor, values: Tensor, residual: Tensor
  ) throws -> Tensor {
    let shapes = try Shapes(tokens, scores, values, residual)
    try MatrixLibrary.check("embedding attention")
    let ids = try tokens.contiguous()
    let (s, v, x) = (try scores.contiguous(), try values.contiguous(), try residual.contiguous())
    let output = try Tensor(uninitialized: [shapes.batch, shapes.length, shapes.dim])
    let logDenominators = try Tensor(uninitialized: [shapes.batch, shapes.length])
    let kernel = Kernel(
      shapes: shapes, tokens: ids.pointer, scores: s.pointer, values: v.pointer,
      logDenominators: logDenominators.pointer,
      kept: try shapes.keptBlocks(
        isWanted: Gradients.areRecorded && (s.requiresGrad || v.requiresGrad)))
    try withExtendedLifetime((ids, s, v, x)) {
      try kernel.forEachPart { _, sequences, scratch in
        for sequence in sequences {
          kernel.forward(sequence, scratch, residual: x.pointer, output: output.pointer)
        }
      }
    }
    return output.recorded("embedding_attention", from: [s, v, x], areFresh: true) { g in
      let g = try g.contiguous()
      let tables = try [s, v, x].map { table in
        table.requiresGrad ? try Tensor(uninitialized: [shapes.parts] + table.shape) : nil
      }
      try withExtendedLifetime((ids, s, v, logDenominators, g)) {
        try kernel.forEachPart { part, sequences, scratch in
          let sums = tables.map { $0.map { Kernels.zeroed($0, part) } }
          for sequence in sequences {
            kernel.backward(
              sequence, scratch, gradient: g.pointer, scores: sums[0], values: sums[1],
              residual: sums[2])
          }
        }
      }
      return try tables.map { try $0.map(Kernels.sumOfParts) }
    }
  }

  /// The sizes of one call, checked.
  private struct Shapes {
    let batch: Int
    let length: Int
    let vocab: Int
    let dim: Int

    /// N + T, the rows of a table.
    var rows: Int { vocab + length }
    /// Blocks of rows in a sequence.
    var blocks: Int { (length + block - 1) / block }
    var parts: Int { (batch + sequencesPerPart - 1) / sequencesPerPart }

    init(
      _ tokens: IntTensor, _ scores: Tensor, _ values: Tensor, _ residual: Tensor
    ) throws {
      guard tokens.rank == 2 else {
        throw EngineError(
          "embedding attention", "tokens need shape [B, T], got \(tokens.shape)")
      }
      (batch, length) = (tokens.shape[0], tokens.shape[1])
      guard scores.rank == 2, scores.shape[0] == scores.shape[1], scores.shape[0] > length else {
        throw EngineError(
          "embedding attention",
          "sequences of \(length) need scores of shape [N + \(length), N + \(length)], got "
            + "\(scores.shape)")
      }
      vocab = scores.shape[0] - length
      guard values.rank == 2, values.shape[0] == scores.shape[0], values.shape[1] > 0,
        residual.shape == values.shape
      else {
        throw EngineError(
          "embedding attention",
          "scores of shape \(scores.shape) need values and residual of one shape "
            + "[\(scores.shape[0]), D], got \(values.shape) and \(residual.shape)")
      }
      dim = values.shape[1]
      try tokens.check(below: vocab, "embedding attention", "token")
    }

    func keptBlocks(isWanted: Bool) throws -> KeptBlocks {
      let ofSequence = stride(from: 0, to: length, by: block).map { first in
        let columns = min(first + block, length)
        return (columns - first) * columns
      }
      return try KeptBlocks(
        sizes: (0..<batch).flatMap { _ in ofSequence }, isWanted: isWanted)
    }
  }

  /// The loops over one sequence.
  private struct Kernel {
    let shapes: Shapes
    let tokens: UnsafeMutablePointer<Int32>
    let scores: UnsafeMutablePointer<Float>
    let values: UnsafeMutablePointer<Float>
    let logDenominators: UnsafeMutablePointer<Float>
    let kept: KeptBlocks

    /// Memory of one thread.
    struct Scratch {
      /// The values of one sequence, [T, D]; in the backward pass then their gradient.
      let values: UnsafeMutablePointer<Float>
      /// Scores of a block of rows, then probabilities, [block, T].
      let probabilities: UnsafeMutablePointer<Float>
      /// Gradients of the same, [block, T].
      let slopes: UnsafeMutablePointer<Float>
      /// One number for each token, [N].
      let byToken: UnsafeMutablePointer<Float>
    }

    func forEachPart(_ body: (_ part: Int, _ sequences: Range<Int>, Scratch) -> Void) throws {
      let lanes = Parallel.threads
      let (length, dim) = (shapes.length, shapes.dim)
      let perLane = length * (2 * dim + 2 * block) + shapes.vocab
      let memory = try Tensor(uninitialized: [lanes, perLane])
      Parallel.run(shapes.parts, lanes: lanes) { part, lane in
        let base = memory.pointer + lane * perLane
        let probabilities = base + 2 * length * dim
        let scratch = Scratch(
          values: base, probabilities: probabilities, slopes: probabilities + block * length,
          byToken: probabilities + 2 * block * length)
        let first = part * sequencesPerPart
        body(part, first..<min(first + sequencesPerPart, shapes.batch), scratch)
      }
      withExtendedLifetime(memory) {}
    }

    private func matrix(
      _ pointer: UnsafeMutablePointer<Float>, _ stride: Int, transposed: Bool = false
    ) -> Kernels.Matrix {
      Kernels.Matrix(pointer: pointer, stride: stride, transposed: transposed)
    }

    /// to[t] = table[z_t] + table[N + t] for every position of a sequence, [T, D].
    private func addRows(
      of table: UnsafeMutablePointer<Float>, _ z: UnsafeMutablePointer<Int32>,
      to: UnsafeMutablePointer<Float>
    ) {
      let dim = shapes.dim
      for t in 0..<shapes.length {
        let a = table + Int(z[t]) &* dim
        let b = table + (shapes.vocab &+ t) &* dim
        let sum = to + t &* dim
        for i in 0..<dim { sum[i] = a[i] + b[i] }
      }
    }

    /// The adjoint of `addRows`: adds row t of `from` to rows z_t and N + t of `table`.
    private func scatterRows(
      _ from: UnsafeMutablePointer<Float>, _ z: UnsafeMutablePointer<Int32>,
      to table: UnsafeMutablePointer<Float>
    ) {
      let dim = shapes.dim
      for t in 0..<shapes.length {
        let row = from + t &* dim
        let a = table + Int(z[t]) &* dim
        let b = table + (shapes.vocab &+ t) &* dim
        for i in 0..<dim { a[i] += row[i] }
        for i in 0..<dim { b[i] += row[i] }
      }
    }

    /// The scores of position t with positions 0…t.
    @inline(__always)
    private func scoreRow(
      _ t: Int, _ z: UnsafeMutablePointer<Int32>, _ byToken: UnsafeMutablePointer<Float>,
      _ row: UnsafeMutablePointer<Float>
    ) {
      let vocab = shapes.vocab
      let ofPosition = scores + (vocab &+ t) &* shapes.rows
      let ofToken = scores + Int(z[t]) &* shapes.rows
      for n in 0..<vocab { byToken[n] = ofPosition[n] + ofToken[n] }
      let (a, b) = (ofPosition + vocab, ofToken + vocab)
      for u in 0...t { row[u] = byToken[Int(z[u])] }
      for u in 0...t { row[u] += a[u] + b[u] }
    }

    func forward(
      _ sequence: Int, _ scratch: Scratch, residual: UnsafeMutablePointer<Float>,
      output: UnsafeMutablePointer<Float>
    ) {
      let (length, dim) = (shapes.length, shapes.dim)
      let z = tokens + sequence * length
      let out = output + sequence * length * dim
      addRows(of: residual, z, to: out)
      addRows(of: values, z, to: scratch.values)
      for first in stride(from: 0, to: length, by: block) {
        let columns = min(first + block, length)
        let probabilities = keptBlock(sequence, first) ?? scratch.probabilities
        for t in first..<columns {
          let row = probabilities + (t - first) * columns
          scoreRow(t, z, scratch.byToken, row)
          let (top, sum) = Kernels.exponentiate(row, t + 1)
          let inverse = 1 / sum
          for u in 0...t { row[u] *= inverse }
          for u in t + 1..<columns { row[u] = 0 }
          logDenominators[sequence * length + t] = top + logf(sum)
        }
        Kernels.product(
          columns - first, dim, columns, matrix(probabilities, columns),
          matrix(scratch.values, dim), beta: 1, out + first * dim, stride: dim)
      }
    }

    /// Adds one sequence's gradients to the tables that are wanted: with G the gradient of the
    /// output, dβ = G Vᵀ, dS = β ∘ (dβ − rowsum(β ∘ dβ)), dV = βᵀ G, dX = G.
    func backward(
      _ sequence: Int, _ scratch: Scratch, gradient: UnsafeMutablePointer<Float>,
      scores dScores: UnsafeMutablePointer<Float>?, values dValues: UnsafeMutablePointer<Float>?,
      residual dResidual: UnsafeMutablePointer<Float>?
    ) {
      let (length, dim) = (shapes.length, shapes.dim)
      let z = tokens + sequence * length
      let g = gradient + sequence * length * dim
      if let dResidual { scatterRows(g, z, to: dResidual) }
      if dScores == nil && dValues == nil { return }
      if dScores != nil { addRows(of: values, z, to: scratch.values) }
      let valueSlopes = scratch.values + length * dim
      if dValues != nil { valueSlopes.update(repeating: 0, count: length * dim) }
      for first in stride(from: 0, to: length, by: block) {
        let columns = min(first + block, length)
        let n = columns - first
        let probabilities =
          keptBlock(sequence, first)
          ?? probabilitiesAgain(sequence, first..<columns, scratch)
        if dValues != nil {
          Kernels.product(
            columns, dim, n, matrix(probabilities, columns, transposed: true),
            matrix(g + first * dim, dim), beta: 1, valueSlopes, stride: dim)
        }
        guard let dScores else { continue }
        Kernels.product(
          n, columns, dim, matrix(g + first * dim, dim),
          matrix(scratch.values, dim, transposed: true), scratch.slopes, stride: columns)
        for t in first..<columns {
          addScoreRow(
            t, z, probabilities + (t - first) * columns,
            scratch.slopes + (t - first) * columns, scratch.byToken, to: dScores)
        }
      }
      if let dValues { scatterRows(valueSlopes, z, to: dValues) }
    }

    private func keptBlock(_ sequence: Int, _ first: Int) -> UnsafeMutablePointer<Float>? {
      kept.place(sequence * shapes.blocks + first / block)
    }

    private func probabilitiesAgain(
      _ sequence: Int, _ rows: Range<Int>, _ scratch: Scratch
    ) -> UnsafeMutablePointer<Float> {
      let z = tokens + sequence * shapes.length
      for t in rows {
        let row = scratch.probabilities + (t - rows.lowerBound) * rows.upperBound
        scoreRow(t, z, scratch.byToken, row)
        let log = logDenominators[sequence * shapes.length + t]
        for u in 0...t { row[u] = Kernels.exponential(row[u] - log) }
        for u in t + 1..<rows.upperBound { row[u] = 0 }
      }
      return scratch.probabilities
    }

    /// The adjoint of softmax and `scoreRow`: adds the gradients of one row's scores, given its
    /// probabilities and their gradients, to the table of scores.
    @inline(__always)
    private func addScoreRow(
      _ t: Int, _ z: UnsafeMutablePointer<Int32>, _ p: UnsafeMutablePointer<Float>,
      _ slopes: UnsafeMutablePointer<Float>, _ byToken: UnsafeMutablePointer<Float>,
      to table: UnsafeMutablePointer<Float>
    ) {
      let vocab = shapes.vocab
      let inner = Kernels.dot(p, slopes, t + 1)
      for u in 0...t { slopes[u] = p[u] * (slopes[u] - inner) }
      let ofPosition = table + (vocab &+ t) &* shapes.rows
      let ofToken = table + Int(z[t]) &* shapes.rows
      let (a, b) = (ofPosition + vocab, ofToken + vocab)
      for u in 0...t { a[u] += slopes[u] }
      for u in 0...t { b[u] += slopes[u] }
      for n in 0..<vocab { byToken[n] = 0 }
      for u in 0...t { byToken[Int(z[u])] += slopes[u] }
      for n in 0..<vocab { ofPosition[n] += byToken[n] }
      for n in 0..<vocab { ofToken[n] += byToken[n] }
    }
  }
}
