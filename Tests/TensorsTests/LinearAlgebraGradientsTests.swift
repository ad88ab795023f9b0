import Glibc
import Tensors
import TestSupport
import Testing

/// Gradients of decompositions and of what is composed of them, against decompositions in double
/// precision.
@Suite struct LinearAlgebraGradientsTests {
  private func flat(_ parts: [Tensor]) throws -> Tensor {
    try Tensor.cat(parts.map { try $0.reshape([$0.count]) }, 0)
  }

  private func flat(_ parts: [Reference]) -> Reference {
    let elements = parts.flatMap(\.elements)
    return Reference(shape: [elements.count], elements: elements)
  }

  /// Singular values 1, 2, … and some disturbance: they are far from each other.
  private func spread(_ m: Int, _ n: Int) throws -> Tensor {
    let result = try Tensor.zeros([m, n])
    for i in 0..<min(m, n) { try result.select(0, i).select(0, i).fill(Float(i + 1)) }
    return result
  }

  @Test(arguments: [[3, 3], [5, 3], [3, 5], [1, 4], [4, 1], [1, 1], [7, 6]])
  func svd(_ shape: [Int]) throws {
    let base = try spread(shape[0], shape[1])
    try check(
      [Sample(shape, -0.3...0.3)], arrangements: Arrangement.distinct, tolerance: 1e-5,
      gradientTolerance: 1e-4
    ) {
      let (u, s, v) = try LinearAlgebra.svd($0[0].add(base))
      return try flat([u, s, v])
    } equals: {
      let (u, s, v) = singular(.combine($0[0], Reference(base), +))
      return flat([u, Reference(shape: [s.count], elements: s), v])
    }
  }

  @Test(arguments: [1, 3, 6])
  func eigh(_ n: Int) throws {
    let base = try spread(n, n)
    try check(
      [Sample([n, n], -0.2...0.2)], arrangements: Arrangement.distinct, tolerance: 1e-5,
      gradientTolerance: 1e-4
    ) {
      let a = try $0[0].add(base)
      let (values, vectors) = try LinearAlgebra.eigh(a.add(a.t()))
      return try flat([values, vectors])
    } equals: {
      let a = Reference.combine($0[0], Reference(base), +)
      let (values, vectors) = eigen(.combine(a, a.transposed(0, 1), +))
      return flat([Reference(shape: [n], elements: values), vectors])
    }
  }

  @Test(arguments: [[3, 3], [5, 3], [3, 5], [1, 4], [4, 1], [7, 6]])
  func qr(_ shape: [Int]) throws {
    let base = try spread(shape[0], shape[1])
    try check(
      [Sample(shape, -0.5...0.5)], arrangements: Arrangement.distinct, tolerance: 1e-5,
      gradientTolerance: 1e-4
    ) {
      let (q, r) = try LinearAlgebra.qr($0[0].add(base))
      return try flat([q, r])
    } equals: {
      let (q, r) = orthogonalized(.combine($0[0], Reference(base), +))
      return flat([q, r])
    }
  }

  @Test(arguments: [1, 2, 5])
  func cholesky(_ n: Int) throws {
    let diagonal = try Tensor.eye(n).mul(Tensor(2))
    try check(
      [Sample([n, n], -1...1)], arrangements: Arrangement.distinct, tolerance: 1e-5,
      gradientTolerance: 1e-4
    ) {
      try LinearAlgebra.cholesky($0[0].matmul($0[0].t()).add(diagonal))
    } equals: {
      triangle(.combine(.matmul($0[0], $0[0].transposed(0, 1)), Reference(diagonal), +))
    }
  }

  @Test(arguments: [1, 2, 5])
  func inverses(_ n: Int) throws {
    let diagonal = try Tensor.eye(n).mul(Tensor(4))
    let input = [Sample([n, n], -1...1)]
    try check(input, tolerance: 1e-5, gradientTolerance: 1e-4) {
      try LinearAlgebra.inv($0[0].add(diagonal))
    } equals: {
      eliminate(.combine($0[0], Reference(diagonal), +), .identity(n))
    }
    try check(input, tolerance: 1e-5, gradientTolerance: 1e-4) {
      try LinearAlgebra.det($0[0].add(diagonal))
    } equals: {
      Reference(determinant(.combine($0[0], Reference(diagonal), +)))
    }
    // The first row turned round: a negative determinant.
    let turn = try Tensor.eye(n)
    try turn.select(0, 0).select(0, 0).fill(-1)
    try check(input, tolerance: 1e-5, gradientTolerance: 1e-4) {
      try LinearAlgebra.slogdet(turn.matmul($0[0].add(diagonal))).logarithm
    } equals: {
      Reference(log(determinant(.combine($0[0], Reference(diagonal), +))))
    }
    let sign = try LinearAlgebra.slogdet(turn.matmul(diagonal)).sign
    #expect(try sign.item() == -1 && !sign.requiresGrad)
  }

  /// (AᵀA)⁻¹Aᵀ of independent columns, its transpose for rows, and of a product of the two kinds,
  /// whose rank is neither, C⁺ B⁺.
  @Test func pseudoInverses() throws {
    func ofColumns(_ a: Reference) -> Reference {
      let transpose = a.transposed(0, 1)
      return eliminate(.matmul(transpose, a), transpose)
    }
    func ofRows(_ a: Reference) -> Reference {
      ofColumns(a.transposed(0, 1)).transposed(0, 1)
    }
    let base = try spread(5, 3)
    let columns = Sample([5, 3], -0.5...0.5)
    try check(
      [columns], arrangements: Arrangement.distinct, tolerance: 1e-5, gradientTolerance: 1e-4
    ) {
      try LinearAlgebra.pinv($0[0].add(base))
    } equals: {
      ofColumns(.combine($0[0], Reference(base), +))
    }
    let (b, c) = (try spread(5, 2), try spread(2, 4))
    try check(
      [Sample([5, 2], -0.5...0.5), Sample([2, 4], -0.5...0.5)],
      arrangements: Arrangement.distinct, tolerance: 1e-5, gradientTolerance: 1e-4
    ) {
      try LinearAlgebra.pinv($0[0].add(b).matmul($0[1].add(c)))
    } equals: {
      .matmul(
        ofRows(.combine($0[1], Reference(c), +)), ofColumns(.combine($0[0], Reference(b), +)))
    }
    for side in [[5], [5, 2]] {
      try check(
        [columns, Sample(side)], arrangements: Arrangement.distinct, tolerance: 1e-5,
        gradientTolerance: 1e-4
      ) {
        try LinearAlgebra.lstsq($0[0].add(base), $0[1])
      } equals: {
        .matmul(ofColumns(.combine($0[0], Reference(base), +)), $0[1])
      }
    }
  }

  @Test func rankTruncate() throws {
    let base = try spread(5, 4)
    try check(
      [Sample([5, 4], -0.3...0.3)], arrangements: Arrangement.distinct, tolerance: 1e-5,
      gradientTolerance: 1e-4
    ) {
      try LinearAlgebra.rankTruncate($0[0].add(base), 2)
    } equals: {
      let (u, s, v) = singular(.combine($0[0], Reference(base), +))
      return Reference(shape: [5, 4]) { index in
        (0..<2).reduce(0) { $0 + u[index[0], $1] * s[$1] * v[index[1], $1] }
      }
    }
  }

  /// One graph for all factors: each of them alone, and twice, gives its share.
  @Test func factorsShareAGraph() throws {
    let a = try random([4, 3]).requireGrad()
    let (u, s, v) = try LinearAlgebra.svd(a)
    let weights = try [random([4, 3], seed: 2), random([3], seed: 3), random([3, 3], seed: 4)]
    let losses = try zip([u, s, v], weights).map { try $0.mul($1).sum() }
    let shares = try losses.map { try $0.gradients(of: [a], retain: true)[0] }
    let whole = try losses[0].add(losses[1]).add(losses[2]).gradients(of: [a])[0]
    expectClose(whole, try shares[0].add(shares[1]).add(shares[2]), 1e-5, "sum")
    expectError(
      "backward: the graph was already used by an earlier backward() or grad(); compute the result "
        + "again, or call that one with {retain = true}"
    ) { try losses[1].backward() }
    let (free, _, _) = try noGrad { try LinearAlgebra.svd(a) }
    #expect(!free.requiresGrad)
  }

  /// Values need not differ where nothing depends on their vectors; of the others those do that
  /// something depends on.
  @Test func valuesThatNeedNotDiffer() throws {
    let identity = try Tensor.eye(3).requireGrad()
    try LinearAlgebra.svd(identity).s.sum().backward()
    expectClose(identity.grad, try Tensor.eye(3), 1e-6, "singular values")
    identity.grad = nil
    try LinearAlgebra.eigh(identity).values.sum().backward()
    expectClose(identity.grad, try Tensor.eye(3), 1e-6, "eigenvalues")
    let a = try Tensor([2, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3]).requireGrad()
    let (u, s, v) = try LinearAlgebra.svd(a)
    // The nearest matrix of rank 1.
    let low = try u.narrow(1, 0, 1).mul(s.narrow(0, 0, 1)).matmul(v.narrow(1, 0, 1).t())
    try low.select(0, 0).select(0, 1).backward()
    // ∂(low)₁₂ / ∂A: 4/3 of it goes to (1, 2), 2/3 to (2, 1).
    expectClose(
      a.grad, try Tensor([0, 4.0 / 3, 0, 2.0 / 3, 0, 0, 0, 0, 0], shape: [3, 3]), 1e-5, "low")
  }

  @Test func singularDeterminants() throws {
    let a = try Tensor([1, 2, 2, 4], shape: [2, 2]).requireGrad()
    let determinant = try LinearAlgebra.det(a)
    try determinant.backward()
    #expect(try abs(determinant.item()) < 1e-6)
    expectClose(a.grad, try Tensor([4, -2, -2, 1], shape: [2, 2]), 1e-5, "adjugate")
    let (sign, logarithm) = try LinearAlgebra.slogdet(a)
    #expect(try sign.item() == 0 && logarithm.item() == -.infinity)
    expectError("slogdet: the matrix is singular") { try logarithm.backward() }
    #expect(try LinearAlgebra.det(.zeros([0, 0])).item() == 1)
    #expect(try LinearAlgebra.slogdet(.zeros([0, 0])).logarithm.item() == 0)
  }

  @Test func emptyMatrices() throws {
    for shape in [[0, 3], [3, 0], [0, 0]] {
      let a = try Tensor.zeros(shape).requireGrad()
      let (u, s, v) = try LinearAlgebra.svd(a)
      try u.sum().add(s.sum()).add(v.sum()).backward()
      let (q, r) = try LinearAlgebra.qr(a)
      try q.sum().add(r.sum()).backward()
      try LinearAlgebra.pinv(a).sum().backward()
      #expect(a.grad?.shape == shape)
      #expect(try LinearAlgebra.matrixRank(a) == 0)
    }
    let a = try Tensor.zeros([0, 0]).requireGrad()
    try LinearAlgebra.eigh(a).vectors.sum().backward()
    try LinearAlgebra.cholesky(a).sum().backward()
    try LinearAlgebra.inv(a).sum().backward()
    try LinearAlgebra.det(a).backward()
    try LinearAlgebra.slogdet(a).logarithm.backward()
    #expect(a.grad?.shape == [0, 0])
  }

  @Test func ranks() throws {
    let low = try random([6, 2]).matmul(random([2, 5], seed: 2))
    #expect(try LinearAlgebra.matrixRank(low) == 2)
    #expect(try LinearAlgebra.matrixRank(low.t()) == 2)
    #expect(try LinearAlgebra.matrixRank(random([6, 5])) == 5)
    #expect(try LinearAlgebra.matrixRank(.zeros([3, 2])) == 0)
    let scales = try Tensor([3, 0, 0, 0.125], shape: [2, 2])
    #expect(try LinearAlgebra.matrixRank(scales, tolerance: 0.125) == 1)
    #expect(try LinearAlgebra.matrixRank(scales, tolerance: 0) == 2)
  }

  @Test func whereThereIsNoGradient() throws {
    func leaf(_ elements: [Float], _ shape: [Int]) throws -> Tensor {
      try Tensor(elements, shape: shape).requireGrad()
    }
    let equal = try leaf([2, 0, 0, 2], [2, 2])
    expectError(
      "svd: the vectors of equal singular values have no gradient: singular values 1 and 2 are 2.0 "
        + "and 2.0"
    ) { try LinearAlgebra.svd(equal).u.sum().backward() }
    expectError(
      "svd: the vectors of equal singular values have no gradient: singular values 1 and 2 are 2.0 "
        + "and 2.0"
    ) { try LinearAlgebra.svd(equal).v.sum().backward() }
    expectError(
      "eigh: the vectors of equal eigenvalues have no gradient: eigenvalues 1 and 2 are 2.0 and 2.0"
    ) { try LinearAlgebra.eigh(equal).vectors.sum().backward() }
    let tall = try leaf([3, 0, 0, 0, 0, 0], [3, 2])
    expectError(
      "svd: the vectors of a singular value 0 have no gradient: singular value 2 is 0.0"
    ) { try LinearAlgebra.svd(tall).u.sum().backward() }
    expectError(
      "svd: the vectors of a singular value 0 have no gradient: singular value 2 is 0.0"
    ) { try LinearAlgebra.svd(tall.t()).v.sum().backward() }
    expectError(
      "qr: dependent columns have no gradient: column 2 depends on those before it, the diagonal "
        + "entry of R is 0.0"
    ) { try LinearAlgebra.qr(tall).r.sum().backward() }
    #expect(equal.grad == nil && tall.grad == nil)
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    let wrong = try Tensor([1, .nan, 2, 3], shape: [2, 2])
    expectError("inv: needs a square matrix, got shape [2, 3]") { try LinearAlgebra.inv(x) }
    expectError("inv: the matrix is singular") { try LinearAlgebra.inv(.zeros([2, 2])) }
    expectError("det: needs a square matrix, got shape [2, 3]") { try LinearAlgebra.det(x) }
    expectError("slogdet: needs a square matrix, got shape [3]") {
      try LinearAlgebra.slogdet(.zeros([3]))
    }
    expectError("pinv: needs finite numbers, but one of shape [2, 2] is nan") {
      try LinearAlgebra.pinv(wrong)
    }
    expectError(
      "lstsq: a matrix of shape [2, 3] needs a right-hand side [2] or [2, r], got [3]"
    ) { try LinearAlgebra.lstsq(x, .zeros([3])) }
    expectError("lstsq: needs finite numbers, but one of shape [2] is inf") {
      try LinearAlgebra.lstsq(x, Tensor([1, .infinity]))
    }
    expectError("matrix_rank: tolerance = -1.0 (allowed: 0 or more)") {
      try LinearAlgebra.matrixRank(x, tolerance: -1)
    }
    expectError("cholesky: needs a square matrix, got shape [2, 3]") {
      try LinearAlgebra.cholesky(x)
    }
    expectError("cholesky: the matrix is not symmetric: entry (1, 2) is 2.0, (2, 1) is 3.0") {
      try LinearAlgebra.cholesky(Tensor([4, 2, 3, 4], shape: [2, 2]))
    }
    expectError(
      "cholesky: the matrix is not positive definite: its first 2 rows and columns are not"
    ) { try LinearAlgebra.cholesky(Tensor([1, 2, 2, 1], shape: [2, 2])) }
  }
}

extension Tensor {
  fileprivate func fill(_ value: Float) throws { try copyInPlace(Tensor(value)) }
}
