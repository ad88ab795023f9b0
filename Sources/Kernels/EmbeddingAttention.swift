import Glibc

// Causal attention over inputs that are sums of a token's and a position's embedding, from tables.
//
// Rows are done in blocks of 32 that meet the columns up to the diagonal only; probabilities are
// kept for the backward pass if they are few, else computed again (KeptBlocks).
//
// Threading: parts of 16 sequences, each with gradient tables of its own, added in order.

extension CPU {
  public func embeddingAttentionKeeps(_ shape: EmbeddingAttentionShape) -> Int {
    EmbeddingAttentionKernel.kept(shape, in: nil).count
  }

  public func embeddingAttention(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, residual: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) throws {
    try MatrixLibrary.check("embedding attention")
    let kernel = EmbeddingAttentionKernel(
      shape: shape, tokens: ids, scores: scores, values: values, logDenominators: logs,
      kept: EmbeddingAttentionKernel.kept(shape, in: kept))
    try kernel.forEachPart { _, sequences, scratch in
      for sequence in sequences {
        kernel.forward(sequence, scratch, residual: residual, output: out)
      }
    }
  }

  public func embeddingAttentionSlope(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, logs: UnsafePointer<Float>, kept: UnsafePointer<Float>?,
    gradient g: UnsafePointer<Float>, dScores: UnsafeMutablePointer<Float>?,
    dValues: UnsafeMutablePointer<Float>?, dResidual: UnsafeMutablePointer<Float>?
  ) throws {
    try MatrixLibrary.check("embedding attention")
    // What the forward pass wrote is only read here.
    let kernel = EmbeddingAttentionKernel(
      shape: shape, tokens: ids, scores: scores, values: values,
      logDenominators: UnsafeMutablePointer(mutating: logs),
      kept: EmbeddingAttentionKernel.kept(
        shape, in: kept.map { UnsafeMutablePointer(mutating: $0) }))
    let rows = shape.vocab + shape.length
    let tables = [
      (dScores, rows * rows), (dValues, rows * shape.dim), (dResidual, rows * shape.dim),
    ]
    let parts = kernel.parts
    let sums = try tables.map { table, count in
      table == nil ? nil : try Scratch(parts * count)
    }
    try kernel.forEachPart { part, sequences, scratch in
      let own = zip(sums, tables).map { sum, table in
        sum.map { Self.zeroed($0.pointer, part, table.1) }
      }
      for sequence in sequences {
        kernel.backward(
          sequence, scratch, gradient: g, scores: own[0], values: own[1], residual: own[2])
      }
    }
    for (sum, table) in zip(sums, tables) {
      guard let sum, let to = table.0 else { continue }
      withExtendedLifetime(sum) { Self.addParts(parts, table.1, sum.pointer, to: to) }
    }
  }
}

/// The loops over one sequence.
private struct EmbeddingAttentionKernel {
  static let block = 32
  static let sequencesPerPart = 16

  let shape: EmbeddingAttentionShape
  let tokens: UnsafePointer<Int32>
  let scores: UnsafePointer<Float>
  let values: UnsafePointer<Float>
  let logDenominators: UnsafeMutablePointer<Float>
  let kept: KeptBlocks

  /// N + T, the rows of a table.
  private var tableRows: Int { shape.vocab + shape.length }
  /// Blocks of rows in a sequence.
  private var blocks: Int { (shape.length + Self.block - 1) / Self.block }
  var parts: Int { (shape.batch + Self.sequencesPerPart - 1) / Self.sequencesPerPart }

  static func kept(
    _ shape: EmbeddingAttentionShape, in memory: UnsafeMutablePointer<Float>?
  ) -> KeptBlocks {
    let ofSequence = stride(from: 0, to: shape.length, by: block).map { first in
      let columns = min(first + block, shape.length)
      return (columns - first) * columns
    }
    return KeptBlocks(sizes: (0..<shape.batch).flatMap { _ in ofSequence }, memory: memory)
  }

  /// Memory of one thread.
  struct Lane {
    /// The values of one sequence, [T, D]; in the backward pass then their gradient.
    let values: UnsafeMutablePointer<Float>
    /// Scores of a block of rows, then probabilities, [block, T].
    let probabilities: UnsafeMutablePointer<Float>
    /// Gradients of the same, [block, T].
    let slopes: UnsafeMutablePointer<Float>
    /// One number for each token, [N].
    let byToken: UnsafeMutablePointer<Float>
  }

  func forEachPart(_ body: (_ part: Int, _ sequences: Range<Int>, Lane) -> Void) throws {
    let lanes = Parallel.threads
    let (length, dim) = (shape.length, shape.dim)
    let perLane = length * (2 * dim + 2 * Self.block) + shape.vocab
    let memory = try Scratch(lanes * perLane)
    Parallel.run(parts, lanes: lanes) { part, lane in
      let base = memory.pointer + lane * perLane
      let probabilities = base + 2 * length * dim
      let scratch = Lane(
        values: base, probabilities: probabilities, slopes: probabilities + Self.block * length,
        byToken: probabilities + 2 * Self.block * length)
      let first = part * Self.sequencesPerPart
      body(part, first..<min(first + Self.sequencesPerPart, shape.batch), scratch)
    }
    withExtendedLifetime(memory) {}
  }

  private func matrix(
    _ pointer: UnsafePointer<Float>, _ stride: Int, transposed: Bool = false
  ) -> MatrixView {
    MatrixView(pointer, stride: stride, transposed: transposed)
  }

  /// to[t] = table[z_t] + table[N + t] for every position of a sequence, [T, D].
  private func addRows(
    of table: UnsafePointer<Float>, _ z: UnsafePointer<Int32>,
    to: UnsafeMutablePointer<Float>
  ) {
    let dim = shape.dim
    for t in 0..<shape.length {
      let a = table + Int(z[t]) &* dim
      let b = table + (shape.vocab &+ t) &* dim
      let sum = to + t &* dim
      for i in 0..<dim { sum[i] = a[i] + b[i] }
    }
  }

  /// The adjoint of `addRows`: adds row t of `from` to rows z_t and N + t of `table`.
  private func scatterRows(
    _ from: UnsafePointer<Float>, _ z: UnsafePointer<Int32>,
    to table: UnsafeMutablePointer<Float>
  ) {
    let dim = shape.dim
    for t in 0..<shape.length {
      let row = from + t &* dim
      let a = table + Int(z[t]) &* dim
      let b = table + (shape.vocab &+ t) &* dim
      for i in 0..<dim { a[i] += row[i] }
      for i in 0..<dim { b[i] += row[i] }
    }
  }

  /// The scores of position t with positions 0…t.
  @inline(__always)
  private func scoreRow(
    _ t: Int, _ z: UnsafePointer<Int32>, _ byToken: UnsafeMutablePointer<Float>,
    _ row: UnsafeMutablePointer<Float>
  ) {
    let vocab = shape.vocab
    let ofPosition = scores + (vocab &+ t) &* tableRows
    let ofToken = scores + Int(z[t]) &* tableRows
    for n in 0..<vocab { byToken[n] = ofPosition[n] + ofToken[n] }
    let (a, b) = (ofPosition + vocab, ofToken + vocab)
    for u in 0...t { row[u] = byToken[Int(z[u])] }
    for u in 0...t { row[u] += a[u] + b[u] }
  }

  func forward(
    _ sequence: Int, _ scratch: Lane, residual: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>
  ) {
    let (length, dim) = (shape.length, shape.dim)
    let z = tokens + sequence * length
    let out = output + sequence * length * dim
    addRows(of: residual, z, to: out)
    addRows(of: values, z, to: scratch.values)
    for first in stride(from: 0, to: length, by: Self.block) {
      let columns = min(first + Self.block, length)
      let probabilities = keptBlock(sequence, first) ?? scratch.probabilities
      for t in first..<columns {
        let row = probabilities + (t - first) * columns
        scoreRow(t, z, scratch.byToken, row)
        let (top, sum) = CPU.exponentiate(row, t + 1)
        let inverse = 1 / sum
        for u in 0...t { row[u] *= inverse }
        for u in t + 1..<columns { row[u] = 0 }
        logDenominators[sequence * length + t] = top + logf(sum)
      }
      CPU.product(
        columns - first, dim, columns, matrix(probabilities, columns),
        matrix(scratch.values, dim), beta: 1, out + first * dim, stride: dim)
    }
  }

  /// Adds one sequence's gradients to the tables that are wanted: with G the gradient of the
  /// output, dβ = G Vᵀ, dS = β ∘ (dβ − rowsum(β ∘ dβ)), dV = βᵀ G, dX = G.
  func backward(
    _ sequence: Int, _ scratch: Lane, gradient: UnsafePointer<Float>,
    scores dScores: UnsafeMutablePointer<Float>?, values dValues: UnsafeMutablePointer<Float>?,
    residual dResidual: UnsafeMutablePointer<Float>?
  ) {
    let (length, dim) = (shape.length, shape.dim)
    let z = tokens + sequence * length
    let g = gradient + sequence * length * dim
    if let dResidual { scatterRows(g, z, to: dResidual) }
    if dScores == nil && dValues == nil { return }
    if dScores != nil { addRows(of: values, z, to: scratch.values) }
    let valueSlopes = scratch.values + length * dim
    if dValues != nil { valueSlopes.update(repeating: 0, count: length * dim) }
    for first in stride(from: 0, to: length, by: Self.block) {
      let columns = min(first + Self.block, length)
      let n = columns - first
      let probabilities =
        keptBlock(sequence, first)
        ?? probabilitiesAgain(sequence, first..<columns, scratch)
      if dValues != nil {
        CPU.product(
          columns, dim, n, matrix(probabilities, columns, transposed: true),
          matrix(g + first * dim, dim), beta: 1, valueSlopes, stride: dim)
      }
      guard let dScores else { continue }
      CPU.product(
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
    kept.place(sequence * blocks + first / Self.block)
  }

  private func probabilitiesAgain(
    _ sequence: Int, _ rows: Range<Int>, _ scratch: Lane
  ) -> UnsafeMutablePointer<Float> {
    let z = tokens + sequence * shape.length
    for t in rows {
      let row = scratch.probabilities + (t - rows.lowerBound) * rows.upperBound
      scoreRow(t, z, scratch.byToken, row)
      let log = logDenominators[sequence * shape.length + t]
      for u in 0...t { row[u] = CPU.exponential(row[u] - log) }
      for u in t + 1..<rows.upperBound { row[u] = 0 }
    }
    return scratch.probabilities
  }

  /// The adjoint of softmax and `scoreRow`: adds the gradients of one row's scores, given its
  /// probabilities and their gradients, to the table of scores.
  @inline(__always)
  private func addScoreRow(
    _ t: Int, _ z: UnsafePointer<Int32>, _ p: UnsafePointer<Float>,
    _ slopes: UnsafeMutablePointer<Float>, _ byToken: UnsafeMutablePointer<Float>,
    to table: UnsafeMutablePointer<Float>
  ) {
    let vocab = shape.vocab
    let inner = CPU.dot(p, slopes, t + 1)
    for u in 0...t { slopes[u] = p[u] * (slopes[u] - inner) }
    let ofPosition = table + (vocab &+ t) &* tableRows
    let ofToken = table + Int(z[t]) &* tableRows
    let (a, b) = (ofPosition + vocab, ofToken + vocab)
    for u in 0...t { a[u] += slopes[u] }
    for u in 0...t { b[u] += slopes[u] }
    for n in 0..<vocab { byToken[n] = 0 }
    for u in 0...t { byToken[Int(z[u])] += slopes[u] }
    for n in 0..<vocab { ofPosition[n] += byToken[n] }
    for n in 0..<vocab { ofToken[n] += byToken[n] }
  }
}
