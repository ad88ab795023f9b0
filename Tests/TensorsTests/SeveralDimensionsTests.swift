import Glibc
import Tensors
import TestSupport
import Testing

@Suite struct SeveralDimensionsTests {
  /// Shapes and the dimensions to reduce: neighbours, others, all, in any order.
  static let cases: [([Int], [Int])] = [
    ([3, 5], [0, 1]), ([3, 5], [-1]), ([2, 3, 5], [0, 1]), ([2, 3, 5], [2, 1]),
    ([2, 3, 5], [0, 2]), ([2, 3, 5], [2, 0, 1]), ([2, 3, 4, 5], [0, 2]), ([2, 3, 4, 5], [-1, 1]),
    ([2, 3, 4, 5], [1, 2]), ([2, 1, 3], [0, 1]), ([2, 0, 3], [0, 1]), ([0, 2, 3], [1, 2]),
  ]

  /// f of the elements of every result.
  static func reduce(
    _ x: Reference, _ ds: [Int], keepDim: Bool, _ f: ([Double]) -> Double
  ) -> Reference {
    let places = ds.map { $0 < 0 ? $0 + x.rank : $0 }
    var kept = x.shape
    for d in places { kept[d] = 1 }
    let result = Reference(shape: kept) { index in
      var elements: [Double] = []
      let chosen = Reference(shape: places.map { x.shape[$0] }) { inner in
        var at = index
        for (d, i) in zip(places, inner) { at[d] = i }
        elements.append(x[at])
        return 0
      }
      _ = chosen
      return f(elements)
    }
    guard !keepDim else { return result }
    return result.reshaped(x.shape.indices.filter { !places.contains($0) }.map { x.shape[$0] })
  }

  @Test(arguments: cases)
  func sumsMeansNorms(_ shape: [Int], _ ds: [Int]) throws {
    for keepDim in [false, true] {
      try check([Sample(shape)]) {
        try $0[0].sum(over: ds, keepDim: keepDim)
      } equals: {
        Self.reduce($0[0], ds, keepDim: keepDim) { $0.reduce(0, +) }
      }
      try check([Sample(shape)], gradientTolerance: 2e-5) {
        try $0[0].prod(over: ds, keepDim: keepDim)
      } equals: {
        Self.reduce($0[0], ds, keepDim: keepDim) { $0.reduce(1, *) }
      }
      try check([Sample(shape)], tolerance: 5e-6) {
        try $0[0].norm(over: ds, keepDim: keepDim)
      } equals: {
        Self.reduce($0[0], ds, keepDim: keepDim) { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      }
      guard !shape.contains(0) else { continue }
      try check([Sample(shape)]) {
        try $0[0].mean(over: ds, keepDim: keepDim)
      } equals: {
        Self.reduce($0[0], ds, keepDim: keepDim) { $0.reduce(0, +) / Double($0.count) }
      }
      try check([Sample(shape)], tolerance: 5e-6) {
        try $0[0].logSumExp(over: ds, keepDim: keepDim)
      } equals: {
        Self.reduce($0[0], ds, keepDim: keepDim, logSumExp)
      }
      try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 5e-6) {
        try $0[0].variance(over: ds, keepDim: keepDim, correction: 0)
      } equals: {
        Self.reduce($0[0], ds, keepDim: keepDim) { ReductionsTests.variance($0, 0) }
      }
    }
  }

  /// Norms of every kind, on numbers away from 0, where some have kinks.
  @Test(arguments: [0.5, 1, 1.5, 3, -1, -2, Double.infinity, -Double.infinity])
  func norms(_ p: Double) throws {
    func norm(_ x: [Double]) -> Double {
      let sizes = x.map { abs($0) }
      if p == .infinity { return sizes.max() ?? .nan }
      if p == -.infinity { return sizes.min() ?? .nan }
      return pow(sizes.reduce(0) { $0 + pow($1, p) }, 1 / p)
    }
    for (shape, ds) in Self.cases where !shape.contains(0) {
      for range in [Float(0.5)...2, -2...(-0.5)] {
        try check(
          [Sample(shape, range)], arrangements: Arrangement.distinct, tolerance: 1e-5,
          gradientTolerance: 5e-5
        ) {
          try $0[0].norm(p: Float(p), over: ds)
        } equals: {
          Self.reduce($0[0], ds, keepDim: false, norm)
        }
      }
    }
  }

  @Test func anyAndAll() throws {
    let x = try Tensor([0, 0, 0, 1, .nan, -2, 0, 0], shape: [2, 2, 2])
    #expect(try x.any(over: [0, 2]).elements() == [1, 1])
    #expect(try x.any(over: [2]).elements() == [0, 1, 1, 0])
    #expect(try x.all(over: [2], keepDim: true).elements() == [0, 0, 1, 0])
    #expect(try x.all(over: [2], keepDim: true).shape == [2, 2, 1])
    #expect(try x.any(over: nil).item() == 1)
    #expect(try x.requireGrad().all(over: nil).requiresGrad == false)
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    expectError("sum: the list of dimensions is empty") { try x.sum(over: []) }
    expectError("mean: dimension 2 is named twice") { try x.mean(over: [1, 0, -1]) }
    expectError("prod: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try x.prod(over: [0, 2])
    }
    expectError("norm: p is a number, got nan") { try x.norm(p: .nan) }
  }
}
