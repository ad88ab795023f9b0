import Synchronization
import Tensors
import TestSupport
import Testing

/// What concerns the whole process: the number of threads, the memory of all tensors, the stack.
///
/// One after the other; other suites run beside them, so memory is measured in blocks much larger
/// than theirs.
@Suite(.serialized) struct ProcessWideTests {
  /// Runs `body` with 1, 2 and 3 threads and expects the same bits.
  private func expectSameBits(
    _ label: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> [Tensor?]
  ) throws {
    let held = HeldThreads()
    defer { held.end() }
    var first: [[UInt32]?]?
    for threads in [1, 2, 3] {
      Parallel.threads = threads
      #expect(Parallel.threads == threads)
      let bits = try body().map { $0?.elements().map(\.bitPattern) }
      if let first {
        #expect(bits == first, "\(label), \(threads) threads", sourceLocation: sourceLocation)
      } else {
        first = bits
      }
    }
  }

  @Test func threadsDoNotChangeProducts() throws {
    // Parts of rows, of columns, of the inner dimension; and a batch.
    for (m, k, n) in [(527, 67, 31), (5, 67, 4099), (23, 8191, 29)] {
      try expectSameBits("[\(m), \(k)] × [\(k), \(n)]") {
        let a = try random([m, k], seed: 1).requireGrad()
        let b = try random([k, n], seed: 2).requireGrad()
        let product = try a.matmul(b)
        try product.mul(random([m, n], seed: 3)).sum().backward()
        return [product, a.grad, b.grad]
      }
    }
    try expectSameBits("batch") {
      let a = try random([7, 33, 65], seed: 1).requireGrad()
      let b = try random([7, 65, 17], seed: 2).requireGrad()
      let product = try a.matmul(b)
      try product.square().sum().backward()
      return [product, a.grad, b.grad]
    }
  }

  @Test func threadsDoNotChangeProductsOfHalves() throws {
    for (m, k, n) in [(527, 67, 301), (5, 3001, 409), (700, 1030, 3)] {
      for (isLeft, isRight) in [(true, false), (false, true), (true, true)] {
        try expectSameBits("[\(m), \(k)] × [\(k), \(n)]") {
          let (a, b) = (try random([m, k], seed: 1), try random([k, n], seed: 2))
          let (left, right) = (isLeft ? try a.half() : a, isRight ? try b.bfloat16() : b)
          return [try left.matmul(right), try right.t().matmul(left.t())]
        }
      }
    }
  }

  @Test func threadsDoNotChangeAttention() throws {
    let (b, t, h, e, f) = (3, 130, 5, 7, 11)
    let mask = try random([b, t], seed: 9).compare(Tensor(0), "gt", .greater)
    for rows in [RowSelection(everyPositionOf: b, length: t), try RowSelection(mask: mask)] {
      try expectSameBits("attention on \(rows.count) rows") {
        let q = try random([rows.count, h * e], seed: 1).requireGrad()
        let k = try random([b, t, h * e], seed: 2).requireGrad()
        let v = try random([b, t, h * f], seed: 3).requireGrad()
        let output = try Attention.causal(
          queries: q, keys: k, values: v, heads: h, scale: 0.4, rows: rows)
        try output.mul(random(output.shape, seed: 4)).sum().backward()
        return [output, q.grad, k.grad, v.grad]
      }
    }
  }

  /// Float32 sums depend on their order: whoever finishes first, the bits are the same.
  @Test func threadsDoNotChangeAccumulation() throws {
    let factors: [Float] = (0..<40).map { [1e8, 1, -1e8, 1e-3][$0 % 4] * Float($0 + 1) }
    for _ in 0..<5 {
      try expectSameBits("accumulation") {
        let x = try Tensor([1]).requireGrad()
        let loss = try GradientAccumulation.sum(over: [x], parts: factors.count) { inputs, part in
          // Later parts finish earlier.
          for _ in 0..<(40 - part) * 300 { _ = Tensor(0) }
          return try inputs[0].mul(Tensor(factors[part])).sum()
        }
        try loss.backward()
        return [loss, x.grad]
      }
    }
    let tokens = try IntTensor((0..<40 * 5).map { Int32($0 % 3) }, shape: [40, 5])
    try expectSameBits("embedding attention") {
      let tables = try [[8, 8], [8, 3], [8, 3]].enumerated().map {
        try random($0.element, seed: UInt64($0.offset)).requireGrad()
      }
      let output = try EmbeddingAttention.causal(
        tokens: tokens, scores: tables[0], values: tables[1], residual: tables[2])
      try output.square().sum().backward()
      return [output] + tables.map(\.grad)
    }
  }

  /// Parts inside parts stay on the thread of the outer one, each done once.
  @Test func partsInsideParts() {
    let held = HeldThreads()
    defer { held.end() }
    Parallel.threads = 4
    let counts = Mutex([Int](repeating: 0, count: 24))
    Parallel.run(4) { outer, _ in
      Parallel.run(6) { inner, lane in
        counts.withLock { $0[outer * 6 + inner] += lane == 0 ? 1 : 100 }
      }
    }
    #expect(counts.withLock { $0 } == Array(repeating: 1, count: 24))
  }

  @Test func threadsDoNotChangeFeedForwards() throws {
    try expectSameBits("feed-forward") {
      let x = try random([3011, 7], seed: 1).requireGrad()
      let w1 = try random([23, 7], seed: 2).requireGrad()
      let w2 = try random([5, 23], seed: 3).requireGrad()
      let output = try x.feedForward(w1, w2)
      try output.mul(random(output.shape, seed: 4)).sum().backward()
      return [output, x.grad, w1.grad, w2.grad]
    }
  }

  @Test func threadsDoNotChangeReductions() throws {
    try expectSameBits("sums and elementwise operations") {
      let x = try random([41, 53, 67], seed: 1).requireGrad()
      let y = try random([53, 1], seed: 2).requireGrad()
      let product = try x.mul(y).tanh()
      let results = try [
        product, product.sum(), product.sum(0), product.sum(1), product.sum(2),
        product.variance(1), product.max(1).values, product.softmax(1), product.logSumExp(2),
        product.t3(),
      ]
      try results.reduce(Tensor(0)) { try $0.add($1.square().sum()) }.backward()
      return results + [x.grad, y.grad]
    }
    try expectSameBits("cross entropy") {
      let logits = try random([211, 307], seed: 1).requireGrad()
      let targets = try IntTensor((0..<211).map { Int32($0 * 5 % 307) })
      let loss = try logits.crossEntropy(targets, mask: random([211], seed: 2).abs())
      try loss.backward()
      return [loss, logits.grad]
    }
    try expectSameBits("rows") {
      let table = try random([11, 97], seed: 1).requireGrad()
      let rows = try table.rows(IntTensor((0..<1301).map { Int32($0 * $0 % 11) }))
      try rows.square().sum().backward()
      return [rows, table.grad]
    }
  }

  /// Bytes of tensors that came to life during `body` and still are, without those of `result`.
  private func bytesKept<R>(_ body: () throws -> R) rethrows -> (result: R, bytes: Int) {
    let before = MemoryPool.shared.liveBytes
    let result = try body()
    return (result, MemoryPool.shared.liveBytes - before)
  }

  private static let block = 32 << 20
  private static let shape = [4096, 2048]

  /// Whether a number of bytes is that of `blocks` large tensors, up to what other tests hold.
  private func isAbout(_ bytes: Int, _ blocks: Int) -> Bool {
    abs(bytes - blocks * Self.block) < Self.block / 2
  }

  @Test func backwardReleasesTheGraph() throws {
    let x = try Tensor.full(Self.shape, 0.5).requireGrad()
    let (loss, bytes) = try bytesKept {
      let loss = try x.square().tanh().mul(x).exp().sum()
      return loss
    }
    #expect(isAbout(bytes, 4))
    // The loss is still there, its graph is not; the gradient is.
    let (_, after) = try bytesKept { try loss.backward() }
    #expect(isAbout(after, 1 - 4))
    #expect(x.grad != nil)
    #expect(try loss.item().isFinite)
  }

  @Test func backwardReleasesAsItGoes() throws {
    let x = try Tensor.full(Self.shape, 0.5).requireGrad()
    let before = MemoryPool.shared.liveBytes
    var y = x
    for _ in 0..<12 { y = try y.neg() }
    let loss = try y.sum()
    y = loss
    #expect(isAbout(MemoryPool.shared.liveBytes - before, 12))
    let top = MemoryPool.shared.peakBytes
    try loss.backward()
    // Had it kept gradients beside intermediates, twice as much would have been alive.
    #expect(MemoryPool.shared.peakBytes - max(top, before + 12 * Self.block) < 5 * Self.block)
    #expect(isAbout(MemoryPool.shared.liveBytes - before, 1))
  }

  @Test func droppedGraphsAreReleased() throws {
    let x = try Tensor.full(Self.shape, 0.5).requireGrad()
    let (_, bytes) = try bytesKept {
      let y = try x.square().mul(x).softmax(1)
      #expect(y.requiresGrad)
      _ = try y.sum(0).logSumExp()
      _ = try y.matmul(Tensor.zeros([2048, 3]))
      _ = try Tensor.cat([y, y], 0).narrow(0, 5, 7).contiguous()
    }
    #expect(isAbout(bytes, 0))
    // Also when backward fails half-way.
    let (_, failed) = try bytesKept {
      let w = try Tensor(full: Self.shape, 1)
      let loss = try x.mul(w).exp().sum()
      try w.mulInPlace(Tensor(2))
      #expect(throws: EngineError.self) { try loss.backward() }
    }
    #expect(isAbout(failed, 0))
    #expect(x.grad == nil)
  }

  @Test func attentionKeepsNoSquareOfScores() throws {
    let (t, h) = (2048, 8)
    let rows = RowSelection(everyPositionOf: 1, length: t)
    let q = try random([t, h * 2], seed: 1).requireGrad()
    let k = try random([1, t, h * 2], seed: 2).requireGrad()
    let (output, bytes) = try bytesKept {
      try Attention.causal(queries: q, keys: k, values: k, heads: h, scale: 1, rows: rows)
    }
    // Scores would be 128 MiB.
    #expect(bytes < Self.block)
    try output.sum().backward()
  }

  @Test func longChainsAreReleasedWithoutRecursion() throws {
    let x = try Tensor(1).requireGrad()
    let one = Tensor(1)
    for _ in 0..<2 {
      var y = x
      for _ in 0..<200_000 { y = try y.add(one) }
      #expect(try y.item() == 200_001)
    }
    // Where each is used twice.
    var y = x
    for _ in 0..<100_000 { y = try y.maximum(y) }
    y = x
    for _ in 0..<100_000 { y = try y.reshape([1]).select(0, 0) }
    y = x
  }

  @Test func longChainsAreWalkedWithoutRecursion() throws {
    let x = try Tensor(1).requireGrad()
    let one = Tensor(1)
    var y = x
    for _ in 0..<50_000 { y = try y.add(one).add(x) }
    try y.backward()
    #expect(x.grad?.elements() == [50_001])
  }
}

extension Tensor {
  /// The last two dimensions exchanged, in a storage of its own.
  fileprivate func t3() throws -> Tensor { try transpose(1, 2).contiguous() }
}
