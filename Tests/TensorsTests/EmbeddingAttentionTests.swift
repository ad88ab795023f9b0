import Tensors
import TestSupport
import Testing

/// Attention that reads tables, against its definition in double precision and against the plain
/// attention of the embeddings it stands for.
struct EmbeddingAttentionTests {
  struct Sizes: CustomTestStringConvertible, Sendable {
    var b = 2
    var t = 7
    var n = 4
    var d = 3
    var testDescription: String { "B \(b), T \(t), N \(n), D \(d)" }

    func tokens() throws -> IntTensor {
      try IntTensor((0..<b * t).map { Int32(($0 * 7 + $0 / t * 3) % n) }, shape: [b, t])
    }
  }

  /// Lengths around the block edge of 32, more sequences than a part's 16, one of everything.
  static let cases = [
    Sizes(), Sizes(b: 1, t: 1, n: 1, d: 1), Sizes(b: 3, t: 31, n: 5, d: 2),
    Sizes(b: 2, t: 32, n: 65, d: 4), Sizes(b: 2, t: 33, n: 3, d: 17),
    Sizes(b: 1, t: 67, n: 2, d: 5),
    Sizes(b: 35, t: 3, n: 4, d: 2), Sizes(b: 0, t: 4), Sizes(b: 2, t: 0),
  ]

  @Test(arguments: cases) func isItsDefinition(_ sizes: Sizes) throws {
    let (b, t, n, d) = (sizes.b, sizes.t, sizes.n, sizes.d)
    let tokens = try sizes.tokens()
    let ids = tokens.elements().map(Int.init)
    // Where columns repeat, the gradient of the scores cancels: sums of many terms are 0.
    try check(
      [[n + t, n + t], [n + t, d], [n + t, d]], gradientTolerance: 2e-4, probes: 4
    ) {
      try EmbeddingAttention.causal(
        tokens: tokens, scores: $0[0], values: $0[1], residual: $0[2])
    } equals: { tables in
      var output: [Double] = []
      for sequence in 0..<b {
        let z = Array(ids[sequence * t..<(sequence + 1) * t])
        for place in 0..<t {
          let beta = softmax(
            (0...place).map { u in
              tables[0][z[place], z[u]] + tables[0][z[place], n + u] + tables[0][n + place, z[u]]
                + tables[0][n + place, n + u]
            })
          for i in 0..<d {
            output.append(
              beta.enumerated().reduce(tables[2][z[place], i] + tables[2][n + place, i]) {
                $0 + $1.element * (tables[1][z[$1.offset], i] + tables[1][n + $1.offset, i])
              })
          }
        }
      }
      return Reference(shape: [b, t, d], elements: output)
    }
  }

  /// With S = Z W Zᵀ and V = Z Mᵀ it is the attention of x = E[z] + P, values and gradients.
  @Test(arguments: [Sizes(b: 20, t: 37, n: 6, d: 5), Sizes(b: 3, t: 70, n: 9, d: 8)])
  func isTheAttentionOfTheEmbeddings(_ sizes: Sizes) throws {
    var stream = RandomStream(seed: 3, purpose: .data, index: 0)
    let tokens = try sizes.tokens()
    let (b, t, n, d) = (sizes.b, sizes.t, sizes.n, sizes.d)
    let drawn = try [[n, d], [t, d], [d, d], [d, d]].map {
      try Tensor.normal($0, using: &stream)
    }
    let slope = try Tensor.normal([b, t, d], using: &stream)
    func leaves() throws -> [Tensor] { try drawn.map { try $0.clone().requireGrad() } }

    let fast = try leaves()
    let z = try Tensor.cat([fast[0], fast[1]], 0)
    let ours = try EmbeddingAttention.causal(
      tokens: tokens, scores: z.matmul(fast[2]).matmul(z.t()), values: z.linear(fast[3]),
      residual: z)
    try ours.mul(slope).sum().backward()

    let plain = try leaves()
    let x = try plain[0].rows(tokens).add(plain[1])
    let scores = try x.matmul(plain[2]).matmul(x.transpose(1, 2))
    let theirs = try x.add(scores.causalSoftmax().matmul(x.linear(plain[3])))
    try theirs.mul(slope).sum().backward()

    expectAlike(ours.detach(), theirs.detach(), 1e-5, "value")
    for (place, name) in ["E", "P", "W", "M"].enumerated() {
      try expectAlike(#require(fast[place].grad), #require(plain[place].grad), 1e-5, name)
    }
  }

  private func expectAlike(_ x: Tensor, _ y: Tensor, _ tolerance: Float, _ label: String) {
    let largest = y.elements().reduce(0) { max($0, abs($1)) }
    let worst = zip(x.elements(), y.elements()).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(x.shape == y.shape && worst <= tolerance * largest, "\(label): \(worst / largest)")
  }

  @Test func errors() throws {
    let tokens = try IntTensor([0, 1, 2, 1, 0, 2], shape: [2, 3])
    func attention(
      _ tokens: IntTensor, _ scores: [Int], _ values: [Int], _ residual: [Int]
    ) throws -> Tensor {
      try EmbeddingAttention.causal(
        tokens: tokens, scores: Tensor(full: scores, 0), values: Tensor(full: values, 0),
        residual: Tensor(full: residual, 0))
    }
    expectError("embedding attention: tokens need shape [B, T], got [6]") {
      try attention(tokens.reshape([6]), [6, 6], [6, 2], [6, 2])
    }
    for shape in [[6, 5], [3, 3], [6]] {
      expectError(
        "embedding attention: sequences of 3 need scores of shape [N + 3, N + 3], got \(shape)"
      ) { try attention(tokens, shape, [6, 2], [6, 2]) }
    }
    for (values, residual) in [([5, 2], [5, 2]), ([6, 2], [6, 3]), ([6, 0], [6, 0])] {
      expectError(
        "embedding attention: scores of shape [6, 6] need values and residual of one shape "
          + "[6, D], got \(values) and \(residual)"
      ) { try attention(tokens, [6, 6], values, residual) }
    }
    expectError("embedding attention: token 3 is outside 1…2") {
      try attention(tokens, [5, 5], [5, 2], [5, 2])
    }
  }
}
