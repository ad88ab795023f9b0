import Glibc

// Causal attention in blocks of rows.
//
// A block of 32 queries meets the keys up to its last position only, so half of the T×T products is
// never computed. Probabilities are kept for the backward pass if they are few (KeptBlocks); else
// it computes the scores again and has the logarithm of each softmax's denominator to normalise
// them.
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
    try MatrixLibrary.check("attention")
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
    try MatrixLibrary.check("attention")
    // What the forward pass wrote is only read here.
    let kernel = AttentionKernel(
      shape, q, k, v, UnsafeMutablePointer(mutating: logs),
      kept.map { UnsafeMutablePointer(mutating: $0) })
    try kernel.forEachHead { head, scratch in
      kernel.backward(head, scratch, output: out, gradient: g, dq: dq, dk: dk, dv: dv)
    }
  }
}

/// The blocks that the rows of a batch make.
private struct AttentionBlocks {
  private let rows: Rows
  private let heads: Int
  /// The place of each sequence's first block among all.
  private let firstBlocks: [Int]

  init(_ shape: AttentionShape) {
    rows = shape.rows
    heads = shape.heads
    let (starts, block) = (shape.rows.starts, AttentionKernel.block)
    firstBlocks = (0..<shape.rows.batch).reduce(into: [0]) { sums, sequence in
      let count = starts[sequence + 1] - starts[sequence]
      sums.append(sums[sequence] + (count + block - 1) / block)
    }
  }

  /// A block of rows of one sequence.
  struct Block {
    /// Its place among all blocks.
    let index: Int
    /// The first row and how many.
    let row: Int
    let count: Int
    /// Keys up to the last row's position.
    let columns: Int
  }

  /// Calls `body` for each block of a sequence's rows.
  func forEachBlock(of sequence: Int, _ body: (Block) -> Void) {
    let own = rows.starts[sequence]..<rows.starts[sequence + 1]
    for (i, row) in stride(from: own.lowerBound, to: own.upperBound, by: AttentionKernel.block)
      .enumerated()
    {
      let count = min(AttentionKernel.block, own.upperBound - row)
      body(
        Block(
          index: firstBlocks[sequence] + i, row: row, count: count,
          columns: Int(rows.positions[row + count - 1]) + 1))
    }
  }

  /// Where each block's probabilities are kept, for every head.
  func kept(in memory: UnsafeMutablePointer<Float>?) -> KeptBlocks {
    var sizes: [Int] = []
    for sequence in 0..<rows.batch {
      forEachBlock(of: sequence) { block in
        sizes += Array(repeating: block.count * block.columns, count: heads)
      }
    }
    return KeptBlocks(sizes: sizes, memory: memory)
  }
}

private struct Head {
  let sequence: Int
  let index: Int
}

/// The loops over one head of one sequence.
private struct AttentionKernel {
  static let block = 32

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
  func forEachHead(_ body: (Head, UnsafeMutablePointer<Float>) -> Void) throws {
    let lanes = Parallel.threads
    let perLane = 2 * Self.block * shape.rows.length
    let scratch = try Scratch(lanes * perLane)
    let base = scratch.pointer
    let heads = shape.heads
    Parallel.run(shape.rows.batch * heads, lanes: lanes) { part, lane in
      body(Head(sequence: part / heads, index: part % heads), base + lane * perLane)
    }
    withExtendedLifetime(scratch) {}
  }

  private func matrix(_ pointer: UnsafePointer<Float>, _ stride: Int) -> MatrixView {
    MatrixView(pointer, stride: stride)
  }

  private func transposed(_ pointer: UnsafePointer<Float>, _ stride: Int) -> MatrixView {
    MatrixView(pointer, stride: stride, transposed: true)
  }

  private func queries(_ head: Head, _ row: Int) -> UnsafePointer<Float> {
    q + row * keyStride + head.index * shape.keySize
  }

  private func keyOffset(_ head: Head) -> Int {
    head.sequence * shape.rows.length * keyStride + head.index * shape.keySize
  }

  private func valueOffset(_ head: Head) -> Int {
    head.sequence * shape.rows.length * valueStride + head.index * shape.valueSize
  }

  /// Where the probabilities of a block are kept; nil if they are not.
  private func keptPlace(_ head: Head, _ block: AttentionBlocks.Block) -> UnsafeMutablePointer<
    Float
  >? {
    kept.place(block.index * shape.heads + head.index)
  }

  /// Fills `scores` [n, columns] with the scaled scores of a block.
  private func score(
    _ head: Head, _ block: AttentionBlocks.Block, _ scores: UnsafeMutablePointer<Float>
  ) {
    CPU.product(
      block.count, block.columns, shape.keySize, alpha: shape.scale,
      matrix(queries(head, block.row), keyStride), transposed(k + keyOffset(head), keyStride),
      scores, stride: block.columns)
  }

  /// Turns scores into probabilities up to each row's own position, 0 behind it.
  private func normalize(
    _ head: Head, _ block: AttentionBlocks.Block, _ scores: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<block.count {
      let own = Int(shape.rows.positions[block.row + i]) + 1
      let row = scores + i * block.columns
      let (top, sum) = CPU.exponentiate(row, own)
      let inverse = 1 / sum
      for j in 0..<own { row[j] *= inverse }
      for j in own..<block.columns { row[j] = 0 }
      logDenominators[(block.row + i) * shape.heads + head.index] = top + logf(sum)
    }
  }

  func forward(
    _ head: Head, _ scratch: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>
  ) {
    blocks.forEachBlock(of: head.sequence) { block in
      let probabilities = keptPlace(head, block) ?? scratch
      score(head, block, probabilities)
      normalize(head, block, probabilities)
      CPU.product(
        block.count, shape.valueSize, block.columns, matrix(probabilities, block.columns),
        matrix(v + valueOffset(head), valueStride),
        output + block.row * valueStride + head.index * shape.valueSize, stride: valueStride)
    }
  }

  /// Gradients of one head: with P the probabilities and G the gradient of the output,
  /// dV += Pᵀ G, dP = G Vᵀ, dS = scale · P ∘ (dP − rowsum(G ∘ O)), dQ = dS K, dK += dSᵀ Q.
  func backward(
    _ head: Head, _ scratch: UnsafeMutablePointer<Float>, output: UnsafePointer<Float>,
    gradient: UnsafePointer<Float>, dq: UnsafeMutablePointer<Float>?,
    dk: UnsafeMutablePointer<Float>?, dv: UnsafeMutablePointer<Float>?
  ) {
    let slopes = scratch + Self.block * shape.rows.length
    blocks.forEachBlock(of: head.sequence) { block in
      let (n, columns) = (block.count, block.columns)
      let p = keptPlace(head, block) ?? probabilitiesAgain(head, block, scratch)
      let place = block.row * valueStride + head.index * shape.valueSize
      let (g, o) = (gradient + place, output + place)
      if let dv {
        CPU.product(
          columns, shape.valueSize, n, transposed(p, columns), matrix(g, valueStride),
          beta: 1, dv + valueOffset(head), stride: valueStride)
      }
      if dq == nil && dk == nil { return }
      CPU.product(
        n, columns, shape.valueSize, matrix(g, valueStride),
        transposed(v + valueOffset(head), valueStride), slopes, stride: columns)
      for i in 0..<n {
        let inner = CPU.dot(g + i * valueStride, o + i * valueStride, shape.valueSize)
        let (p, s) = (p + i * columns, slopes + i * columns)
        for j in 0..<columns { s[j] = shape.scale * p[j] * (s[j] - inner) }
      }
      if let dq {
        CPU.product(
          n, shape.keySize, columns, matrix(slopes, columns),
          matrix(k + keyOffset(head), keyStride),
          dq + block.row * keyStride + head.index * shape.keySize, stride: keyStride)
      }
      if let dk {
        CPU.product(
          columns, shape.keySize, n, transposed(slopes, columns),
          matrix(queries(head, block.row), keyStride), beta: 1, dk + keyOffset(head),
          stride: keyStride)
      }
    }
  }

  private func probabilitiesAgain(
    _ head: Head, _ block: AttentionBlocks.Block, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    score(head, block, scratch)
    for i in 0..<block.count {
      let own = Int(shape.rows.positions[block.row + i]) + 1
      let log = logDenominators[(block.row + i) * shape.heads + head.index]
      let p = scratch + i * block.columns
      for j in 0..<own { p[j] = CPU.exponential(p[j] - log) }
      for j in own..<block.columns { p[j] = 0 }
    }
    return scratch
  }
}
