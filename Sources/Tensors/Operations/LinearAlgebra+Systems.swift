import Glibc
import OpenBLAS

// Inverses, determinants and what else is asked of a matrix, composed of decompositions.

extension LinearAlgebra {
  /// The inverse of a square matrix, with its gradient.
  ///
  /// Cost: O(n³).
  /// - Parameter a: A, [n, n].
  /// - Returns: A⁻¹, [n, n].
  /// - Throws: `EngineError` if `a` is no square matrix of finite numbers, or singular.
  public static func inv(_ a: Tensor) throws -> Tensor {
    let (n, _) = try square(a, "inv")
    let inverse = try solved(a.detach(), Tensor.eye(n), "inv")
    return inverse.recorded("inv", from: [a], saving: [inverse.detach()]) { g, saved in
      let transpose = try saved.tensors[0].t()
      return [try transpose.matmul(g).matmul(transpose).neg()]
    }
  }

  /// The pseudo-inverse A⁺ of Moore and Penrose: of independent columns (AᵀA)⁻¹Aᵀ.
  ///
  /// Singular values that are not above the tolerance of ``matrixRank(_:tolerance:)`` count as 0.
  /// The gradient is that for matrices of the same rank (Golub and Pereyra 1973).
  /// - Parameter a: A, [m, n].
  /// - Returns: A⁺, [n, m].
  /// - Throws: `EngineError` as ``svd(_:)``.
  public static func pinv(_ a: Tensor) throws -> Tensor {
    let (m, n) = try matrix(a, "pinv")
    let input = try a.detach().workingCopy()
    let (u, s, v) = try withoutWaiting(m * n * min(m, n)) { try decomposed(input, m, n) }
    let least = leastValue(s, m, n)
    let inverses = try Tensor(s.elements().map { $0 > least ? 1 / $0 : 0 })
    let result = try v.mul(inverses).matmul(u.t())
    return result.recorded("pinv", from: [a], saving: [result.detach()]) { g, saved in
      let (a, p) = (saved.inputs[0].detach(), saved.tensors[0])
      let (gT, pT) = (try g.t(), try p.t())
      // −A⁺ᵀ Ḡ A⁺ᵀ + (1 − A A⁺) Ḡᵀ A⁺ A⁺ᵀ + A⁺ᵀ A⁺ Ḡᵀ (1 − A⁺ A)
      let tall = try gT.matmul(p).matmul(pT)
      let wide = try pT.matmul(p).matmul(gT)
      return [
        try tall.sub(a.matmul(p.matmul(tall)))
          .add(wide.sub(wide.matmul(p).matmul(a)))
          .sub(pT.matmul(g).matmul(pT))
      ]
    }
  }

  /// The X of smallest norm among those that make A X − B smallest: A⁺ B, with gradients.
  /// - Parameters:
  ///   - a: A, [m, n], of any rank.
  ///   - b: B, [m] or [m, r].
  /// - Returns: X, [n] or [n, r].
  /// - Throws: `EngineError` if the shapes do not fit; as ``svd(_:)``.
  public static func lstsq(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    let (m, _) = try matrix(a, "lstsq")
    guard b.rank == 1 || b.rank == 2, b.shape[0] == m else {
      throw EngineError(
        "lstsq",
        "a matrix of shape \(a.shape) needs a right-hand side [\(m)] or [\(m), r], got \(b.shape)")
    }
    try finite(b, "lstsq")
    return try pinv(a).matmul(b)
  }

  /// The number of singular values above a tolerance; without gradient.
  /// - Parameters:
  ///   - a: A, [m, n].
  ///   - tolerance: the largest that does not count; default: max(m, n) · 2⁻²³ of the largest
  ///     singular value, as NumPy and PyTorch have it.
  /// - Returns: the rank, from 0 to min(m, n).
  /// - Throws: `EngineError` as ``svd(_:)``, or if the tolerance is negative or not a number.
  public static func matrixRank(_ a: Tensor, tolerance: Double? = nil) throws -> Int {
    let (m, n) = try matrix(a, "matrix_rank")
    if let tolerance, !(tolerance >= 0) {
      throw EngineError("matrix_rank", "tolerance = \(tolerance) (allowed: 0 or more)")
    }
    let input = try a.detach().workingCopy()
    let s = try withoutWaiting(m * n * min(m, n)) { try decomposed(input, m, n) }.s
    let least = tolerance ?? Double(leastValue(s, m, n))
    return s.elements().count { Double($0) > least }
  }

  /// Up to where a singular value counts as 0.
  private static func leastValue(_ s: Tensor, _ m: Int, _ n: Int) -> Float {
    Float(max(m, n)) * .ulpOfOne * (s.elements().first ?? 0)
  }

  /// The lower triangle L of A = L Lᵀ for a positive definite matrix.
  ///
  /// Entries of A that mirror each other may differ by 1e-4 of the largest, as in ``eigh(_:)``;
  /// the gradient is symmetric. Cost: O(n³).
  /// - Parameter a: A, [n, n].
  /// - Returns: L, [n, n], zero above the diagonal.
  /// - Throws: `EngineError` if `a` is no symmetric matrix of finite numbers, or not positive
  ///   definite.
  public static func cholesky(_ a: Tensor) throws -> Tensor {
    let (n, _) = try square(a, "cholesky")
    let copy = try a.detach().workingCopy()
    let l = try withoutWaiting(n * n * n) { try triangle(copy, n) }
    return try recorded("cholesky", from: a, [l], gradient: choleskyGradient)[0]
  }

  /// L of ``cholesky(_:)``, in the place of A.
  private static func triangle(_ a: Tensor, _ n: Int) throws -> Tensor {
    try symmetrize(a, n, "cholesky")
    guard n > 0 else { return a }
    var (info, order): (Int32, Int32) = (0, size(n))
    withExtendedLifetime(a) { openblas_spotrf(&order, a.pointer, &order, &info) }
    try check(
      info, "cholesky",
      "the matrix is not positive definite: its first \(info) rows and columns are not")
    for i in 0..<n {
      for j in (i + 1)..<max(n, i + 1) { a.pointer[i * n + j] = 0 }
    }
    return a
  }

  /// Ā = (K + Kᵀ) / 2 with K = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, Φ the lower triangle with half the diagonal.
  private static func choleskyGradient(_ gradients: [Tensor], _ factors: [Tensor]) throws -> Tensor
  {
    let (l, n) = (factors[0], factors[0].shape[0])
    let core = try l.t().matmul(gradients[0])
    for i in 0..<n {
      core.pointer[i * n + i] /= 2
      for j in (i + 1)..<max(n, i + 1) { core.pointer[i * n + j] = 0 }
    }
    let transpose = try l.t()
    let k = try solved(transpose, solved(transpose, core, "cholesky").t(), "cholesky")
    return try k.add(k.t()).mul(Tensor(0.5))
  }
}

// Norms.

extension LinearAlgebra {
  /// How a matrix is measured.
  public enum Norm: Sendable, Equatable {
    /// The square root of the sum of squares.
    case frobenius
    /// The sum of the singular values.
    case nuclear
    /// 2: the largest singular value; 1 and ∞: the largest sum of absolute values of a column and
    /// of a row; −2, −1 and −∞: the smallest.
    case order(Double)
  }

  /// A norm of a matrix, with its gradient.
  /// - Parameters:
  ///   - a: A, [m, n]; not empty for an order.
  ///   - norm: which.
  /// - Returns: a 0-dimensional tensor.
  /// - Throws: `EngineError` if `a` is no matrix of finite numbers, or there is no such norm.
  public static func norm(_ a: Tensor, _ norm: Norm = .frobenius) throws -> Tensor {
    _ = try matrix(a, "norm")
    switch norm {
    case .frobenius: return try a.norm()
    case .nuclear: return try svd(a).s.sum()
    case .order(let order):
      guard [1, 2, .infinity].contains(abs(order)) else {
        throw EngineError("norm", "order \(order) (allowed: 1, 2, ∞ and their negatives)")
      }
      guard a.count > 0 else {
        throw EngineError("norm", "a matrix of shape \(a.shape) has no norm of order \(order)")
      }
      let sizes = abs(order) == 2 ? try svd(a).s : try a.abs().sum(abs(order) == 1 ? 0 : 1)
      return order > 0 ? try sizes.max() : try sizes.min()
    }
  }
}

// Determinants.

extension LinearAlgebra {
  /// The determinant of a square matrix, with its gradient, that of a singular one too.
  ///
  /// Products are formed in double precision. Cost: O(n³).
  /// - Parameter a: A, [n, n].
  /// - Returns: a 0-dimensional tensor.
  /// - Throws: `EngineError` if `a` is no square matrix of finite numbers.
  public static func det(_ a: Tensor) throws -> Tensor {
    let diagonal = try pivots(a, "det")
    let result = Tensor(Float(diagonal.reduce(1, *)))
    return result.recorded("det", from: [a]) { g, saved in
      [try cofactors(saved.inputs[0].detach()).mul(g)]
    }
  }

  /// The sign of a determinant and the logarithm of its absolute value.
  ///
  /// The logarithm has a gradient, A⁻ᵀ, unless A is singular. Cost: O(n³).
  /// - Parameter a: A, [n, n].
  /// - Returns: −1, 0 or 1, and log|det A|, −∞ for a singular matrix; 0-dimensional both.
  /// - Throws: `EngineError` if `a` is no square matrix of finite numbers.
  public static func slogdet(_ a: Tensor) throws -> (sign: Tensor, logarithm: Tensor) {
    let diagonal = try pivots(a, "slogdet")
    let sum = diagonal.reduce(0) { $0 + log(abs($1)) }
    let logarithm = Tensor(Float(sum)).recorded("slogdet", from: [a]) { g, saved in
      let a = saved.inputs[0].detach()
      return [try solved(a.t(), Tensor.eye(a.shape[0]), "slogdet").mul(g)]
    }
    return (Tensor(Float(sign(diagonal))), logarithm)
  }

  /// The sign of a product.
  private static func sign(_ numbers: [Double]) -> Double {
    numbers.reduce(1) { product, number in
      number == 0 ? 0 : number < 0 ? -product : product
    }
  }

  /// Numbers whose product is the determinant: the pivots of Gaussian elimination, with the signs
  /// of its exchanges of rows.
  private static func pivots(_ a: Tensor, _ operation: String) throws -> [Double] {
    let (n, _) = try square(a, operation)
    let copy = try a.detach().workingCopy()
    return try withoutWaiting(n * n * n) { try eliminated(copy, n, operation) }
  }

  /// The numbers of ``pivots(_:_:)``, for a matrix that is overwritten.
  private static func eliminated(_ a: Tensor, _ n: Int, _ operation: String) throws -> [Double] {
    guard n > 0 else { return [] }
    var (info, order): (Int32, Int32) = (0, size(n))
    var exchanges = [Int32](repeating: 0, count: n)
    var (rows, columns) = (order, order)
    withExtendedLifetime(a) {
      openblas_sgetrf(&rows, &columns, a.pointer, &order, &exchanges, &info)
    }
    // A pivot of 0, which it tells as an error, is a determinant of 0.
    try check(min(info, 0), operation, "")
    return (0..<n).map { i in
      let pivot = Double(a.pointer[i * n + i])
      return exchanges[i] == size(i + 1) ? pivot : -pivot
    }
  }

  /// The derivative of the determinant, det A · A⁻ᵀ, from A = U diag(s) Vᵀ as
  /// det U · det V · U diag(∏_{j ≠ i} s_j) Vᵀ, which needs no inverse.
  private static func cofactors(_ a: Tensor) throws -> Tensor {
    let n = a.shape[0]
    let (u, s, v) = try decomposed(a.workingCopy(), n, n)
    let sign = try sign(pivots(u, "det")) * sign(pivots(v, "det"))
    let values = s.elements().map(Double.init)
    let others = values.indices.map { i in
      Float(values.indices.reduce(sign) { $1 == i ? $0 : $0 * values[$1] })
    }
    return try u.mul(Tensor(others)).matmul(v.t())
  }
}
