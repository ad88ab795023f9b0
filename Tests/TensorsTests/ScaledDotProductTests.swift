import Tensors
import TestSupport
import Testing

/// Sizes of one attention of queries to keys, and who sees what.
struct ScaledDotProductCase: CustomTestStringConvertible, Sendable {
  enum Mask: String, CaseIterable {
    case none
    /// One for all sequences, [Tq, Tk]; the second query sees nothing.
    case shared
    /// One for each, [B, Tq, Tk]; the second query of each but the first sequence sees nothing.
    case own
  }

  var b = 2
  var queries = 3
  var keys = 5
  var h = 2
  var e = 3
  var f = 4
  var causal = false
  var mask = Mask.none

  var testDescription: String {
    "B \(b), Tq \(queries), Tk \(keys), H \(h), E \(e), F \(f), causal \(causal), mask \(mask)"
  }

  func sees(_ sequence: Int, _ t: Int, _ u: Int) -> Bool {
    if causal && u > t { return false }
    return switch mask {
    case .none: true
    case .shared: t != 1 && (3 * t + 2 * u) % 4 != 0
    case .own: (t != 1 || sequence == 0) && (3 * t + 2 * u + sequence) % 4 != 0
    }
  }

  func maskTensor() throws -> Tensor? {
    if mask == .none { return nil }
    let whole = ScaledDotProductCase(queries: queries, keys: keys, mask: mask)
    let shape = mask == .own ? [b, queries, keys] : [queries, keys]
    let sequences = mask == .own ? b : 1
    let elements = (0..<sequences).flatMap { s in
      // Anything but 0 is seen.
      (0..<queries).flatMap { t in (0..<keys).map { whole.sees(s, t, $0) ? Float($0) - 0.5 : 0 } }
    }
    return try Tensor(elements, shape: shape)
  }

  /// β_tu = softmax over the keys that t sees, o_t = Σ_u β_tu v_u, in double precision.
  func reference(
    _ q: Reference, _ k: Reference, _ v: Reference, _ scale: Double
  ) -> Reference {
    Reference(shape: [b, queries, h * f]) { index in
      let (sequence, t, head) = (index[0], index[1], index[2] / f)
      let seen = (0..<keys).filter { sees(sequence, t, $0) }
      let scores = seen.map { u in
        (head * e..<(head + 1) * e).reduce(0.0) {
          $0 + scale * q[sequence, t, $1] * k[sequence, u, $1]
        }
      }
      return zip(softmax(scores), seen).reduce(0.0) { $0 + $1.0 * v[sequence, $1.1, index[2]] }
    }
  }
}

@Suite struct ScaledDotProductTests {
  static let cases: [ScaledDotProductCase] = {
    typealias Case = ScaledDotProductCase
    var cases: [Case] = []
    for mask in Case.Mask.allCases {
      // Around the edges of blocks of 16 and 32 queries.
      for (queries, keys) in [(1, 1), (1, 7), (7, 1), (3, 5), (17, 6), (33, 40)] {
        cases.append(Case(queries: queries, keys: keys, mask: mask))
      }
      for length in [1, 2, 7, 33] {
        cases.append(Case(queries: length, keys: length, causal: true, mask: mask))
      }
      cases.append(Case(b: 1, queries: 2, keys: 4, h: 1, e: 1, f: 2, mask: mask))
      cases.append(Case(b: 3, queries: 4, keys: 4, h: 5, e: 2, f: 1, causal: true, mask: mask))
      for (b, queries, keys) in [(0, 2, 2), (2, 0, 3), (2, 3, 0)] {
        cases.append(Case(b: b, queries: queries, keys: keys, mask: mask))
      }
    }
    return cases
  }()

  @Test(arguments: cases)
  func againstDoublePrecision(_ sizes: ScaledDotProductCase) throws {
    let (b, h, mask) = (sizes.b, sizes.h, try sizes.maskTensor())
    try check(
      [
        [b, sizes.queries, h * sizes.e], [b, sizes.keys, h * sizes.e],
        [b, sizes.keys, h * sizes.f],
      ], probes: 6
    ) {
      try Attention.scaledDotProduct(
        queries: $0[0], keys: $0[1], values: $0[2], heads: h, causal: sizes.causal, mask: mask,
        scale: 0.7)
    } equals: {
      sizes.reference($0[0], $0[1], $0[2], Double(Float(0.7)))
    }
  }

  /// 1/√E, and a sequence without a batch.
  @Test func defaults() throws {
    let sizes = ScaledDotProductCase(b: 1, h: 1)
    let tensors = [
      try random([3, 3], seed: 1), try random([5, 3], seed: 2), try random([5, 4], seed: 3),
    ]
    let references = tensors.map { Reference($0).reshaped([1] + $0.shape) }
    let expected = sizes.reference(
      references[0], references[1], references[2], 1 / 3.0.squareRoot())
    let output = try Attention.scaledDotProduct(
      queries: tensors[0], keys: tensors[1], values: tensors[2])
    expectClose(output, expected.reshaped([3, 4]))
  }

  /// A tensor that reads itself collects all three gradients.
  @Test(arguments: [true, false], [true, false])
  func ofOneTensor(_ causal: Bool, _ hasMask: Bool) throws {
    let x = try random([2, 7, 6], seed: 1).requireGrad()
    let parts = try (0..<3).map { _ in try x.detach().clone().requireGrad() }
    let mask = hasMask ? try Tensor.ones([7, 7]) : nil
    func loss(_ q: Tensor, _ k: Tensor, _ v: Tensor) throws -> Tensor {
      try Attention.scaledDotProduct(
        queries: q, keys: k, values: v, heads: 2, causal: causal, mask: mask
      ).mul(random([2, 7, 6], seed: 2)).sum()
    }
    try loss(x, x, x).backward()
    try loss(parts[0], parts[1], parts[2]).backward()
    let gradients = try parts.map { try #require($0.grad) }
    let sum = try gradients[0].add(gradients[1]).add(gradients[2])
    expectClose(try #require(x.grad), Reference(sum), 1e-5)
  }

  @Test func errors() throws {
    func zeros(_ shape: Int...) throws -> Tensor { try Tensor.zeros(shape) }
    let (q, k, v) = (try zeros(2, 3, 4), try zeros(2, 5, 4), try zeros(2, 5, 6))
    func run(
      _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int = 1, causal: Bool = false,
      mask: Tensor? = nil
    ) throws -> Tensor {
      try Attention.scaledDotProduct(
        queries: q, keys: k, values: v, heads: heads, causal: causal, mask: mask)
    }
    func misfit(_ q: [Int], _ k: [Int], _ v: [Int]) -> String {
      "attention: queries \(q), keys \(k) and values \(v) do not fit: [B, Tq, H·E], [B, Tk, H·E] "
        + "and [B, Tk, H·F] expected, or all three without B"
    }
    expectError(misfit([4], [2, 5, 4], [2, 5, 6])) { try run(zeros(4), k, v) }
    expectError(misfit([3, 4], [2, 5, 4], [2, 5, 6])) { try run(zeros(3, 4), k, v) }
    expectError(misfit([2, 3, 4], [2, 5, 3], [2, 5, 6])) { try run(q, zeros(2, 5, 3), v) }
    expectError(misfit([2, 3, 4], [2, 5, 4], [2, 4, 6])) { try run(q, k, zeros(2, 4, 6)) }
    expectError(misfit([1, 3, 4], [2, 5, 4], [2, 5, 6])) { try run(zeros(1, 3, 4), k, v) }
    expectError(misfit([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4])) {
      try run(zeros(1, 2, 3, 4), zeros(1, 2, 3, 4), zeros(1, 2, 3, 4))
    }
    expectError("attention: 4 heads do not divide widths 4 and 6") { try run(q, k, v, heads: 4) }
    expectError("attention: 0 heads do not divide widths 4 and 6") { try run(q, k, v, heads: 0) }
    expectError(
      "attention: queries, keys and values need a width, got [2, 3, 0], [2, 5, 0], [2, 5, 6]"
    ) {
      try run(zeros(2, 3, 0), zeros(2, 5, 0), v)
    }
    expectError(
      "attention: causal attention needs as many queries as keys, got 3 and 5; a mask says which "
        + "keys each query sees"
    ) {
      try run(q, k, v, causal: true)
    }
    expectError(
      "attention: a mask of shape [3, 5] or [2, 3, 5] expected, got [5, 3]"
    ) {
      try run(q, k, v, mask: zeros(5, 3))
    }
    expectError("attention: a mask of shape [3, 5] expected, got [1, 3, 5]") {
      try run(q.select(0, 0), k.select(0, 0), v.select(0, 0), mask: zeros(1, 3, 5))
    }
  }
}
