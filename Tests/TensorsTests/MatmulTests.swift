import Tensors
import TestSupport
import Testing

@Suite struct MatmulTests {
  static let shapes: [([Int], [Int])] = [
    // Vectors and matrices.
    ([5], [5]), ([1], [1]), ([3, 5], [5]), ([5], [5, 7]), ([3, 5], [5, 7]), ([1, 5], [5, 1]),
    ([3, 1], [1, 7]), ([1, 1], [1, 1]), ([13, 17], [17, 11]),
    // One side with leading dimensions.
    ([2, 3, 5], [5, 7]), ([2, 3, 5], [5]), ([5], [2, 5, 7]), ([3, 5], [2, 5, 7]),
    ([4, 2, 3, 5], [5, 7]), ([4, 2, 3, 5], [5]), ([5], [4, 2, 5, 7]),
    // Both, equal or broadcasting.
    ([2, 3, 5], [2, 5, 7]), ([1, 3, 5], [2, 5, 7]), ([2, 3, 5], [1, 5, 7]),
    ([4, 2, 3, 5], [4, 2, 5, 7]), ([4, 1, 3, 5], [2, 5, 7]), ([2, 3, 5], [4, 1, 5, 7]),
    ([4, 1, 3, 5], [1, 2, 5, 7]), ([2, 1, 1], [2, 1, 1]),
    // Empty.
    ([0, 5], [5, 7]), ([3, 0], [0, 7]), ([3, 5], [5, 0]), ([0], [0]), ([2, 3, 0], [2, 0, 7]),
    ([0, 3, 5], [0, 5, 7]), ([2, 0, 5], [2, 5, 7]), ([2, 3, 0], [0, 7]), ([0, 3, 5], [5, 7]),
  ]

  @Test(arguments: shapes)
  func matmul(_ a: [Int], _ b: [Int]) throws {
    try check([Sample(a), Sample(b)]) {
      try $0[0].matmul($0[1])
    } equals: {
      .matmul($0[0], $0[1])
    }
  }

  /// Both operands strided in the batch as well: heads side by side in the last dimension.
  @Test func headsOfAttention() throws {
    try check([[2, 7, 15], [2, 11, 15]]) { x in
      let q = try x[0].reshape([2, 7, 3, 5]).transpose(1, 2)
      let k = try x[1].reshape([2, 11, 3, 5]).transpose(1, 2)
      return try q.matmul(k.transpose(2, 3))
    } equals: { x in
      let q = x[0].reshaped([2, 7, 3, 5]).transposed(1, 2)
      let k = x[1].reshaped([2, 11, 3, 5]).transposed(1, 2)
      return .matmul(q, k.transposed(2, 3))
    }
  }

  /// Sizes that take each branch of the threaded product, and their neighbours: small products,
  /// parts of the inner dimension, of rows, and of columns.
  @Test(arguments: [
    [79, 81, 81], [80, 82, 81],  // below and above 2¹⁹ multiplications
    [33, 131, 257], [527, 31, 67], [1033, 37, 41],  // rows
    [101, 131, 409], [49, 67, 701], [203, 130, 307],  // tiles
    [31, 263, 263], [1, 1031, 521], [5, 4099, 67],  // columns
    [23, 29, 1024], [17, 19, 8191], [1, 1, 600_011], [64, 3, 4097], [3, 64, 4097],  // inner
  ])
  func largeProducts(_ sizes: [Int]) throws {
    let (m, n, k) = (sizes[0], sizes[1], sizes[2])
    let (a, b) = (try random([m, k], seed: 1), try random([k, n], seed: 2))
    let (x, y) = (a.elements().map(Double.init), b.elements().map(Double.init))
    // Stored as they are, or transposed, or inside a larger matrix.
    let lefts = try [a, a.t().contiguous().t(), Tensor.cat([a, a], 1).narrow(1, 0, k)]
    let rights = try [b, b.t().contiguous().t(), Tensor.cat([b, b], 1).narrow(1, n, n)]
    var stream = RandomStream(seed: 4, purpose: .tensor)
    var places = [(0, 0), (0, n - 1), (m - 1, 0), (m - 1, n - 1)]
    for _ in 0..<200 {
      places.append((Int(stream.below(UInt32(m))), Int(stream.below(UInt32(n)))))
    }
    let expected = places.map { i, j in
      (0..<k).reduce(0.0) { $0 + x[i * k + $1] * y[$1 * n + j] }
    }
    for (i, left) in lefts.enumerated() {
      for (j, right) in rights.enumerated() {
        let product = try left.matmul(right)
        #expect(product.shape == [m, n])
        let elements = product.elements()
        let chosen = places.map { elements[$0 * n + $1] }
        expectClose(
          try Tensor(chosen), Reference(shape: [expected.count], elements: expected), 2e-5,
          "sizes \(sizes), left \(i), right \(j)")
      }
    }
  }

  @Test func dotAndOuter() throws {
    for n in [0, 1, 7, 1031] {
      try check([[n], [n]], tolerance: 1e-5) {
        try $0[0].dot($0[1])
      } equals: { x in
        Reference(zip(x[0].elements, x[1].elements).reduce(0) { $0 + $1.0 * $1.1 })
      }
    }
    for (m, n) in [(3, 5), (1, 7), (7, 1), (0, 3), (3, 0)] {
      try check([[m], [n]]) {
        try $0[0].outer($0[1])
      } equals: { x in
        Reference(shape: [m, n]) { x[0][$0[0]] * x[1][$0[1]] }
      }
    }
  }

  @Test func linear() throws {
    for shape in [[5], [3, 5], [2, 3, 5], [0, 5]] {
      try check([Sample(shape), [7, 5]]) {
        try $0[0].linear($0[1])
      } equals: {
        .matmul($0[0], $0[1].transposed(0, 1))
      }
    }
  }

  /// A tensor on both sides gets both parts of the gradient.
  @Test func productWithItself() throws {
    try check([[3, 5]]) {
      try $0[0].matmul($0[0].t())
    } equals: {
      .matmul($0[0], $0[0].transposed(0, 1))
    }
  }

  @Test func errors() throws {
    func zeros(_ shape: Int...) throws -> Tensor { try Tensor.zeros(shape) }
    expectError("matmul: inner sizes differ, [8, 16] × [12, 4]") {
      try zeros(8, 16).matmul(zeros(12, 4))
    }
    expectError("matmul: inner sizes differ, [3] × [4]") { try zeros(3).matmul(zeros(4)) }
    expectError("matmul: inner sizes differ, [2, 3] × [2, 2, 3]") {
      try zeros(2, 3).matmul(zeros(2, 2, 3))
    }
    expectError("matmul: needs at least 1 dimension on each side, got [] × [3]") {
      try Tensor(1).matmul(zeros(3))
    }
    expectError("matmul: shapes [2] and [3] do not broadcast together") {
      try zeros(2, 4, 5).matmul(zeros(3, 5, 6))
    }
    expectError("dot: needs two vectors of one length, got shapes [3] and [4]") {
      try zeros(3).dot(zeros(4))
    }
    expectError("dot: needs two vectors of one length, got shapes [2, 3] and [2, 3]") {
      try zeros(2, 3).dot(zeros(2, 3))
    }
    expectError("outer: needs two vectors, got shapes [3] and [2, 3]") {
      try zeros(3).outer(zeros(2, 3))
    }
    expectError("linear: x [..., in] and weight [out, in] do not fit, got [3] and [3]") {
      try zeros(3).linear(zeros(3))
    }
    // Products that no machine has the memory for.
    let long = Tensor(0)
    expectError("matmul: a tensor of shape [1073741824, 1073741824] is too large") {
      try long.expand([1 << 30, 1]).matmul(long.expand([1, 1 << 30]))
    }
    expectError("mul: a tensor of shape [1073741824, 1073741824] is too large") {
      try long.expand([1 << 30, 1]).mul(long.expand([1 << 30]))
    }
  }
}
