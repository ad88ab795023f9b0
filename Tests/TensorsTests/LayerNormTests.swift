import Tensors
import TestSupport
import Testing

@Suite struct LayerNormTests {
  static func plain(
    _ x: Reference, _ weight: Reference?, _ bias: Reference?, eps: Double
  ) -> Reference {
    let normal = x.mapLines(x.rank - 1) { row in
      let n = Double(row.count)
      let mean = row.reduce(0, +) / n
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
      return row.map { ($0 - mean) / (variance + eps).squareRoot() }
    }
    let scaled = weight.map { Reference.combine(normal, $0, *) } ?? normal
    return bias.map { Reference.combine(scaled, $0, +) } ?? scaled
  }

  @Test(arguments: [[5], [3, 7], [2, 3, 5], [4, 2], [2, 67], [71, 3]])
  func agreesWithItsFormula(_ shape: [Int]) throws {
    let n = [shape[shape.count - 1]]
    // Where a row is constant its gradient is of order 1/√eps.
    for (eps, arrangements) in [(1e-5, Arrangement.distinct), (0.5, Arrangement.allCases)] {
      try check(
        [Sample(shape), Sample(n), Sample(n)], arrangements: arrangements, tolerance: 1e-5,
        gradientTolerance: 1e-4
      ) {
        try $0[0].layerNorm(weight: $0[1], bias: $0[2], eps: Float(eps))
      } equals: {
        Self.plain($0[0], $0[1], $0[2], eps: eps)
      }
    }
  }

  @Test func parametersMayBeLeftOut() throws {
    try check([[3, 7]], arrangements: Arrangement.distinct, gradientTolerance: 1e-4) {
      try $0[0].layerNorm()
    } equals: {
      Self.plain($0[0], nil, nil, eps: 1e-5)
    }
    try check([[3, 7], [7]], arrangements: Arrangement.distinct, gradientTolerance: 1e-4) {
      try $0[0].layerNorm(weight: $0[1])
    } equals: {
      Self.plain($0[0], $0[1], nil, eps: 1e-5)
    }
    try check([[3, 7], [7]], arrangements: Arrangement.distinct, gradientTolerance: 1e-4) {
      try $0[0].layerNorm(bias: $0[1])
    } equals: {
      Self.plain($0[0], nil, $0[1], eps: 1e-5)
    }
  }

  /// More rows than one range of the loop, and more than the parts of the parameters' gradients.
  @Test func manyRows() throws {
    try check(
      [[1003, 37], [37], [37]], arrangements: [.dense, .transposed], tolerance: 1e-5,
      gradientTolerance: 1e-4, probes: 1
    ) {
      try $0[0].layerNorm(weight: $0[1], bias: $0[2])
    } equals: {
      Self.plain($0[0], $0[1], $0[2], eps: 1e-5)
    }
  }

  @Test func byHand() throws {
    expectClose(
      try Tensor([1, 3]).layerNorm(eps: 0), Reference(shape: [2], elements: [-1, 1]), 1e-6)
    #expect(try Tensor([4, 4, 4]).layerNorm().elements() == [0, 0, 0])
    #expect(try Tensor.zeros([0, 3]).layerNorm().shape == [0, 3])
    #expect(try Tensor.zeros([3, 0]).layerNorm().shape == [3, 0])
    // A large mean does not drown the variance.
    expectClose(
      try Tensor([10_001, 10_003]).layerNorm(eps: 0), Reference(shape: [2], elements: [-1, 1]),
      1e-5)
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    expectError("layer_norm: rows of 3 elements need a weight of shape [3], got [2]") {
      try x.layerNorm(weight: .zeros([2]))
    }
    expectError("layer_norm: rows of 3 elements need a bias of shape [3], got [1, 3]") {
      try x.layerNorm(bias: .zeros([1, 3]))
    }
    expectError("layer_norm: eps must not be negative, got -1.0") { try x.layerNorm(eps: -1) }
    expectError("layer_norm: a 0-dimensional tensor has no rows to normalise") {
      try Tensor(1).layerNorm()
    }
  }
}
