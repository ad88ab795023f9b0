// Gradients of decompositions.
//
// A change of A turns the vectors of a decomposition among each other, by angles that have the
// differences of their values in the denominator: vectors of equal values can turn into any others
// of their plane and have no gradient. The formulas, with Ḡ for the gradient of G, are those of
// Giles 2008 and Townsend 2016 for singular and eigenvalues, of Walter and Lehmann 2010 for Q R,
// and of Murray 2016 for Cholesky's.

extension LinearAlgebra {
  /// From the gradients of the factors and the factors to the gradient of A.
  typealias FactorRule =
    @Sendable (_ gradients: [Tensor], _ factors: [Tensor]) throws -> Tensor

  /// The factors of A, with a history where A requires gradients.
  ///
  /// They are views of one tensor then, so that the gradients of all of them arrive together.
  static func recorded(
    _ operation: String, from a: Tensor, _ factors: [Tensor], gradient: @escaping FactorRule
  ) throws -> [Tensor] {
    guard a.requiresGrad, Gradients.areRecorded else { return factors }
    let shapes = factors.map(\.shape)
    let joined = try Tensor.cat(factors.map { try $0.reshape([$0.count]) }, 0)
    _ = joined.recorded(operation, from: [a], saving: [joined.detach()], areFresh: true) {
      g, saved in [try gradient(split(g, shapes), split(saved.tensors[0], shapes))]
    }
    return try split(joined, shapes)
  }

  private static func split(_ joined: Tensor, _ shapes: [[Int]]) throws -> [Tensor] {
    var start = 0
    return try shapes.map { shape in
      let count = shape.reduce(1, *)
      defer { start += count }
      return try joined.narrow(0, start, count).reshape(shape)
    }
  }

  /// How close two values may be, relative to the largest, and how small one: those of closer ones
  /// are not told apart in Float32.
  private static let resolution = 1e-5

  /// The singular values or eigenvalues of a decomposition, to divide by their differences.
  private struct Spectrum {
    let operation: String
    /// What they are called, in the singular.
    let name: String
    let values: [Double]
    /// Which of them the result depends on, through their vectors or beside those of others.
    let count: [Bool]
    private let least: Double

    init(
      _ operation: String, _ name: String, _ values: Tensor, _ gradient: Tensor, vectors: [Tensor]
    ) {
      (self.operation, self.name) = (operation, name)
      self.values = values.elements().map(Double.init)
      var isUsed = [Bool](repeating: false, count: values.count)
      for vector in vectors {
        for (place, slope) in vector.elements().enumerated() where slope != 0 {
          isUsed[place % values.count] = true
        }
      }
      // Without their vectors, values need not differ.
      if isUsed.contains(true) {
        for (place, slope) in gradient.elements().enumerated() where slope != 0 {
          isUsed[place] = true
        }
      }
      count = isUsed
      least = resolution * (self.values.map(abs).max() ?? 0)
    }

    /// The difference of the values j and i; nil where nothing depends on either.
    func gap(_ i: Int, _ j: Int) throws -> Double? {
      guard count[i] || count[j] else { return nil }
      let gap = values[j] - values[i]
      guard abs(gap) > least else {
        throw EngineError(
          operation,
          "the vectors of equal \(name)s have no gradient: \(name)s \(min(i, j) + 1) and "
            + "\(max(i, j) + 1) are \(Float(values[min(i, j)])) and \(Float(values[max(i, j)]))")
      }
      return gap
    }

    /// One over each value, 0 where nothing depends on it.
    func inverses() throws -> Tensor {
      try Tensor(
        values.indices.map { i in
          guard count[i] else { return 0 }
          guard abs(values[i]) > least else {
            throw EngineError(
              operation,
              "the vectors of a \(name) 0 have no gradient: \(name) \(i + 1) is "
                + "\(Float(values[i]))")
          }
          return Float(1 / values[i])
        })
    }
  }

  /// Ā = U M Vᵀ where M has S̄ on its diagonal and (N_U s_j + s_i N_V)_ij / (s_j² − s_i²) beside
  /// it, with N_U = Uᵀ Ū − Ūᵀ U and N_V alike.
  ///
  /// What U and V leave out of a tall or a wide matrix adds (1 − U Uᵀ) Ū diag(1/s) Vᵀ and
  /// U diag(1/s) V̄ᵀ (1 − V Vᵀ).
  static func svdGradient(_ gradients: [Tensor], _ factors: [Tensor]) throws -> Tensor {
    let (u, s, v) = (factors[0], factors[1], factors[2])
    let (gU, gS, gV) = (gradients[0], gradients[1], gradients[2])
    let k = s.count
    let spectrum = Spectrum("svd", "singular value", s, gS, vectors: [gU, gV])
    let (turnU, turnV) = (try u.t().matmul(gU), try v.t().matmul(gV))
    let core = try Tensor(full: [k, k], 0)
    let (uu, vv, slopes) = (turnU.elements(), turnV.elements(), gS.elements())
    for i in 0..<k {
      core.pointer[i * k + i] = slopes[i]
      for j in 0..<i {
        guard let gap = try spectrum.gap(i, j) else { continue }
        let forU = Double(uu[i * k + j] - uu[j * k + i])
        let forV = Double(vv[i * k + j] - vv[j * k + i])
        // The quotient in two parts, neither of which cancels.
        let even = (forU + forV) / (2 * gap)
        let odd = (forU - forV) / (2 * (spectrum.values[j] + spectrum.values[i]))
        core.pointer[i * k + j] = Float(even + odd)
        core.pointer[j * k + i] = Float(even - odd)
      }
    }
    var left = try u.matmul(core)
    if u.shape[0] > k {
      left = try left.add(gU.sub(u.matmul(turnU)).mul(spectrum.inverses()))
    }
    let result = try left.matmul(v.t())
    guard v.shape[0] > k else { return result }
    return try result.add(u.matmul(gV.sub(v.matmul(turnV)).mul(spectrum.inverses()).t()))
  }

  /// Ā = X M Xᵀ where M has λ̄ on its diagonal and (Xᵀ X̄ − X̄ᵀ X)_ij / 2 (λ_j − λ_i) beside it.
  static func eighGradient(_ gradients: [Tensor], _ factors: [Tensor]) throws -> Tensor {
    let (values, x) = (factors[0], factors[1])
    let n = values.count
    let spectrum = Spectrum("eigh", "eigenvalue", values, gradients[0], vectors: [gradients[1]])
    let core = try Tensor(full: [n, n], 0)
    let (turn, slopes) = (try x.t().matmul(gradients[1]).elements(), gradients[0].elements())
    for i in 0..<n {
      core.pointer[i * n + i] = slopes[i]
      for j in 0..<i {
        guard let gap = try spectrum.gap(i, j) else { continue }
        let entry = Float(Double(turn[i * n + j] - turn[j * n + i]) / (2 * gap))
        core.pointer[i * n + j] = entry
        core.pointer[j * n + i] = entry
      }
    }
    return try x.matmul(core).matmul(x.t())
  }

  /// Ā = (Q̄ + Q M) R⁻ᵀ where M is the symmetric matrix with the lower triangle of R R̄ᵀ − Q̄ᵀ Q.
  ///
  /// Of a wide matrix A = [A₁ A₂] = Q [R₁ R₂], Ā₂ = Q R̄₂, and the rest is that of A₁ = Q R₁ with
  /// Q̄ + A₂ R̄₂ᵀ in the place of Q̄.
  static func qrGradient(_ gradients: [Tensor], _ factors: [Tensor]) throws -> Tensor {
    let (q, r) = (factors[0], factors[1])
    var (gQ, gR) = (gradients[0], gradients[1])
    let (k, n) = (r.shape[0], r.shape[1])
    guard k > 0 else { return try Tensor(full: [q.shape[0], n], 0) }
    let square = try r.narrow(1, 0, k)
    try checkIndependence(square)
    let rest = try gR.narrow(1, k, n - k)
    if n > k { gQ = try gQ.add(q.matmul(r.narrow(1, k, n - k)).matmul(rest.t())) }
    gR = try gR.narrow(1, 0, k)
    let core = try square.matmul(gR.t()).sub(gQ.t().matmul(q))
    for i in 0..<k {
      for j in 0..<i { core.pointer[j * k + i] = core.pointer[i * k + j] }
    }
    let forSquare = try solved(square, gQ.add(q.matmul(core)).t(), "qr").t()
    return n > k ? try Tensor.cat([forSquare, q.matmul(rest)], 1) : forSquare
  }

  private static func checkIndependence(_ r: Tensor) throws {
    let diagonal = try (0..<r.shape[0]).map { try abs(r.select(0, $0).select(0, $0).item()) }
    let least = Float(resolution) * (diagonal.max() ?? 0)
    if let dependent = diagonal.firstIndex(where: { $0 <= least }) {
      throw EngineError(
        "qr",
        "dependent columns have no gradient: column \(dependent + 1) depends on those before it, "
          + "the diagonal entry of R is \(diagonal[dependent])")
    }
  }
}
