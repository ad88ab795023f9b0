import Tensors
import TestSupport
import Testing

/// Attention by one token of each sequence, against its definition in double precision.
struct TokenAttentionTests {
  struct Sizes: CustomTestStringConvertible, Sendable {
    var b = 5
    var t = 7
    var a = 1
    var v = 4
    var h = 3
    var f = 2
    var testDescription: String { "B \(b), T \(t), A \(a), V \(v), H \(h), F \(f)" }

    func tokens() throws -> IntTensor {
      try IntTensor((0..<b * t).map { Int32(($0 * 7 + $0 / t * 3) % v) }, shape: [b, t])
    }
    func askers() throws -> IntTensor { try IntTensor((0..<b).map { Int32($0 * 5 % a) }) }
  }

  /// One token that asks and many, more tokens than rows of tables and fewer, more sequences than a
  /// part's 64, rows of 16 numbers and more, one of everything.
  static let cases = [
    Sizes(), Sizes(a: 3), Sizes(b: 2, t: 3, a: 2, v: 9, h: 2, f: 5),
    Sizes(b: 1, t: 1, a: 1, v: 1, h: 1, f: 1), Sizes(b: 70, t: 3, a: 2, v: 5, h: 1, f: 3),
    Sizes(b: 3, t: 33, a: 1, v: 6, h: 8, f: 8), Sizes(b: 4, t: 5, a: 1, v: 3, h: 5, f: 3),
    Sizes(b: 0, t: 4),
  ]

  @Test(arguments: cases, [Float(2), 60]) func isItsDefinition(_ sizes: Sizes, range: Float) throws
  {
    let (tokens, askers) = (try sizes.tokens(), try sizes.askers())
    let (z, asks) = (tokens.elements().map(Int.init), askers.elements().map(Int.init))
    // At ±60 denominators lie as far below those of other sequences as Float32 can tell no more.
    // Where rows repeat, the gradient of the scores cancels: sums of many terms are 0.
    try check(
      [
        Sample([sizes.a, sizes.v, sizes.h], -range...range), [sizes.v, sizes.h, sizes.f],
      ], tolerance: range > 2 ? 1e-4 : 4e-6, gradientTolerance: 3e-4, probes: 4
    ) {
      try TokenAttention.weightedSums(
        tokens: tokens, askers: askers, scores: $0[0], values: $0[1])
    } equals: { tables in
      var output: [Double] = []
      for b in 0..<sizes.b {
        let own = Array(z[b * sizes.t..<(b + 1) * sizes.t])
        for h in 0..<sizes.h {
          let p = softmax(own.map { tables[0][asks[b], $0, h] })
          for f in 0..<sizes.f {
            output.append(zip(p, own).reduce(0) { $0 + $1.0 * tables[1][$1.1, h, f] })
          }
        }
      }
      return Reference(shape: [sizes.b, sizes.h, sizes.f], elements: output)
    }
  }

  @Test func errors() throws {
    let tokens = try IntTensor([0, 1, 2, 1, 0, 2], shape: [2, 3])
    func attention(
      _ tokens: IntTensor, _ askers: [Int32], _ scores: [Int], _ values: [Int]
    ) throws -> Tensor {
      try TokenAttention.weightedSums(
        tokens: tokens, askers: IntTensor(askers), scores: Tensor(full: scores, 0),
        values: Tensor(full: values, 0))
    }
    for (shape, askers) in [([6], [0, 0]), ([2, 3], [0]), ([6, 1], [0, 0])] as [([Int], [Int32])] {
      expectError(
        "token attention: tokens need shape [B, T] with T ≥ 1 and askers [B], got \(shape) and "
          + "[\(askers.count)]"
      ) { try attention(tokens.reshape(shape), askers, [1, 3, 2], [3, 2, 4]) }
    }
    for (scores, values) in [
      ([1, 3], [3, 2, 4]), ([1, 4, 2], [3, 2, 4]), ([1, 3, 1], [3, 2, 4]), ([0, 3, 2], [3, 2, 4]),
      ([1, 3, 2], [3, 2, 0]), ([1, 3, 2], [3, 2]),
    ] {
      expectError(
        "token attention: needs scores of shape [A, V, H] and values [V, H, F], got \(scores) and "
          + "\(values)"
      ) { try attention(tokens, [0, 0], scores, values) }
    }
    expectError("token attention: token 3 is outside 1…2") {
      try attention(tokens, [0, 0], [1, 2, 2], [2, 2, 4])
    }
    expectError("token attention: asker 2 is outside 1…1") {
      try attention(tokens, [0, 1], [1, 3, 2], [3, 2, 4])
    }
  }
}
