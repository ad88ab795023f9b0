import Tensors
import TestSupport
import Testing

@Suite struct QuantilesTests {
  static func quantile(_ q: Double, _ line: [Double]) -> Double {
    let sorted = line.sorted()
    let rank = q * Double(line.count - 1)
    let below = sorted[Int(rank)]
    return below + (sorted[Int(rank.rounded(.up))] - below) * (rank - rank.rounded(.down))
  }

  @Test(arguments: ReductionsTests.shapes)
  func medians(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    for keepDim in [false, true] {
      try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
        try $0[0].median(d, keepDim: keepDim).values
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { $0.sorted()[($0.count - 1) / 2] }
      }
    }
    let x = try random(shape)
    let (values, indices) = try x.median(d, keepDim: true)
    #expect(try x.gather(d, indices).elements() == values.elements())
  }

  @Test(arguments: ReductionsTests.shapes)
  func quantiles(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    for q in [0, 0.3, 0.5, 0.95, 1] {
      try check([Sample(shape)], arrangements: Arrangement.distinct) {
        try $0[0].quantile(q, d)
      } equals: {
        $0[0].reduce(place) { Self.quantile(q, $0) }
      }
    }
    let x = try random(shape)
    let several = try x.quantiles([0.3, 1], d, keepDim: true)
    #expect(several.shape == [2] + Reference(x).reduce(place, keepDim: true) { _ in 0 }.shape)
    #expect(
      try several.select(0, 0).elements() == x.quantile(0.3, d, keepDim: true).elements())
    #expect(try several.select(0, 1).elements() == x.max(d).values.elements())
    #expect(try x.quantile(0.5).item() == x.reshape([-1]).quantile(0.5, 0).item())
  }

  /// A line with a NaN has NaN for both; the other lines are not touched by it.
  @Test func nan() throws {
    let x = try Tensor([1, .nan, 0, 2, 3, 9], shape: [2, 3])
    let (values, indices) = try x.median(1)
    #expect(values.elements()[0].isNaN && values.elements()[1] == 3)
    #expect(indices.elements() == [1, 1])
    let quantiles = try x.quantile(0.25, 1).elements()
    #expect(quantiles[0].isNaN && quantiles[1] == 2.5)
    #expect(try x.median().item().isNaN && x.quantile(0).item().isNaN)
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 0])
    expectError("median: the dimension is empty") { try x.median(1) }
    expectError("median: the dimension is empty") { try x.median() }
    expectError("quantile: the dimension is empty") { try x.quantile(0.5, 1) }
    expectError("quantile: q is within 0…1, got 1.5") { try x.quantile(1.5) }
    expectError("quantile: q is within 0…1, got nan") { try x.quantiles([0, .nan], 0) }
    expectError("median: dimension 3 of a tensor of shape [2, 0] (allowed: 1…2)") {
      try x.median(2)
    }
    #expect(try x.median(0).values.shape == [0])
    #expect(try x.quantiles([0, 1], 0).shape == [2, 0])
  }
}
