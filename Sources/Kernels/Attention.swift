// Causal attention in blocks of queries.
//
// A block's queries, up to 32, stand side by side in the lanes of vectors, with a row for each key.
// It meets the keys up to its last position only, and its first 16 queries those up to theirs, so
// half of the T×T products is never computed. Probabilities are kept for the backward pass if they
// are few (KeptBlocks); else it computes the scores again and has the logarithm of each softmax's
// denominator to normalise them.
//
// Threading: one part of work for each sequence and head; parts write to disjoint slices.

extension CPU {
  public func attentionKeeps(_ shape: AttentionShape) -> Int {
    AttentionBlocks(shape).kept(in: nil).count
  }

  public func attention(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    logs: UnsafeMutablePointer<Float>, kept: UnsafeMutablePointer<Float>?
  ) throws {
    let kernel = AttentionKernel(shape, q, k, v, logs, kept)
    try kernel.forEachHead { head, scratch in kernel.forward(head, scratch, out) }
  }

  public func attentionSlope(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, out: UnsafePointer<Float>, logs: UnsafePointer<Float>,
    kept: UnsafePointer<Float>?, gradient g: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>?, dk: UnsafeMutablePointer<Float>?,
    dv: UnsafeMutablePointer<Float>?
  ) throws {
    // What the forward pass wrote is only read here.
    let kernel = AttentionKernel(
      shape, q, k, v, UnsafeMutablePointer(mutating: logs),
      kept.map { UnsafeMutablePointer(mutating: $0) })
    try kernel.forEachHead { head, scratch in
      kernel.backward(head, scratch, gradient: g, dq: dq, dk: dk, dv: dv)
    }
  }
}

/// The blocks that the rows of a batch make.
private struct AttentionBlocks {
  private let rows: Rows
  private let heads: Int
  /// The place of each sequence's first block among all.
  private var firstBlocks = [0]

  init(_ shape: AttentionShape) {
    rows = shape.rows
    heads = shape.heads
    firstBlocks.reserveCapacity(rows.batch + 1)
    for sequence in 0..<rows.batch {
      let blocks = (rows.range(of: sequence).count + QueryBlock.most - 1) / QueryBlock.most
      firstBlocks.append(firstBlocks[sequence] + blocks)
    }
  }

  /// Calls `body` with the place among all and the rows of each block of a sequence.
  @inline(__always)
  private func forEachRange(of sequence: Int, _ body: (Int, Range<Int>) -> Void) {
    let own = rows.range(of: sequence)
    var (index, first) = (firstBlocks[sequence], own.lowerBound)
    while first < own.upperBound {
      let end = min(first + QueryBlock.most, own.upperBound)
      body(index, first..<end)
      (index, first) = (index + 1, end)
    }
  }

  /// Calls `body` for each block of a sequence's rows.
  func forEachBlock(of sequence: Int, _ body: (QueryBlock) -> Void) {
    forEachRange(of: sequence) { index, range in
      body(QueryBlock(index: index, row: range.lowerBound, positions: rows.positions[range]))
    }
  }

  /// Where each block's probabilities are kept, for every head.
  func kept(in memory: UnsafeMutablePointer<Float>?) -> KeptBlocks {
    var sizes: [Int] = []
    sizes.reserveCapacity(firstBlocks[rows.batch])
    for sequence in 0..<rows.batch {
      forEachRange(of: sequence) { _, range in
        let last = rows.positions[range.upperBound - 1]
        sizes.append(QueryBlock.scores(of: range.count, last: last))
      }
    }
    return KeptBlocks(sizes: sizes, copies: heads, memory: memory)
  }
}

private struct Head {
  let sequence: Int
  let index: Int
}

/// Memory of one thread.
private struct AttentionScratch {
  /// Scores of a block, then probabilities, [T, 32].
  let probabilities: UnsafeMutablePointer<Float>
  /// Gradients of the same, [T, 32].
  let slopes: UnsafeMutablePointer<Float>
  /// A block's queries, or the gradients of its results, turned to lanes: [E or F, 32].
  let turned: UnsafeMutablePointer<Float>
  /// Logarithms of the softmaxes' denominators, [32].
  let logs: UnsafeMutablePointer<Float>

  static func count(_ shape: AttentionShape) -> Int {
    QueryBlock.most * (2 * shape.rows.length + max(shape.keySize, shape.valueSize) + 1)
  }

  init(_ memory: UnsafeMutablePointer<Float>, _ shape: AttentionShape) {
    let all = QueryBlock.most * shape.rows.length
    (probabilities, slopes, logs) = (memory, memory + all, memory + 2 * all)
    turned = logs + QueryBlock.most
  }
}

/// The loops over one head of one sequence.
private struct AttentionKernel {
  let shape: AttentionShape
  let blocks: AttentionBlocks
  let q: UnsafePointer<Float>
  let k: UnsafePointer<Float>
  let v: UnsafePointer<Float>
  let logDenominators: UnsafeMutablePointer<Float>
  let kept: KeptBlocks

  init(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, _ logs: UnsafeMutablePointer<Float>,
    _ kept: UnsafeMutablePointer<Float>?
  ) {
    self.shape = shape
    blocks = AttentionBlocks(shape)
    (self.q, self.k, self.v, logDenominators) = (q, k, v, logs)
    self.kept = blocks.kept(in: kept)
  }

  private var keyStride: Int { shape.heads * shape.keySize }
  private var valueStride: Int { shape.heads * shape.valueSize }

  /// Runs `body` for each head of each sequence with scratch memory of its thread.
  func forEachHead(_ body: (Head, AttentionScratch) -> Void) throws {
    let lanes = Parallel.threads
    let perLane = AttentionScratch.count(shape)
    let scratch = try Scratch(lanes * perLane)
    let base = scratch.pointer
    let heads = shape.heads
    Parallel.run(shape.rows.batch * heads, lanes: lanes) { part, lane in
      body(
        Head(sequence: part / heads, index: part % heads),
        AttentionScratch(base + lane * perLane, shape))
    }
    withExtendedLifetime(scratch) {}
  }

  /// The matrix of a head's queries, [n, E].
  private func queries(_ head: Head, _ block: QueryBlock) -> MatrixView {
    MatrixView(q + queryOffset(head, block), stride: keyStride)
  }

  private func queryOffset(_ head: Head, _ block: QueryBlock) -> Int {
    block.row * keyStride + head.index * shape.keySize
  }

  private func resultOffset(_ head: Head, _ block: QueryBlock) -> Int {
    block.row * valueStride + head.index * shape.valueSize
  }

  private func keyOffset(_ head: Head) -> Int {
    head.sequence * shape.rows.length * keyStride + head.index * shape.keySize
  }

  private func valueOffset(_ head: Head) -> Int {
    head.sequence * shape.rows.length * valueStride + head.index * shape.valueSize
  }

  private func keys(_ head: Head) -> MatrixView {
    MatrixView(k + keyOffset(head), stride: keyStride)
  }

  private func values(_ head: Head) -> MatrixView {
    MatrixView(v + valueOffset(head), stride: valueStride)
  }

  /// Where the probabilities of a block are kept; nil if they are not.
  private func keptPlace(_ head: Head, _ block: QueryBlock) -> UnsafeMutablePointer<Float>? {
    kept.place(block.index, ofCopy: head.index)
  }

  /// Fills `scores` with the scaled scores of a block.
  private func score(
    _ head: Head, _ block: QueryBlock, _ scratch: AttentionScratch,
    _ scores: UnsafeMutablePointer<Float>
  ) {
    block.turn(queries(head, block), columns: shape.keySize, to: scratch.turned)
    block.products(
      keys(head), scratch.turned, inner: shape.keySize, alpha: shape.scale, to: scores)
  }

  func forward(
    _ head: Head, _ scratch: AttentionScratch, _ output: UnsafeMutablePointer<Float>
  ) {
    blocks.forEachBlock(of: head.sequence) { block in
      let probabilities = keptPlace(head, block) ?? scratch.probabilities
      score(head, block, scratch, probabilities)
      block.softmax(probabilities, logs: scratch.logs)
      for i in 0..<block.count {
        logDenominators[(block.row + i) * shape.heads + head.index] = scratch.logs[i]
      }
      block.weightedSums(
        probabilities, of: values(head), columns: shape.valueSize,
        to: output + resultOffset(head, block), stride: valueStride)
    }
  }

  /// Gradients of one head: with P the probabilities and G the gradient of the output,
  /// dV += Pᵀ G, dP = G Vᵀ, dS = scale · P ∘ (dP − rowsum(P ∘ dP)), dQ = dS K, dK += dSᵀ Q.
  func backward(
    _ head: Head, _ scratch: AttentionScratch, gradient: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>?, dk: UnsafeMutablePointer<Float>?,
    dv: UnsafeMutablePointer<Float>?
  ) {
    blocks.forEachBlock(of: head.sequence) { block in
      let p = keptPlace(head, block) ?? probabilitiesAgain(head, block, scratch)
      let g = MatrixView(gradient + resultOffset(head, block), stride: valueStride)
      if let dv {
        block.addToKeys(
          p, g, columns: shape.valueSize, to: dv + valueOffset(head), stride: valueStride)
      }
      if dq == nil && dk == nil { return }
      let slopes = scratch.slopes
      block.turn(g, columns: shape.valueSize, to: scratch.turned)
      block.products(values(head), scratch.turned, inner: shape.valueSize, to: slopes)
      block.softmaxSlope(p, slopes, scale: shape.scale)
      if let dq {
        block.weightedSums(
          slopes, of: keys(head), columns: shape.keySize, to: dq + queryOffset(head, block),
          stride: keyStride)
      }
      if let dk {
        block.addToKeys(
          slopes, queries(head, block), columns: shape.keySize, to: dk + keyOffset(head),
          stride: keyStride)
      }
    }
  }

  private func probabilitiesAgain(
    _ head: Head, _ block: QueryBlock, _ scratch: AttentionScratch
  ) -> UnsafeMutablePointer<Float> {
    score(head, block, scratch, scratch.probabilities)
    for i in 0..<QueryBlock.most {
      let row = block.row + min(i, block.count - 1)
      scratch.logs[i] = logDenominators[row * shape.heads + head.index]
    }
    block.softmaxAgain(scratch.probabilities, logs: scratch.logs)
    return scratch.probabilities
  }
}
