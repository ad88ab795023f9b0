import Dispatch
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite struct LinearAlgebraTests {
  static let shapes = [
    [1, 1], [3, 3], [5, 2], [2, 5], [1, 7], [7, 1], [17, 13], [40, 67], [0, 3], [3, 0], [0, 0],
  ]

  /// Rows, ranges and transposes of larger matrices, as a caller may hand them over.
  private func views(_ shape: [Int]) throws -> [Tensor] {
    let (m, n) = (shape[0], shape[1])
    return [
      try random(shape, seed: 1), try random([n, m], seed: 2).t(),
      try random([m + 2, n + 3], seed: 3).narrow(0, 1, m).narrow(1, 2, n),
    ]
  }

  private func expectOrthonormal(
    _ x: Tensor, _ label: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    expectClose(
      try x.t().matmul(x), Reference(try Tensor.eye(x.shape[1])), 1e-5, label,
      sourceLocation: sourceLocation)
  }

  /// Whether the largest entry of every column is positive.
  private func expectPositiveLeads(
    _ x: Tensor, _ label: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for j in 0..<x.shape[1] {
      let column = try x.select(1, j).elements()
      let lead = column.max { abs($0) < abs($1) } ?? 1
      #expect(lead > 0, "column \(j), \(label)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: shapes)
  func svd(_ shape: [Int]) throws {
    let k = shape.min() ?? 0
    for a in try views(shape) {
      let label = "\(shape), strides \(a.layout.strides)"
      let before = a.elements()
      let (u, s, v) = try LinearAlgebra.svd(a)
      #expect(a.elements() == before)
      #expect(u.shape == [shape[0], k] && s.shape == [k] && v.shape == [shape[1], k])
      expectClose(
        try u.mul(s).matmul(v.t()), Reference(a), 1e-5, label)
      try expectOrthonormal(u, "U, \(label)")
      try expectOrthonormal(v, "V, \(label)")
      let values = s.elements()
      #expect(values == values.sorted(by: >) && values.allSatisfy { $0 >= 0 })
      try expectPositiveLeads(u, label)
    }
  }

  /// The squares of the singular values are the eigenvalues of AᵀA, found by Jacobi's rotations in
  /// double precision.
  @Test(arguments: [[3, 3], [5, 2], [2, 5], [17, 13]])
  func singularValues(_ shape: [Int]) throws {
    let a = try random(shape)
    let double = Reference(a)
    let wide = shape[0] < shape[1] ? double.transposed(0, 1) : double
    let squares = eigen(.matmul(wide.transposed(0, 1), wide)).values
    let expected = squares.map { max($0, 0).squareRoot() }
    expectClose(
      try LinearAlgebra.svd(a).s, Reference(shape: [expected.count], elements: expected.reversed()),
      1e-6)
  }

  @Test func svdByHand() throws {
    let (u, s, v) = try LinearAlgebra.svd(Tensor([0, -2, 3, 0], shape: [2, 2]))
    expectClose(s, Reference(shape: [2], elements: [3, 2]), 1e-6)
    expectClose(u, Reference(shape: [2, 2], elements: [0, 1, 1, 0]), 1e-6)
    expectClose(v, Reference(shape: [2, 2], elements: [1, 0, 0, -1]), 1e-6)
  }

  @Test(arguments: shapes)
  func qr(_ shape: [Int]) throws {
    let k = shape.min() ?? 0
    for a in try views(shape) {
      let label = "\(shape), strides \(a.layout.strides)"
      let (q, r) = try LinearAlgebra.qr(a)
      #expect(q.shape == [shape[0], k] && r.shape == [k, shape[1]])
      expectClose(try q.matmul(r), Reference(a), 1e-5, label)
      try expectOrthonormal(q, label)
      let upper = Reference(r)
      for i in 0..<k {
        #expect(upper[i, i] >= 0, "\(label)")
        for j in 0..<min(i, shape[1]) { #expect(upper[i, j] == 0, "\(label)") }
      }
    }
  }

  @Test(arguments: [0, 1, 2, 5, 33])
  func eigh(_ n: Int) throws {
    for x in try views([n, n]) {
      let a = try x.add(x.t())
      let (values, vectors) = try LinearAlgebra.eigh(a)
      #expect(values.shape == [n] && vectors.shape == [n, n])
      expectClose(try vectors.mul(values).matmul(vectors.t()), Reference(a), 1e-5)
      try expectOrthonormal(vectors, "\(n)")
      try expectPositiveLeads(vectors, "\(n)")
      let expected = n < 20 ? eigen(Reference(a)).values : Reference(values).elements.sorted()
      expectClose(values, Reference(shape: [n], elements: expected), 1e-5)
    }
  }

  @Test(arguments: [[1], [4], [3, 2], [1, 1], [5, 7], [13]])
  func solve(_ shape: [Int]) throws {
    let n = shape[0]
    // Far from singular: the identity times 4 is added.
    let diagonal = try Tensor.eye(n).mul(Tensor(4))
    try check(
      [Sample([n, n], -1...1), Sample(shape)], tolerance: 1e-5, gradientTolerance: 1e-4
    ) {
      try LinearAlgebra.solve($0[0].add(diagonal), $0[1])
    } equals: {
      eliminate(.combine($0[0], Reference(diagonal), +), $0[1])
    }
  }

  @Test func emptySystems() throws {
    #expect(try LinearAlgebra.solve(.zeros([0, 0]), .zeros([0])).shape == [0])
    #expect(try LinearAlgebra.solve(.eye(2), .zeros([2, 0])).shape == [2, 0])
  }

  @Test func rankTruncate() throws {
    for a in try views([7, 5]) {
      let s = try LinearAlgebra.svd(a).s.elements()
      for rank in 0...5 {
        let low = try LinearAlgebra.rankTruncate(a, rank)
        #expect(low.shape == [7, 5])
        // What is lost are exactly the other singular values.
        let lost = s[rank...].reduce(0) { $0 + $1 * $1 }.squareRoot()
        let distance = try a.sub(low).norm().item()
        #expect(abs(distance - lost) < 1e-5)
        let rest = try LinearAlgebra.svd(low).s.elements()[rank...]
        #expect(rest.allSatisfy { $0 < 1e-5 })
      }
    }
  }

  /// LAPACK in OpenBLAS, called from several threads at a time, gives the same bits as alone.
  @Test func severalThreadsAtATime() throws {
    @Sendable func bits(_ seed: UInt64) -> [UInt32] {
      let size = 150 + Int(seed)
      guard let a = try? random([size, size], seed: seed), let s = try? a.add(a.t()),
        let (u, values, v) = try? LinearAlgebra.svd(a), let (q, r) = try? LinearAlgebra.qr(a),
        let (roots, vectors) = try? LinearAlgebra.eigh(s), let x = try? LinearAlgebra.solve(a, s)
      else { return [] }
      return [u, values, v, q, r, roots, vectors, x].flatMap { $0.elements().map(\.bitPattern) }
    }
    let alone = (0..<8).map { bits(UInt64($0)) }
    let together = Mutex([[UInt32]](repeating: [], count: 8))
    DispatchQueue.concurrentPerform(iterations: 8) { i in
      let found = bits(UInt64(i))
      together.withLock { $0[i] = found }
    }
    #expect(!alone.contains([]))
    #expect(together.withLock { $0 } == alone)
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    let wrong = try Tensor([1, .nan, 2, 3], shape: [2, 2])
    expectError("svd: needs a matrix, got shape [3]") { try LinearAlgebra.svd(.zeros([3])) }
    expectError("svd: needs finite numbers, but one of shape [2, 2] is nan") {
      try LinearAlgebra.svd(wrong)
    }
    expectError("qr: needs finite numbers, but one of shape [1, 1] is inf") {
      try LinearAlgebra.qr(Tensor([.infinity], shape: [1, 1]))
    }
    expectError("eigh: needs a square matrix, got shape [2, 3]") { try LinearAlgebra.eigh(x) }
    expectError("eigh: the matrix is not symmetric: entry (1, 2) is 2.0, (2, 1) is 3.0") {
      try LinearAlgebra.eigh(Tensor([1, 2, 3, 4], shape: [2, 2]))
    }
    expectError("solve: needs a square matrix, got shape [2, 3]") {
      try LinearAlgebra.solve(x, .zeros([2]))
    }
    expectError(
      "solve: a matrix of shape [2, 2] needs a right-hand side [2] or [2, r], got [3]"
    ) { try LinearAlgebra.solve(.eye(2), .zeros([3])) }
    expectError("solve: needs finite numbers, but one of shape [2, 2] is nan") {
      try LinearAlgebra.solve(wrong, .zeros([2]))
    }
    expectError("solve: needs finite numbers, but one of shape [2] is nan") {
      try LinearAlgebra.solve(.eye(2), Tensor([.nan, 1]))
    }
    expectError("solve: the matrix is singular") {
      try LinearAlgebra.solve(Tensor([1, 2, 2, 4], shape: [2, 2]), Tensor([1, 1]))
    }
    expectError("rank_truncate: rank 3 for a matrix of shape [2, 3] (allowed: 0…2)") {
      try LinearAlgebra.rankTruncate(x, 3)
    }
  }
}
