import Tensors
import TestSupport
import Testing

@Suite struct CumulativeTests {
  static let shapes: [([Int], Int)] =
    ReductionsTests.shapes + [([0, 3], 0), ([2, 0, 3], 1), ([2, 3, 0], 1)]

  @Test(arguments: shapes)
  func cumsum(_ shape: [Int], _ d: Int) throws {
    try check([Sample(shape)]) {
      try $0[0].cumsum(d)
    } equals: {
      $0[0].mapLines(d < 0 ? d + shape.count : d) { line in
        line.indices.map { line[...$0].reduce(0, +) }
      }
    }
  }

  @Test(arguments: shapes)
  func prod(_ shape: [Int], _ d: Int) throws {
    // Long products of small numbers would all be 0.
    try check([Sample(shape, 0.9...1.1)], gradientTolerance: 2e-5) {
      try $0[0].prod(d)
    } equals: {
      $0[0].reduce(d < 0 ? d + shape.count : d) { $0.reduce(1, *) }
    }
  }

  /// Lines that lie side by side are taken in blocks of 512, and blocks by several threads.
  @Test(arguments: [0, 1, 2])
  func manyLines(_ d: Int) throws {
    try check([[7, 41, 1100]], arrangements: [.dense, .transposed], probes: 1) {
      try $0[0].cumsum(d)
    } equals: { x in
      var sums = x[0]
      let (size, step) = (sums.shape[d], sums.shape[(d + 1)...].reduce(1, *))
      for place in sums.elements.indices where place / step % size > 0 {
        sums.elements[place] += sums.elements[place - step]
      }
      return sums
    }
  }

  /// The gradient is the product of the others, whether or not some are 0.
  @Test func zerosAmongTheFactors() throws {
    let x = try Tensor([2, 0, 3, 0, 0, 5, 1, 2, 4], shape: [3, 3]).requireGrad()
    try x.prod(1).mul(Tensor([1, 1, 2])).sum().backward()
    #expect(x.grad?.elements() == [0, 6, 0, 0, 0, 0, 16, 8, 4])
    let column = try Tensor([2, 0, 3]).requireGrad()
    try column.reshape([3, 1]).prod(0).sum().backward()
    #expect(column.grad?.elements() == [0, 6, 0])
  }

  @Test func errors() throws {
    expectError("cumsum: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try Tensor.zeros([2, 3]).cumsum(2)
    }
    expectError("prod: a 0-dimensional tensor has no dimensions to choose from") {
      try Tensor(1).prod(0)
    }
  }
}
