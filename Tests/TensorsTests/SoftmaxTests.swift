import Glibc
import Tensors
import TestSupport
import Testing

@Suite struct SoftmaxTests {
  static let shapes: [([Int], Int)] = [
    ([1], 0), ([7], 0), ([3, 5], 0), ([3, 5], 1), ([2, 3, 5], 0), ([2, 3, 5], 1), ([2, 3, 5], -1),
    ([2, 1, 3], 1), ([3, 67], -1), ([4, 2, 3, 5], 1), ([4, 2, 3, 5], -3), ([0, 3], 1), ([0, 3], 0),
    ([2, 0, 3], 2), ([2, 0, 3], 1), ([2, 0, 3], 0),
  ]

  @Test(arguments: shapes)
  func softmaxAndItsLogarithm(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    try check([Sample(shape)]) {
      try $0[0].softmax(d)
    } equals: {
      $0[0].mapLines(place, softmax)
    }
    // Over repeated columns the gradient cancels.
    try check([Sample(shape)], gradientTolerance: 1e-4) {
      try $0[0].logSoftmax(d)
    } equals: {
      $0[0].mapLines(place) { x in x.map { $0 - logSumExp(x) } }
    }
    // −∞ where there is nothing to add up.
    for keepDim in [false, true] where shape[place] > 0 {
      try check([Sample(shape)]) {
        try $0[0].logSumExp(d, keepDim: keepDim)
      } equals: {
        $0[0].reduce(place, keepDim: keepDim, logSumExp)
      }
    }
  }

  @Test func byHand() throws {
    let x = try Tensor([0, 1])
    let e = exp(1.0)
    expectClose(
      try x.softmax(0), Reference(shape: [2], elements: [1 / (1 + e), e / (1 + e)]), 1e-7)
    expectClose(try x.logSumExp(0), Reference(log(1 + e)), 1e-7)
  }

  /// More rows than one range of the loop.
  @Test func manyRows() throws {
    try check([[997, 71]], arrangements: [.dense, .transposed], probes: 1) {
      try $0[0].softmax(1)
    } equals: {
      $0[0].mapRows(softmax)
    }
    try check([[997, 71]], arrangements: [.dense, .transposed], probes: 1) {
      try $0[0].logSumExp(1)
    } equals: {
      $0[0].reduce(1, logSumExp)
    }
  }

  @Test func extremes() throws {
    func expect(
      _ tensor: Tensor, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
      expectClose(
        tensor, Reference(shape: tensor.shape, elements: expected), sourceLocation: sourceLocation)
    }
    let inf = Float.infinity
    expect(try Tensor([1e30, 1e30, -1e30]).softmax(0), [0.5, 0.5, 0])
    expect(try Tensor([-inf, 3, -inf]).softmax(0), [0, 1, 0])
    expect(try Tensor([-inf, 3, -inf]).logSoftmax(0), [-.infinity, 0, -.infinity])
    expect(try Tensor([1000, 1000]).logSumExp(0), [1000 + log(2)])
    expect(try Tensor([-inf, -inf]).logSumExp(0), [-.infinity])
    expect(try Tensor([inf, 0]).logSumExp(0), [.infinity])
    expect(try Tensor([0, .nan, 1]).logSumExp(0), [.nan])
    expect(try Tensor([0, .nan, 1]).softmax(0), [.nan, .nan, .nan])
    // A masked entry gets no gradient, and the others a finite one.
    let x = try Tensor([0, -inf, 1]).requireGrad()
    try x.softmax(0).mul(Tensor([1, 2, 3])).sum().backward()
    let gradient = try #require(x.grad?.elements())
    #expect(gradient[1] == 0)
    #expect(gradient.allSatisfy { $0.isFinite })
  }

  static func crossEntropy(_ x: Reference, _ targets: [Int], _ weights: [Double]) -> Reference {
    let n = x.shape[x.rank - 1]
    var loss = 0.0
    for r in targets.indices {
      let row = Array(x.elements[r * n..<(r + 1) * n])
      loss += weights[r] * (logSumExp(row) - row[targets[r]])
    }
    return Reference(loss / weights.reduce(0, +))
  }

  @Test(arguments: [[5], [1, 7], [3, 5], [2, 3, 5], [4, 1], [211, 307]])
  func crossEntropy(_ shape: [Int]) throws {
    let lead = Array(shape.dropLast())
    let (rows, n) = (lead.reduce(1, *), shape[shape.count - 1])
    var stream = RandomStream(seed: 2, purpose: .tensor)
    let targets = (0..<rows).map { _ in Int(stream.below(UInt32(n))) }
    let ids = try IntTensor(targets.map { Int32($0) }, shape: lead)
    let masks: [[Float]?] = [
      nil, (0..<rows).map { $0 % 3 == 1 || rows == 1 ? 1 : 0 },
      (0..<rows).map { _ in 0.25 + stream.uniform() },
      (0..<rows).map { $0 % 4 == 2 ? 0 : Float($0 + 1) },
    ]
    let large = rows > 100
    for mask in masks {
      // A mask over one row of two keeps nothing.
      if let mask, mask.reduce(0, +) == 0 { continue }
      let weights = try mask.map { try Tensor($0, shape: lead) }
      try check(
        [Sample(shape)], arrangements: large ? [.dense, .transposed] : Arrangement.allCases,
        probes: large ? 3 : 12
      ) {
        try $0[0].crossEntropy(ids, mask: weights)
      } equals: {
        Self.crossEntropy(
          $0[0], targets, mask?.map(Double.init) ?? Array(repeating: 1, count: rows))
      }
    }
  }

  /// Targets and mask may be views.
  @Test func crossEntropyOfViews() throws {
    let ids = try IntTensor([0, 4, 2, 1, 3, 0], shape: [3, 2]).transpose(0, 1)
    let mask = try Tensor([1, 0, 2, 0.5, 0, 3], shape: [3, 2]).t()
    try check([[2, 3, 5]]) {
      try $0[0].crossEntropy(ids, mask: mask)
    } equals: {
      Self.crossEntropy(
        $0[0], ids.elements().map(Int.init), mask.elements().map(Double.init))
    }
  }

  @Test func crossEntropyLeavesRowsOut() throws {
    // A row of weight 0 does not count, even where its loss is infinite.
    let logits = try Tensor([0, 1, -.infinity, 0], shape: [2, 2]).requireGrad()
    let loss = try logits.crossEntropy(IntTensor([0, 0]), mask: Tensor([1, 0]))
    expectClose(loss, Reference(log(1 + exp(1.0))))
    try loss.backward()
    #expect(logits.grad?.elements()[2...] == [0, 0])
    #expect(try logits.crossEntropy(IntTensor([0, 0])).item() == .infinity)
    #expect(try logits.crossEntropy(IntTensor([0, 0]), mask: Tensor([0, 0])).item().isNaN)
    let none = try Tensor.zeros([0, 3])
    #expect(try none.crossEntropy(IntTensor([])).item().isNaN)
  }

  @Test func errors() throws {
    let logits = try Tensor.zeros([2, 3, 5])
    expectError(
      "cross_entropy: logits of shape [2, 3, 5] need targets of shape [2, 3], got [2, 5]"
    ) {
      try logits.crossEntropy(IntTensor(shape: [2, 5]))
    }
    expectError("cross_entropy: logits of shape [] need targets of shape [], got []") {
      try Tensor(1).crossEntropy(IntTensor(shape: []))
    }
    expectError("cross_entropy: the mask has shape [6], the targets have [2, 3]") {
      try logits.crossEntropy(IntTensor(shape: [2, 3]), mask: Tensor.zeros([6]))
    }
    expectError("cross_entropy: target 6 is outside 1…5") {
      try logits.crossEntropy(IntTensor(shape: [2, 3], fill: 5))
    }
    expectError("cross_entropy: target 0 is outside 1…5") {
      try logits.crossEntropy(IntTensor(shape: [2, 3], fill: -1))
    }
    let place = "dimension 4 of a tensor of shape [2, 3, 5] (allowed: 1…3)"
    expectError("softmax: \(place)") { try logits.softmax(3) }
    expectError("log_softmax: \(place)") { try logits.logSoftmax(3) }
    expectError("logsumexp: \(place)") { try logits.logSumExp(3) }
    expectError("softmax: a 0-dimensional tensor has no dimensions to choose from") {
      try Tensor(1).softmax(0)
    }
  }
}

extension Reference {
  /// `mapLines` along the last dimension, without computing each line once per element.
  fileprivate func mapRows(_ f: ([Double]) -> [Double]) -> Reference {
    let n = shape[rank - 1]
    return Reference(
      shape: shape,
      elements: stride(from: 0, to: count, by: n).flatMap { f(Array(elements[$0..<$0 + n])) })
  }
}
