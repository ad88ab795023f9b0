// Causal attention over inputs that are sums of a token's and a position's embedding, from tables.
//
// A block's positions, up to 32, stand side by side in the lanes of vectors (QueryBlock), so that
// what a token adds to a score is one vector of a table turned to lanes. Probabilities are kept for
// the backward pass if they are few, else computed again (KeptBlocks).
//
// Threading: parts of 16 sequences, each with gradient tables of its own, added in order.

extension CPU {
  public func embeddingAttentionKeeps(_ shape: EmbeddingAttentionShape) -> Int {
    let blocks = EmbeddingAttentionKernel.blocks(of: shape.length)
    return EmbeddingAttentionKernel.kept(blocks, sequences: shape.batch, in: nil).count
  }

  public func embeddingAttention(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, residual: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) throws {
    let kernel = EmbeddingAttentionKernel(
      shape, tokens: ids, scores: scores, values: values, logs: logs, kept: kept)
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
    // What the forward pass wrote is only read here.
    let kernel = EmbeddingAttentionKernel(
      shape, tokens: ids, scores: scores, values: values,
      logs: UnsafeMutablePointer(mutating: logs),
      kept: kept.map { UnsafeMutablePointer(mutating: $0) })
    let rows = kernel.tableRows
    // The rows of score tables begin at a multiple of 16 numbers, which is faster to add to.
    let tables = [
      (dScores, rows, kernel.tableStride), (dValues, shape.dim, shape.dim),
      (dResidual, shape.dim, shape.dim),
    ]
    let parts = kernel.parts
    let sums = try tables.map { table, _, stride in
      table == nil ? nil : try Scratch(parts * rows * stride)
    }
    try kernel.forEachPart { part, sequences, scratch in
      let own = zip(sums, tables).map { sum, table in
        sum.map { Self.zeroed($0.pointer, part, rows * table.2) }
      }
      for sequence in sequences {
        kernel.backward(
          sequence, scratch, gradient: g, scores: own[0], values: own[1], residual: own[2])
      }
    }
    for (sum, (table, columns, stride)) in zip(sums, tables) {
      guard let sum, let table else { continue }
      withExtendedLifetime(sum) {
        Self.addParts(parts, rows, columns, stride: stride, sum.pointer, to: table)
      }
    }
  }
}

/// The loops over one sequence.
private struct EmbeddingAttentionKernel {
  static let sequencesPerPart = 16

  let shape: EmbeddingAttentionShape
  let tokens: UnsafePointer<Int32>
  let scores: UnsafePointer<Float>
  let values: UnsafePointer<Float>
  let logDenominators: UnsafeMutablePointer<Float>
  /// The blocks of rows in each sequence.
  let blocks: [QueryBlock]
  let kept: KeptBlocks

  init(
    _ shape: EmbeddingAttentionShape, tokens: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, logs: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) {
    (self.shape, self.tokens, self.scores, self.values) = (shape, tokens, scores, values)
    logDenominators = logs
    blocks = Self.blocks(of: shape.length)
    self.kept = Self.kept(blocks, sequences: shape.batch, in: kept)
  }

  /// N + T, the rows of a table.
  var tableRows: Int { shape.vocab + shape.length }
  /// The same up to a multiple of 16.
  var tableStride: Int { (tableRows + 15) & ~15 }
  var parts: Int { (shape.batch + Self.sequencesPerPart - 1) / Self.sequencesPerPart }

  /// The blocks of a sequence.
  static func blocks(of length: Int) -> [QueryBlock] {
    stride(from: 0, to: length, by: QueryBlock.most).enumerated().map { index, first in
      QueryBlock(index: index, first: first, count: min(QueryBlock.most, length - first))
    }
  }

  static func kept(
    _ blocks: [QueryBlock], sequences: Int, in memory: UnsafeMutablePointer<Float>?
  ) -> KeptBlocks {
    KeptBlocks(sizes: blocks.lazy.map(\.scores), copies: sequences, memory: memory)
  }

  /// Memory of one thread.
  struct Lane {
    /// The values of one sequence, [T, D]; in the backward pass then their gradient.
    let values: UnsafeMutablePointer<Float>
    /// Scores of a block, then probabilities, [T, 32].
    let probabilities: UnsafeMutablePointer<Float>
    /// Gradients of the same, [T, 32].
    let slopes: UnsafeMutablePointer<Float>
    /// Rows of a table in lanes, [N + T up to a multiple of 16, 16].
    let columns: UnsafeMutablePointer<Float>
    /// Logarithms of the softmaxes' denominators, [32].
    let logs: UnsafeMutablePointer<Float>
    /// A block's gradients turned to lanes, [D, 32].
    let turned: UnsafeMutablePointer<Float>
  }

  func forEachPart(_ body: (_ part: Int, _ sequences: Range<Int>, Lane) -> Void) throws {
    let lanes = Parallel.threads
    let (length, dim) = (shape.length, shape.dim)
    let ofBlock = QueryBlock.most * length
    let perLane = 2 * length * dim + 2 * ofBlock + 16 * tableStride + QueryBlock.most * (1 + dim)
    let memory = try Scratch(lanes * perLane)
    Parallel.run(parts, lanes: lanes) { part, lane in
      let base = memory.pointer + lane * perLane
      let probabilities = base + 2 * length * dim
      let columns = probabilities + 2 * ofBlock
      let scratch = Lane(
        values: base, probabilities: probabilities, slopes: probabilities + ofBlock,
        columns: columns, logs: columns + 16 * tableStride,
        turned: columns + 16 * tableStride + QueryBlock.most)
      let first = part * Self.sequencesPerPart
      body(part, first..<min(first + Self.sequencesPerPart, shape.batch), scratch)
    }
    withExtendedLifetime(memory) {}
  }

  /// to[t] = table[z_t] + table[N + t] for every position of a sequence, [T, D].
  private func addRows(
    of table: UnsafePointer<Float>, _ z: UnsafePointer<Int32>,
    to: UnsafeMutablePointer<Float>
  ) {
    let dim = shape.dim
    for t in 0..<shape.length {
      kernels.add_pair(
        dim, table + Int(z[t]) &* dim, table + (shape.vocab &+ t) &* dim, to + t &* dim)
    }
  }

  /// The adjoint of `addRows`: adds row t of `from` to rows z_t and N + t of `table`.
  private func scatterRows(
    _ from: UnsafePointer<Float>, _ z: UnsafePointer<Int32>,
    to table: UnsafeMutablePointer<Float>
  ) {
    let dim = shape.dim
    for t in 0..<shape.length {
      kernels.add(dim, from + t &* dim, table + Int(z[t]) &* dim)
      kernels.add(dim, from + t &* dim, table + (shape.vocab &+ t) &* dim)
    }
  }

  /// Fills `to` with the scores of a block.
  private func score(
    _ block: QueryBlock, _ z: UnsafePointer<Int32>, _ scratch: Lane,
    to: UnsafeMutablePointer<Float>
  ) {
    block.forEachGroup { lane, count, keys, _ in
      kernels.table_scores(
        block.row + lane, Int32(count), keys, shape.vocab, z, scores, tableRows, scratch.columns,
        to + lane, block.width)
    }
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
    for block in blocks {
      let probabilities = keptBlock(sequence, block) ?? scratch.probabilities
      score(block, z, scratch, to: probabilities)
      block.softmax(probabilities, logs: scratch.logs)
      (logDenominators + sequence * length + block.row).update(
        from: scratch.logs, count: block.count)
      block.weightedSums(
        probabilities, of: MatrixView(scratch.values, stride: dim), columns: dim, beta: 1,
        to: out + block.row * dim, stride: dim)
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
    for block in blocks {
      let probabilities =
        keptBlock(sequence, block) ?? probabilitiesAgain(sequence, block, scratch)
      let ofBlock = MatrixView(g + block.row * dim, stride: dim)
      if dValues != nil {
        block.addToKeys(
          probabilities, ofBlock, columns: dim, to: valueSlopes, stride: dim, fresh: block.row)
      }
      guard let dScores else { continue }
      block.turn(ofBlock, columns: dim, to: scratch.turned)
      block.products(
        MatrixView(scratch.values, stride: dim), scratch.turned, inner: dim, to: scratch.slopes)
      block.softmaxSlope(probabilities, scratch.slopes, scale: 1)
      block.forEachGroup { lane, count, keys, _ in
        kernels.add_table_slopes(
          block.row + lane, Int32(count), keys, shape.vocab, z, scratch.slopes + lane, block.width,
          scratch.columns, dScores, tableStride)
      }
    }
    if let dValues { scatterRows(valueSlopes, z, to: dValues) }
  }

  private func keptBlock(_ sequence: Int, _ block: QueryBlock) -> UnsafeMutablePointer<Float>? {
    kept.place(block.index, ofCopy: sequence)
  }

  private func probabilitiesAgain(
    _ sequence: Int, _ block: QueryBlock, _ scratch: Lane
  ) -> UnsafeMutablePointer<Float> {
    score(block, tokens + sequence * shape.length, scratch, to: scratch.probabilities)
    let logs = logDenominators + sequence * shape.length + block.row
    for i in 0..<QueryBlock.most { scratch.logs[i] = logs[min(i, block.count - 1)] }
    block.softmaxAgain(scratch.probabilities, logs: scratch.logs)
    return scratch.probabilities
  }
}
