import Glibc
import Tensors
import TestSupport
import Testing

/// Sizes of one call of attention: *B* sequences of *T*, *H* heads, *E* wide keys, *F* wide values,
/// and which positions are asked for.
struct AttentionCase: CustomTestStringConvertible, Sendable {
  enum Rows: String, CaseIterable {
    /// Every position.
    case all
    /// About a third, but none of the second sequence.
    case some
    /// The last of each sequence.
    case last
    /// All but the first few, so that blocks of 64 begin away from multiples of 64.
    case shifted
    /// None at all.
    case none
  }

  var b = 2
  var t = 7
  var h = 1
  var e = 3
  var f = 5
  var rows = Rows.all

  var testDescription: String { "B \(b), T \(t), H \(h), E \(e), F \(f), rows \(rows)" }

  func selection() throws -> RowSelection {
    if rows == .all { return RowSelection(everyPositionOf: b, length: t) }
    let mask = (0..<b * t).map { place -> Float in
      let (sequence, position) = (place / t, place % t)
      return switch rows {
      case .all: 1
      case .some: sequence != 1 && (position * 7 + sequence) % 3 == 0 ? 1 : 0
      case .last: position == t - 1 ? 1 : 0
      case .shifted: position >= 5 ? 1 : 0
      case .none: 0
      }
    }
    return try RowSelection(mask: Tensor(mask, shape: [b, t]))
  }

  /// β_tu = softmax_{u ≤ t}(scale · q_t · k_u), o_t = Σ_u β_tu v_u, in double precision.
  func reference(
    _ q: Reference, _ k: Reference, _ v: Reference, _ rows: RowSelection, _ scale: Double
  )
    -> Reference
  {
    var output = [Double](repeating: 0, count: rows.count * h * f)
    for sequence in 0..<b {
      for row in rows.starts[sequence]..<rows.starts[sequence + 1] {
        for head in 0..<h {
          let scores = (0...Int(rows.positions[row])).map { u -> Double in
            var score = 0.0
            for i in 0..<e {
              score +=
                q.elements[(row * h + head) * e + i]
                * k.elements[((sequence * t + u) * h + head) * e + i]
            }
            return scale * score
          }
          for (u, weight) in softmax(scores).enumerated() {
            for j in 0..<f {
              output[(row * h + head) * f + j] +=
                weight * v.elements[((sequence * t + u) * h + head) * f + j]
            }
          }
        }
      }
    }
    return Reference(shape: [rows.count, h * f], elements: output)
  }

  /// The same of plain operations of tensors.
  func composition(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ rows: RowSelection, _ scale: Float
  ) throws -> Tensor {
    func heads(_ x: Tensor, _ width: Int) throws -> Tensor {
      try x.reshape([b, t, h, width]).transpose(1, 2)
    }
    let scores = try heads(q, e).matmul(heads(k, e).transpose(2, 3)).mul(Tensor(scale))
    let place = try Tensor((0..<t).map { Float($0) })
    let past = try place.compare(place.reshape([t, 1]), "le", .lessOrEqual)
    let beta = try Tensor.choose(past, scores, Tensor(-.infinity)).softmax(-1)
    let output = try beta.matmul(heads(v, f)).transpose(1, 2).reshape([b, t, h * f])
    return try rows.rows(of: output)
  }
}

@Suite struct AttentionTests {
  static let cases: [AttentionCase] = {
    // Lengths around the block edge, each with every kind of selection.
    var cases = [1, 2, 7, 63, 64, 65, 130].flatMap { t in
      AttentionCase.Rows.allCases.map { AttentionCase(b: 3, t: t, h: 2, rows: $0) }
    }
    cases += [
      AttentionCase(b: 1, t: 1, h: 1, e: 1, f: 1), AttentionCase(b: 1, t: 5, h: 1, e: 1, f: 2),
      AttentionCase(b: 1, t: 11, h: 7, e: 2, f: 1), AttentionCase(b: 2, t: 67, h: 3, e: 17, f: 4),
      AttentionCase(b: 0, t: 5), AttentionCase(b: 2, t: 0), AttentionCase(b: 0, t: 0),
    ]
    return cases
  }()

  @Test(arguments: cases)
  func againstDoublePrecision(_ sizes: AttentionCase) throws {
    let rows = try sizes.selection()
    let (b, t, h) = (sizes.b, sizes.t, sizes.h)
    try check(
      [[rows.count, h * sizes.e], [b, t, h * sizes.e], [b, t, h * sizes.f]],
      probes: t < 60 ? 12 : 4
    ) {
      try Attention.causal(
        queries: $0[0], keys: $0[1], values: $0[2], heads: h, scale: 0.7, rows: rows)
    } equals: {
      sizes.reference($0[0], $0[1], $0[2], rows, Double(Float(0.7)))
    }
  }

  @Test(arguments: cases)
  func againstPlainOperations(_ sizes: AttentionCase) throws {
    let rows = try sizes.selection()
    let (b, t, h) = (sizes.b, sizes.t, sizes.h)
    func result(
      _ attention: (Tensor, Tensor, Tensor) throws -> Tensor
    ) throws -> (value: Tensor, gradients: [Tensor]) {
      let q = try random([b, t, h * sizes.e], seed: 1).requireGrad()
      let k = try random([b, t, h * sizes.e], seed: 2).requireGrad()
      let v = try random([b, t, h * sizes.f], seed: 3).requireGrad()
      let value = try attention(q, k, v)
      try value.mul(random(value.shape, seed: 4)).sum().backward()
      return (value, [q, k, v].compactMap(\.grad))
    }
    let fused = try result { q, k, v in
      try Attention.causal(
        queries: rows.rows(of: q), keys: k, values: v, heads: h, scale: 1.3, rows: rows)
    }
    let plain = try result { try sizes.composition($0, $1, $2, rows, 1.3) }
    expectClose(fused.value, Reference(plain.value), 1e-5)
    #expect(fused.gradients.count == 3)
    for (name, (a, b)) in zip(["queries", "keys", "values"], zip(fused.gradients, plain.gradients))
    {
      expectClose(a, Reference(b), 1e-5, least: 0.1, name)
    }
  }

  @Test(arguments: [1, 2, 7, 65])
  func softmaxUpToTheDiagonal(_ t: Int) throws {
    try check([Sample([2, 3, t, t])]) {
      try $0[0].causalSoftmax()
    } equals: { x in
      let expected = (0..<6 * t).flatMap { place -> [Double] in
        let row = place % t
        let scores = (0...row).map { x[0].elements[place * t + $0] }
        return softmax(scores) + [Double](repeating: 0, count: t - 1 - row)
      }
      return Reference(shape: [2, 3, t, t], elements: expected)
    }
  }

  /// Scores far apart: no overflow, and nothing but the largest counts.
  @Test func largeScores() throws {
    let rows = RowSelection(everyPositionOf: 1, length: 3)
    let q = try Tensor([1, 1, 1], shape: [3, 1]).requireGrad()
    let k = try Tensor([300, -300, 500], shape: [1, 3, 1]).requireGrad()
    let v = try Tensor([1, 2, 3], shape: [1, 3, 1]).requireGrad()
    let output = try Attention.causal(queries: q, keys: k, values: v, scale: 1, rows: rows)
    #expect(output.elements() == [1, 1, 3])
    try output.sum().backward()
    #expect(v.grad?.elements() == [2, 0, 1])
    #expect(q.grad?.elements() == [0, 0, 0])
    #expect(k.grad?.elements() == [0, 0, 0])
  }

  /// A position never depends on those after it.
  @Test func futureIsInvisible() throws {
    let (b, t) = (2, 70)
    let rows = RowSelection(everyPositionOf: b, length: t)
    let q = try random([b * t, 6], seed: 1)
    let (k, v) = (try random([b, t, 6], seed: 2), try random([b, t, 4], seed: 3))
    func run() throws -> Tensor {
      try Attention.causal(queries: q, keys: k, values: v, heads: 2, scale: 1, rows: rows)
        .reshape([b, t, 4]).narrow(1, 0, 65).clone()
    }
    let before = try run()
    try k.narrow(1, 65, 5).copyInPlace(Tensor(1e30))
    try v.narrow(1, 65, 5).copyInPlace(Tensor(1e30))
    #expect(try run().elements() == before.elements())
  }

  @Test func errors() throws {
    let rows = RowSelection(everyPositionOf: 2, length: 3)
    func zeros(_ shape: Int...) throws -> Tensor { try Tensor.zeros(shape) }
    func run(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int = 1) throws -> Tensor {
      try Attention.causal(queries: q, keys: k, values: v, heads: heads, scale: 1, rows: rows)
    }
    func misfit(_ q: [Int], _ k: [Int], _ v: [Int]) -> String {
      "attention: queries \(q), keys \(k) and values \(v) do not fit 6 rows of a batch [2, 3]"
    }
    let (q, k, v) = (try zeros(6, 4), try zeros(2, 3, 4), try zeros(2, 3, 6))
    expectError(misfit([5, 4], [2, 3, 4], [2, 3, 6])) { try run(zeros(5, 4), k, v) }
    expectError(misfit([6, 5], [2, 3, 4], [2, 3, 6])) { try run(zeros(6, 5), k, v) }
    expectError(misfit([2, 3, 4], [2, 3, 4], [2, 3, 6])) { try run(k, k, v) }
    expectError(misfit([6, 4], [3, 2, 4], [2, 3, 6])) { try run(q, zeros(3, 2, 4), v) }
    expectError(misfit([6, 4], [2, 3, 4], [2, 4, 6])) { try run(q, k, zeros(2, 4, 6)) }
    expectError(misfit([6, 4], [6, 4], [2, 3, 6])) { try run(q, q, v) }
    expectError("attention: 4 heads do not divide widths 4 and 6") { try run(q, k, v, heads: 4) }
    expectError("attention: 3 heads do not divide widths 4 and 6") { try run(q, k, v, heads: 3) }
    expectError("attention: 0 heads do not divide widths 4 and 6") { try run(q, k, v, heads: 0) }
    expectError("causal_softmax: needs shape [..., T, T], got [6, 4]") { try q.causalSoftmax() }
    expectError(
      "attention: queries, keys and values need a width, got [6, 0], [2, 3, 0], [2, 3, 6]"
    ) {
      try run(zeros(6, 0), zeros(2, 3, 0), v)
    }
    expectError(
      "attention: queries, keys and values need a width, got [6, 4], [2, 3, 4], [2, 3, 0]"
    ) {
      try run(q, k, zeros(2, 3, 0))
    }
  }
}
