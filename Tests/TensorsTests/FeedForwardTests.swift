import Tensors
import TestSupport
import Testing

@Suite struct FeedForwardTests {
  /// W₂ relu(W₁ x) in double precision.
  static func plain(_ inputs: [Reference]) -> Reference {
    let (x, w1, w2) = (inputs[0], inputs[1], inputs[2])
    let (wide, narrow) = (w1.shape[0], w2.shape[0])
    let inner = w1.shape[1]
    let rows = x.shape.dropLast().reduce(1, *)
    var elements: [Double] = []
    for r in 0..<rows {
      let hidden = (0..<wide).map { j in
        max(
          0,
          (0..<inner).reduce(0.0) {
            $0 + w1.elements[j * inner + $1] * x.elements[r * inner + $1]
          })
      }
      for k in 0..<narrow {
        elements.append(
          hidden.indices.reduce(0.0) { $0 + w2.elements[k * wide + $1] * hidden[$1] })
      }
    }
    return Reference(shape: x.shape.dropLast() + [narrow], elements: elements)
  }

  /// Values and gradients, each weight's also where the others are frozen.
  @Test(
    arguments: [
      ([1, 3], 5, 2), ([7, 4], 1, 3), ([2, 3, 5], 8, 5), ([5], 6, 4), ([3, 1], 2, 1),
    ] as [([Int], Int, Int)])
  func agreesWithItsFormula(_ shape: [Int], _ hidden: Int, _ outputs: Int) throws {
    let width = shape[shape.count - 1]
    try check(
      [Sample(shape), Sample([hidden, width]), Sample([outputs, hidden])],
      arrangements: Arrangement.distinct
    ) {
      try $0[0].feedForward($0[1], $0[2])
    } equals: {
      Self.plain($0)
    }
  }

  /// The same as three operations, on rows that fill blocks and parts or not.
  @Test(arguments: [255, 256, 257, 511, 1025, 1536, 8449])
  func agreesWithThreeOperations(_ rows: Int) throws {
    let leaves = try [[rows, 7], [19, 7], [5, 19]].enumerated().map { place, shape in
      try random(shape, seed: UInt64(place + 1))
    }
    let weights = try random([rows, 5], seed: 9)
    func run(_ body: ([Tensor]) throws -> Tensor) throws -> (Tensor, [Tensor?]) {
      let own = try leaves.map { try $0.clone().requireGrad() }
      let result = try body(own)
      try result.mul(weights).sum().backward()
      return (result.detach(), own.map(\.grad))
    }
    let (expected, gradients) = try run {
      try $0[0].linear($0[1]).relu().linear($0[2])
    }
    let (value, fused) = try run { try $0[0].feedForward($0[1], $0[2]) }
    expectClose(value, Reference(expected), 2e-6, "value")
    for (place, pair) in zip(fused, gradients).enumerated() {
      let (actual, wanted) = (try #require(pair.0), try #require(pair.1))
      expectClose(actual, Reference(wanted), 1e-5, "gradient of input \(place + 1)")
    }
    // Without gradients the hidden layer is not kept, and the value is the same.
    let alone = try noGrad { try leaves[0].feedForward(leaves[1], leaves[2]) }
    #expect(alone.elements() == value.elements())
  }

  @Test func emptySizes() throws {
    for (rows, width, hidden, outputs) in [(0, 3, 4, 2), (3, 0, 4, 2), (3, 2, 0, 4), (3, 2, 4, 0)] {
      let label = "\(rows) rows, \(width), \(hidden), \(outputs)"
      let leaves = try [[rows, width], [hidden, width], [outputs, hidden]].map {
        try Tensor.full($0, 1).requireGrad()
      }
      let result = try leaves[0].feedForward(leaves[1], leaves[2])
      #expect(result.shape == [rows, outputs], "\(label)")
      let value: Float = width == 0 || hidden == 0 ? 0 : Float(width * hidden)
      #expect(result.elements().allSatisfy { $0 == value }, "\(label)")
      try result.sum().backward()
      for leaf in leaves {
        #expect(leaf.grad?.shape == leaf.shape, "\(label)")
        #expect(leaf.grad?.elements().allSatisfy { $0.isFinite } == true, "\(label)")
      }
    }
  }

  @Test func infinitiesAndNaN() throws {
    let x = try Tensor([Float.nan, 1, -.infinity, 1], shape: [2, 2])
    let w1 = try Tensor([1, 0, 0, 1], shape: [2, 2])
    let w2 = try Tensor([1, 1], shape: [1, 2])
    let plain = try x.linear(w1).relu().linear(w2).elements()
    let fused = try x.feedForward(w1, w2).elements()
    #expect(zip(plain, fused).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
  }

  @Test func shapesAreChecked() throws {
    for (x, w1, w2) in [
      ([2, 3], [4, 2], [3, 4]), ([2, 3], [4, 3], [3, 5]), ([2, 3], [4], [3, 4]),
    ] {
      expectError(
        "feed_forward: inner sizes differ, rows \(x), W₁ \(w1) and W₂ \(w2)"
      ) { try Tensor.full(x, 1).feedForward(Tensor.full(w1, 1), Tensor.full(w2, 1)) }
    }
  }
}
