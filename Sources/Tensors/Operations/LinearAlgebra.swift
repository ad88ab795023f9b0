import OpenBLAS

/// Decompositions and linear systems, on the LAPACK inside OpenBLAS.
///
/// LAPACK stores matrices by columns, the engine by rows: a matrix handed over as it lies is its
/// transpose there. NaN and infinity are refused before the call. The signs that a decomposition
/// leaves open are fixed, so that the same matrix gives the same factors. Gradients go back where
/// there are any; where there are none (vectors of equal values, dependent columns) `backward`
/// throws (`LinearAlgebra+Gradients.swift`).
///
/// A call of LAPACK cannot be interrupted. One that takes long works on a copy of its own, on a
/// thread of its own (``Abandonable``): an interrupted caller returns at once, the call goes on to
/// its end in the background, and frees its memory there. OpenBLAS may be called from several
/// threads at a time, as products are.
public enum LinearAlgebra {
  /// The thin singular value decomposition A = U diag(S) Vᵀ.
  ///
  /// In every column of U the entry of largest absolute value (the first of equals) is positive.
  /// Gradients of S exist always, those of U and V where the singular values that count differ by
  /// more than 1e-5 of the largest, and are not 0 unless A is square. Cost: O(m·n·min(m, n)).
  /// - Parameter a: A, [m, n].
  /// - Returns: U [m, k] and V [n, k] with orthonormal columns, S [k] descending, k = min(m, n).
  /// - Throws: `EngineError` if `a` is no matrix of finite numbers, or LAPACK does not converge.
  public static func svd(_ a: Tensor) throws -> (u: Tensor, s: Tensor, v: Tensor) {
    let (m, n) = try matrix(a, "svd")
    let input = try a.detach().workingCopy()
    let (u, s, v) = try withoutWaiting(m * n * min(m, n)) { try decomposed(input, m, n) }
    let factors = try recorded("svd", from: a, [u, s, v], gradient: svdGradient)
    return (factors[0], factors[1], factors[2])
  }

  /// The decomposition of ``svd(_:)``, which overwrites its input.
  static func decomposed(
    _ input: Tensor, _ m: Int, _ n: Int
  ) throws -> (u: Tensor, s: Tensor, v: Tensor) {
    let k = min(m, n)
    let s = try Tensor(uninitialized: [k])
    // LAPACK sees Aᵀ = V diag(S) Uᵀ; its left factor by columns is Vᵀ by rows, its right one U.
    let (vt, u) = (try Tensor(uninitialized: [k, n]), try Tensor(uninitialized: [m, k]))
    if k > 0 {
      var info: Int32 = 0
      var integers = [Int32](repeating: 0, count: 8 * k)
      var (rows, columns, inner) = (size(n), size(m), size(k))
      try withExtendedLifetime(input) {
        try workspace { work, length in
          openblas_sgesdd(
            &rows, &columns, input.pointer, &rows, s.pointer, vt.pointer, &rows, u.pointer, &inner,
            work, &length, &integers, &info)
        }
      }
      try check(info, "svd", "the iteration for singular values did not converge")
    }
    let v = try vt.t().copied()
    for j in 0..<k where leadsNegative(u, column: j) {
      negate(u, column: j)
      negate(v, column: j)
    }
    return (u, s, v)
  }

  /// The thin decomposition A = Q R.
  ///
  /// The diagonal of R is not negative. Gradients exist where the first k columns of A are
  /// independent. Cost: O(m·n·min(m, n)).
  /// - Parameter a: A, [m, n].
  /// - Returns: Q [m, k] with orthonormal columns and R [k, n], zero below the diagonal,
  ///   k = min(m, n).
  /// - Throws: `EngineError` if `a` is no matrix of finite numbers.
  public static func qr(_ a: Tensor) throws -> (q: Tensor, r: Tensor) {
    let (m, n) = try matrix(a, "qr")
    let columns = try a.detach().t().workingCopy()
    let (q, r) = try withoutWaiting(m * n * min(m, n)) { try orthogonalized(columns, m, n) }
    let factors = try recorded("qr", from: a, [q, r], gradient: qrGradient)
    return (factors[0], factors[1])
  }

  /// The decomposition of ``qr(_:)``, which overwrites its input, A by columns.
  private static func orthogonalized(
    _ columns: Tensor, _ m: Int, _ n: Int
  ) throws -> (q: Tensor, r: Tensor) {
    let k = min(m, n)
    let r = try Tensor(full: [k, n], 0)
    guard k > 0 else { return (try Tensor(full: [m, 0], 0), r) }
    var info: Int32 = 0
    var (rows, width, inner) = (size(m), size(n), size(k))
    var reflections = [Float](repeating: 0, count: k)
    try workspace { work, length in
      openblas_sgeqrf(&rows, &width, columns.pointer, &rows, &reflections, work, &length, &info)
    }
    try check(info, "qr", "LAPACK refused the matrix")
    for i in 0..<k {
      for j in i..<n { r.pointer[i * n + j] = columns.pointer[j * m + i] }
    }
    try workspace { work, length in
      openblas_sorgqr(
        &rows, &inner, &inner, columns.pointer, &rows, reflections, work, &length, &info)
    }
    try check(info, "qr", "LAPACK refused the matrix")
    let q = try columns.narrow(0, 0, k).t().copied()
    for i in 0..<k where r.pointer[i * n + i] < 0 {
      negate(q, column: i)
      for j in i..<n { r.pointer[i * n + j].negate() }
    }
    return (q, r)
  }

  /// Eigenvalues and eigenvectors of a symmetric matrix: A = X diag(λ) Xᵀ.
  ///
  /// In every eigenvector the entry of largest absolute value (the first of equals) is positive.
  /// Entries that mirror each other may differ by 1e-4 of the largest entry, as rounding leaves
  /// them; their mean counts. Gradients, symmetric ones, exist for the values always and for the
  /// vectors where the values that count differ by more than 1e-5 of the largest. Cost: O(n³).
  /// - Parameter a: A, [n, n].
  /// - Returns: the values λ [n], ascending, and the vectors, columns of X [n, n].
  /// - Throws: `EngineError` if `a` is no symmetric matrix of finite numbers, or LAPACK does not
  ///   converge.
  public static func eigh(_ a: Tensor) throws -> (values: Tensor, vectors: Tensor) {
    let (n, _) = try square(a, "eigh")
    let x = try a.detach().workingCopy()
    let (values, vectors) = try withoutWaiting(n * n * n) { try diagonalized(x, n) }
    let factors = try recorded("eigh", from: a, [values, vectors], gradient: eighGradient)
    return (factors[0], factors[1])
  }

  /// The decomposition of ``eigh(_:)``, which overwrites its input.
  private static func diagonalized(
    _ x: Tensor, _ n: Int
  ) throws -> (values: Tensor, vectors: Tensor) {
    try symmetrize(x, n, "eigh")
    let values = try Tensor(uninitialized: [n])
    guard n > 0 else { return (values, x) }
    var info: Int32 = 0
    var order = size(n)
    var integers = [Int32](repeating: 0, count: 5 * n + 3)
    var integerLength = size(integers.count)
    try workspace { work, length in
      openblas_ssyevd(
        &order, x.pointer, &order, values.pointer, work, &length, &integers, &integerLength, &info)
    }
    try check(info, "eigh", "the iteration for eigenvalues did not converge")
    let vectors = try x.t().copied()
    for j in 0..<n where leadsNegative(vectors, column: j) { negate(vectors, column: j) }
    return (values, vectors)
  }

  /// The solution X of A X = B.
  ///
  /// Gradients go to both: with G the gradient of X, that of B is A⁻ᵀ G and that of A is −A⁻ᵀ G Xᵀ.
  /// Cost: O(n³).
  /// - Parameters:
  ///   - a: A, [n, n].
  ///   - b: B, [n] or [n, r].
  /// - Returns: X, of the shape of B.
  /// - Throws: `EngineError` if the shapes do not fit, a number is not finite or A is singular.
  public static func solve(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    let (n, _) = try square(a, "solve")
    guard b.rank == 1 || b.rank == 2, b.shape[0] == n else {
      throw EngineError(
        "solve",
        "a matrix of shape \(a.shape) needs a right-hand side [\(n)] or [\(n), r], got \(b.shape)")
    }
    try finite(b, "solve")
    let x = try solved(a.detach(), b.detach())
    return x.recorded("solve", from: [a, b], saving: [x.detach()]) { g, saved in
      let (a, x) = (saved.inputs[0], saved.tensors[0])
      let forB = try solved(a.detach().t(), g)
      guard a.requiresGrad else { return [nil, forB] }
      let forA = x.rank == 1 ? try forB.outer(x) : try forB.matmul(x.t())
      return [try forA.neg(), forB]
    }
  }

  /// The matrix of at most `rank` nearest to W in the Frobenius norm: its largest singular values
  /// kept (Eckart and Young 1936).
  ///
  /// Its gradient is that of ``svd(_:)``.
  /// - Parameters:
  ///   - w: W, [m, n].
  ///   - rank: 0 … min(m, n).
  /// - Returns: a matrix of the shape of W.
  /// - Throws: `EngineError` as ``svd(_:)``, or if there is no such rank.
  public static func rankTruncate(_ w: Tensor, _ rank: Int) throws -> Tensor {
    let (m, n) = try matrix(w, "rank_truncate")
    guard rank >= 0, rank <= min(m, n) else {
      throw EngineError(
        "rank_truncate", "rank \(rank) for a matrix of shape \(w.shape) (allowed: 0…\(min(m, n)))")
    }
    let (u, s, v) = try svd(w)
    return try u.narrow(1, 0, rank).mul(s.narrow(0, 0, rank)).matmul(v.narrow(1, 0, rank).t())
  }
}

extension LinearAlgebra {
  /// Puts the mean of entries that mirror each other in the place of both, if they are close.
  static func symmetrize(_ x: Tensor, _ n: Int, _ operation: String) throws {
    let largest = (0..<n * n).reduce(Float(0)) { max($0, abs(x.pointer[$1])) }
    for i in 0..<n {
      for j in 0..<i {
        let (low, high) = (x.pointer[i * n + j], x.pointer[j * n + i])
        guard abs(low - high) <= 1e-4 * largest else {
          throw EngineError(
            operation,
            "the matrix is not symmetric: entry (\(j + 1), \(i + 1)) is \(high), "
              + "(\(i + 1), \(j + 1)) is \(low)")
        }
        let mean = low / 2 + high / 2
        x.pointer[i * n + j] = mean
        x.pointer[j * n + i] = mean
      }
    }
  }

  /// The X of A X = B for inputs of checked shapes.
  static func solved(_ a: Tensor, _ b: Tensor, _ operation: String = "solve") throws -> Tensor {
    let n = a.shape[0]
    let r = b.rank == 1 ? 1 : b.shape[1]
    // By columns: the transposes.
    let (left, right) = try (a.t().workingCopy(), b.reshape([n, r]).t().workingCopy())
    let shape = b.shape
    return try withoutWaiting(n * n * (n + r)) {
      try solution(left, right, n, r, operation).reshape(shape)
    }
  }

  /// X for A and B by columns, which are overwritten.
  private static func solution(
    _ left: Tensor, _ right: Tensor, _ n: Int, _ r: Int, _ operation: String
  ) throws -> Tensor {
    if n > 0 && r > 0 {
      var info: Int32 = 0
      var (order, columns) = (size(n), size(r))
      var pivots = [Int32](repeating: 0, count: n)
      withExtendedLifetime(left) {
        openblas_sgesv(
          &order, &columns, left.pointer, &order, &pivots, right.pointer, &order, &info)
      }
      try check(info, operation, "the matrix is singular")
    }
    return try right.t().copied()
  }

  /// Runs work that owns its tensors; where it takes long, so that the caller can be interrupted.
  static func withoutWaiting<R>(_ cost: Int, _ body: @escaping () throws -> R) throws -> R {
    // A copy that was cut short is no input.
    try StopToken.check()
    // Some 10 ms; a thread costs a hundredth of that.
    return try cost < 1 << 24 ? body() : Abandonable.run(body)
  }

  /// Rows and columns of a matrix of finite numbers.
  static func matrix(_ a: Tensor, _ operation: String) throws -> (Int, Int) {
    guard a.rank == 2 else {
      throw EngineError(operation, "needs a matrix, got shape \(a.shape)")
    }
    guard a.shape.allSatisfy({ $0 <= Int32.max }) else {
      throw EngineError(operation, "a matrix of shape \(a.shape) is too large")
    }
    try finite(a, operation)
    try MatrixLibrary.check(operation)
    return (a.shape[0], a.shape[1])
  }

  static func square(_ a: Tensor, _ operation: String) throws -> (Int, Int) {
    guard a.rank == 2, a.shape[0] == a.shape[1] else {
      throw EngineError(operation, "needs a square matrix, got shape \(a.shape)")
    }
    return try matrix(a, operation)
  }

  static func finite(_ a: Tensor, _ operation: String) throws {
    var wrong: Float?
    a.layout.forEachPosition {
      let element = a.element(at: $0)
      if !element.isFinite { wrong = wrong ?? element }
    }
    if let wrong {
      throw EngineError(operation, "needs finite numbers, but one of shape \(a.shape) is \(wrong)")
    }
  }

  /// Turns a positive code of LAPACK into a sentence; a negative one says that it was called
  /// wrongly, or for a matrix whose workspace it cannot count.
  static func check(_ info: Int32, _ operation: String, _ sentence: String) throws {
    if info < 0 { throw EngineError(operation, "LAPACK refuses its argument \(-info)") }
    if info > 0 { throw EngineError(operation, sentence) }
  }

  static func size(_ n: Int) -> Int32 { Int32(truncatingIfNeeded: n) }

  /// Calls a routine twice: to ask how much memory it wants, and with that memory.
  private static func workspace(
    _ routine: (UnsafeMutablePointer<Float>, inout Int32) -> Void
  ) throws {
    var wanted: Float = 0
    var length: Int32 = -1
    routine(&wanted, &length)
    // The answer is a Float, which may have been rounded down.
    length = max(1, Int32(clamping: Int(wanted.nextUp.rounded(.up))))
    let memory = try Tensor(uninitialized: [Int(length)])
    withExtendedLifetime(memory) { routine(memory.pointer, &length) }
  }

  /// Whether the entry of largest absolute value in a column is negative.
  private static func leadsNegative(_ matrix: Tensor, column: Int) -> Bool {
    let width = matrix.shape[1]
    var lead: Float = 0
    for i in 0..<matrix.shape[0] {
      let entry = matrix.pointer[i * width + column]
      if abs(entry) > abs(lead) { lead = entry }
    }
    return lead < 0
  }

  private static func negate(_ matrix: Tensor, column: Int) {
    let width = matrix.shape[1]
    for i in 0..<matrix.shape[0] { matrix.pointer[i * width + column].negate() }
  }
}
