import Glibc

// Decompositions in double precision, by the plainest methods there are.

/// Eigenvalues of a symmetric matrix, ascending, and vectors as columns, by Jacobi's rotations.
///
/// The largest entry of every vector is positive.
func eigen(_ matrix: Reference) -> (values: [Double], vectors: Reference) {
  let n = matrix.shape[0]
  var a = matrix
  var x = Reference.identity(n)
  for _ in 0..<60 {
    for p in 0..<n {
      for q in (p + 1)..<max(n, p + 1) where a[p, q] != 0 {
        let (c, s) = rotation((a[q, q] - a[p, p]) / (2 * a[p, q]))
        a.rotateColumns(p, q, c, s)
        a = a.transposed(0, 1)
        a.rotateColumns(p, q, c, s)
        x.rotateColumns(p, q, c, s)
      }
    }
  }
  let order = (0..<n).sorted { a[$0, $0] < a[$1, $1] }
  return (order.map { a[$0, $0] }, x.columns(order, signs: order.map(x.leadSign)))
}

/// The thin singular value decomposition of a matrix of full rank, by one-sided rotations.
///
/// The largest entry of every column of U is positive.
func singular(_ matrix: Reference) -> (u: Reference, s: [Double], v: Reference) {
  let (m, n) = (matrix.shape[0], matrix.shape[1])
  if m < n {
    let (v, s, u) = singular(matrix.transposed(0, 1))
    let signs = (0..<m).map(u.leadSign)
    return (u.columns(Array(0..<m), signs: signs), s, v.columns(Array(0..<m), signs: signs))
  }
  var w = matrix
  var v = Reference.identity(n)
  func product(_ p: Int, _ q: Int) -> Double { (0..<m).reduce(0) { $0 + w[$1, p] * w[$1, q] } }
  for _ in 0..<60 {
    for p in 0..<n {
      for q in (p + 1)..<max(n, p + 1) where product(p, q) != 0 {
        let (c, s) = rotation((product(q, q) - product(p, p)) / (2 * product(p, q)))
        w.rotateColumns(p, q, c, s)
        v.rotateColumns(p, q, c, s)
      }
    }
  }
  let sizes = (0..<n).map { sqrt(product($0, $0)) }
  let order = (0..<n).sorted { sizes[$0] > sizes[$1] }
  let signs = order.map(w.leadSign)
  return (
    w.columns(order, signs: zip(order, signs).map { $1 / sizes[$0] }), order.map { sizes[$0] },
    v.columns(order, signs: signs)
  )
}

/// The thin A = Q R of a matrix whose first columns are independent, by Gram and Schmidt.
func orthogonalized(_ a: Reference) -> (q: Reference, r: Reference) {
  let (m, n) = (a.shape[0], a.shape[1])
  let k = min(m, n)
  var q = Reference(shape: [m, k]) { a[$0] }
  for j in 0..<k {
    for _ in 0..<2 {
      for p in 0..<j {
        let share = (0..<m).reduce(0) { $0 + q[$1, p] * q[$1, j] }
        for i in 0..<m { q.elements[i * k + j] -= share * q[i, p] }
      }
    }
    let size = sqrt((0..<m).reduce(0) { $0 + q[$1, j] * q[$1, j] })
    for i in 0..<m { q.elements[i * k + j] /= size }
  }
  return (q, .matmul(q.transposed(0, 1), a))
}

/// L of A = L Lᵀ.
func triangle(_ a: Reference) -> Reference {
  let n = a.shape[0]
  var l = Reference(shape: [n, n]) { _ in 0 }
  for j in 0..<n {
    for i in j..<n {
      let rest = (0..<j).reduce(a[i, j]) { $0 - l[i, $1] * l[j, $1] }
      l.elements[i * n + j] = i == j ? sqrt(rest) : rest / l[j, j]
    }
  }
  return l
}

/// The determinant, by expansion along the first row.
func determinant(_ a: Reference) -> Double {
  let n = a.shape[0]
  return (0..<n).reduce(n == 0 ? 1 : 0) { sum, j in
    let minor = Reference(shape: [n - 1, n - 1]) { a[$0[0] + 1, $0[1] < j ? $0[1] : $0[1] + 1] }
    return sum + (j % 2 == 0 ? 1 : -1) * a[0, j] * determinant(minor)
  }
}

/// Cosine and sine of the angle whose double has the cotangent `theta`.
private func rotation(_ theta: Double) -> (c: Double, s: Double) {
  let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
  let c = 1 / (t * t + 1).squareRoot()
  return (c, t * c)
}

extension Reference {
  static func identity(_ n: Int) -> Reference {
    Reference(shape: [n, n]) { $0[0] == $0[1] ? 1 : 0 }
  }

  fileprivate mutating func rotateColumns(_ p: Int, _ q: Int, _ c: Double, _ s: Double) {
    let n = shape[1]
    for i in 0..<shape[0] {
      let (x, y) = (self[i, p], self[i, q])
      elements[i * n + p] = c * x - s * y
      elements[i * n + q] = s * x + c * y
    }
  }

  fileprivate func columns(_ places: [Int], signs: [Double]) -> Reference {
    Reference(shape: [shape[0], places.count]) { self[$0[0], places[$0[1]]] * signs[$0[1]] }
  }

  /// The sign of the entry of largest absolute value in a column.
  fileprivate func leadSign(_ j: Int) -> Double {
    let column = (0..<shape[0]).map { self[$0, j] }
    return (column.max { abs($0) < abs($1) } ?? 1) < 0 ? -1 : 1
  }
}

/// The solution of A X = B by Gauss–Jordan elimination with pivoting.
func eliminate(_ a: Reference, _ b: Reference) -> Reference {
  let n = a.shape[0]
  let r = b.rank == 1 ? 1 : b.shape[1]
  var rows = (0..<n).map { i in
    (0..<n).map { a[i, $0] } + (0..<r).map { b.elements[i * r + $0] }
  }
  for p in 0..<n {
    let best = (p..<n).max { abs(rows[$0][p]) < abs(rows[$1][p]) } ?? p
    rows.swapAt(p, best)
    for i in 0..<n where i != p {
      let factor = rows[i][p] / rows[p][p]
      for j in p..<(n + r) { rows[i][j] -= factor * rows[p][j] }
    }
  }
  let elements = (0..<n).flatMap { i in (0..<r).map { rows[i][n + $0] / rows[i][i] } }
  return Reference(shape: b.shape, elements: elements)
}
