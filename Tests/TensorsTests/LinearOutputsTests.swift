import Tensors
import TestSupport
import Testing

/// Cross-entropy of logits that are never all there, against the logits themselves.
struct LinearOutputsTests {
  /// Rows around the block of 64, vocabularies that make blocks of more and of fewer rows.
  static let sizes = [(1, 1), (5, 3), (63, 7), (64, 7), (65, 2000), (130, 1100), (0, 4)]

  private static func targets(_ rows: Int, _ vocab: Int) throws -> IntTensor {
    try IntTensor((0..<rows).map { Int32($0 * 7 % vocab) })
  }

  /// Every third row counts for nothing, the others for 1 or 2.
  private static func weights(_ rows: Int) throws -> Tensor {
    try Tensor((0..<rows).map { Float($0 % 3) })
  }

  @Test(arguments: sizes) func isTheCrossEntropyOfTheLogits(_ rows: Int, _ vocab: Int) throws {
    var stream = RandomStream(seed: 1, purpose: .data, index: 0)
    let drawn = try [[rows, 3], [vocab, 3], [rows, 5], [vocab, 5]].map {
      try Tensor.normal($0, using: &stream)
    }
    let (targets, weights) = (try Self.targets(rows, vocab), try Self.weights(rows))
    for terms in 1...2 {
      func run(_ loss: (LinearOutputs) throws -> Tensor) throws -> (Float, [Tensor?]) {
        let leaves = try drawn.map { try $0.clone().requireGrad() }
        let outputs = LinearOutputs(
          (0..<terms).map { LinearOutputs.Term(leaves[2 * $0], leaves[2 * $0 + 1]) })
        let value = try loss(outputs)
        try value.mul(Tensor(3)).backward()
        return (try value.item(), leaves.prefix(2 * terms).map(\.grad))
      }
      let ours = try run { try $0.crossEntropy(targets, weights: weights, total: 17) }
      let plain = try run { outputs in
        let logs = try outputs.logits().logSoftmax(1)
        let own = try logs.gather(1, targets.reshape([rows, 1])).reshape([rows])
        return try own.mul(weights).sum().mul(Tensor(-1 / 17))
      }
      #expect(abs(ours.0 - plain.0) <= 1e-5 * max(abs(plain.0), 1e-3))
      for (x, y) in zip(ours.1, plain.1) {
        let (x, y) = try (#require(x).elements(), #require(y).elements())
        let largest = y.reduce(0) { max($0, abs($1)) }
        let worst = zip(x, y).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= 1e-5 * largest, "\(terms) terms: \(worst / largest)")
      }
    }
  }

  @Test func gradientsOnlyWhereTheyAreWanted() throws {
    let (x, w) = (try Tensor.ones([2, 3]), try Tensor.ones([4, 3]))
    let (targets, weights) = (try Self.targets(2, 4), try Tensor.ones([2]))
    func loss() throws -> Tensor {
      try LinearOutputs([LinearOutputs.Term(x, w)])
        .crossEntropy(targets, weights: weights, total: 2)
    }
    #expect(try !loss().requiresGrad)
    try w.requireGrad()
    #expect(try noGrad { try !loss().requiresGrad })
    try loss().backward()
    #expect(x.grad == nil && w.grad != nil)
  }

  /// A row that counts for nothing may have an infinite loss; any other is told.
  @Test func infiniteLogits() throws {
    let x = try Tensor([0, -.infinity, 1, 1], shape: [2, 2])
    let outputs = LinearOutputs([LinearOutputs.Term(x, try Tensor.eye(2))])
    let targets = try IntTensor([1, 0])
    let counted = try outputs.crossEntropy(targets, weights: Tensor([0, 1]), total: 1).item()
    // −∞·0 in the product makes the first row NaN.
    #expect(abs(counted - 0.6931472) < 1e-6)
    #expect(try !outputs.crossEntropy(targets, weights: Tensor([1, 1]), total: 2).item().isFinite)
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    let outputs = LinearOutputs([LinearOutputs.Term(x, try Tensor.zeros([4, 3]))])
    let ones = try Tensor.ones([2])
    expectError(
      "cross_entropy: logits of shape [2, 4] need targets and weights of shape [2], got [3] and [2]"
    ) { try outputs.crossEntropy(IntTensor([0, 0, 0]), weights: ones, total: 1) }
    expectError("cross_entropy: target 5 is outside 1…4") {
      try outputs.crossEntropy(IntTensor([0, 4]), weights: ones, total: 1)
    }
    expectError("logits: inputs [2, 3] and weight [4, 5] do not make logits of shape [2, 4]") {
      try LinearOutputs([LinearOutputs.Term(x, Tensor.zeros([4, 5]))]).logits()
    }
    expectError("logits: inputs [3, 1] and weight [4, 1] do not make logits of shape [2, 4]") {
      try LinearOutputs(
        outputs.terms + [LinearOutputs.Term(Tensor.zeros([3, 1]), Tensor.zeros([4, 1]))]
      ).logits()
    }
    expectError("logits: needs terms of inputs [R, D] and a weight [V, D]") {
      try LinearOutputs([]).logits()
    }
  }
}
