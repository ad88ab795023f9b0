import Glibc
import Tensors
import TestSupport
import Testing

@Suite struct ReductionsTests {
  /// Shapes and dimensions to reduce; sizes that are no multiple of the vector width.
  static let shapes: [([Int], Int)] = [
    ([1], 0), ([7], 0), ([3, 5], 0), ([3, 5], 1), ([3, 5], -1), ([2, 3, 5], 0), ([2, 3, 5], 1),
    ([2, 3, 5], -1), ([2, 1, 3], 1), ([3, 67], 1), ([67, 3], 0), ([2, 17, 3], -2), ([1, 1], 0),
  ]

  @Test(arguments: shapes)
  func sumMeanNorm(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    let n = Double(shape[place])
    for keepDim in [false, true] {
      try check([Sample(shape)]) {
        try $0[0].sum(d, keepDim: keepDim)
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { $0.reduce(0, +) }
      }
      try check([Sample(shape)]) {
        try $0[0].mean(d, keepDim: keepDim)
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { $0.reduce(0, +) / n }
      }
      try check([Sample(shape)]) {
        try $0[0].norm(d, keepDim: keepDim)
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      }
    }
  }

  @Test(arguments: shapes)
  func variance(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    guard shape[place] > 1 else { return }
    for (keepDim, correction) in [(false, 1), (true, 0), (false, 0.5)] {
      try check([Sample(shape)], arrangements: Arrangement.distinct) {
        try $0[0].variance(d, keepDim: keepDim, correction: Float(correction))
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { Self.variance($0, correction) }
      }
    }
  }

  static func variance(_ x: [Double], _ correction: Double) -> Double {
    let n = Double(x.count)
    let mean = x.reduce(0, +) / n
    return x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - correction)
  }

  @Test(arguments: shapes)
  func maxMin(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    for keepDim in [false, true] {
      try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
        try $0[0].max(d, keepDim: keepDim).values
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { $0.max() ?? .nan }
      }
      try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
        try $0[0].min(d, keepDim: keepDim).values
      } equals: {
        $0[0].reduce(place, keepDim: keepDim) { $0.min() ?? .nan }
      }
    }
  }

  @Test(arguments: [[], [1], [7], [3, 5], [2, 3, 5], [1, 1], [5, 1031]])
  func overEverything(_ shape: [Int]) throws {
    // Sums that nearly cancel lose digits, long ones gather errors.
    let n = Double(shape.reduce(1, *))
    func sum(_ x: [Reference], _ f: (Double) -> Double) -> Double {
      x[0].elements.reduce(0) { $0 + f($1) }
    }
    try check([Sample(shape)], tolerance: 2e-5, gradientTolerance: 1e-4) {
      try $0[0].sum()
    } equals: {
      Reference(sum($0) { $0 })
    }
    try check([Sample(shape)], tolerance: 2e-5, gradientTolerance: 1e-4) {
      try $0[0].mean()
    } equals: {
      Reference(sum($0) { $0 } / n)
    }
    try check([Sample(shape)], tolerance: 2e-5, gradientTolerance: 1e-4) {
      try $0[0].norm()
    } equals: {
      Reference(sum($0) { $0 * $0 }.squareRoot())
    }
    try check([Sample(shape)], tolerance: 2e-5, gradientTolerance: 1e-4) {
      try $0[0].logSumExp()
    } equals: {
      Reference(logSumExp($0[0].elements))
    }
    if n > 1 {
      try check([Sample(shape)], arrangements: Arrangement.distinct) {
        try $0[0].variance()
      } equals: {
        Reference(Self.variance($0[0].elements, 1))
      }
    }
    try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
      try $0[0].max()
    } equals: {
      Reference($0[0].elements.max() ?? .nan)
    }
    try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
      try $0[0].min()
    } equals: {
      Reference($0[0].elements.min() ?? .nan)
    }
  }

  /// Loops of more than one range, and sums of more than one block of 4096.
  @Test(arguments: [0, 1, 2])
  func longLoops(_ d: Int) throws {
    try check([[41, 53, 43]], arrangements: [.dense, .transposed], probes: 1) {
      try $0[0].sum(d)
    } equals: {
      $0[0].reduce(d) { $0.reduce(0, +) }
    }
    // Among so many elements some maxima nearly tie: their slopes are counted, not measured.
    let x = try random([41, 53, 43])
    expectClose(try x.max(d).values, Reference(x).reduce(d) { $0.max() ?? .nan }, 0)
    let isLargest = try x.compare(x.max(d, keepDim: true).values, "eq", .equal)
    try x.requireGrad()
    try x.max(d).values.sum().backward()
    #expect(x.grad?.elements() == isLargest.elements())
  }

  @Test func longSumsKeepTheirDigits() throws {
    // A million times 0.1: a running sum in Float32 ends at 100,958.
    let total = try Tensor(0.1).expand([1_000_000]).sum().item()
    #expect(abs(total - 1e5) <= 0.5)
    // A small number behind a large one.
    let x = try Tensor(full: [100_000], 1)
    try x.select(0, 0).copyInPlace(Tensor(1e7))
    #expect(try x.sum().item() == 10_099_999)
  }

  @Test func argmaxAndArgmin() throws {
    let x = try Tensor([3, 1, 3, 1, 5, 1], shape: [2, 3])
    #expect(try x.argmax(0).elements() == [0, 1, 0])
    #expect(try x.argmax(1).elements() == [0, 1])
    #expect(try x.argmin(1).elements() == [1, 0])
    #expect(try x.argmin(-2, keepDim: true).shape == [1, 3])
    #expect(try x.argmin(-2, keepDim: true).elements() == [1, 0, 1])
    #expect(try x.argmax().item() == 4)
    #expect(try x.argmin().item() == 1)
    #expect(try x.t().argmax().item() == 3)
    #expect(try x.t().argmax(0).elements() == [0, 1])
    let holes = try Tensor([1, .nan, 2, .nan])
    #expect(try holes.argmax().item() == 1)
    #expect(try holes.argmin().item() == 1)
    #expect(try holes.max().item().isNaN)
    #expect(try Tensor([-.infinity, -.infinity]).argmax().item() == 0)
  }

  @Test func gradientsAtTies() throws {
    let x = try Tensor([2, 7, 7, 2], shape: [1, 4]).requireGrad()
    try x.max(1).values.sum().backward()
    #expect(x.grad?.elements() == [0, 1, 0, 0])
    x.grad = nil
    try x.min().backward()
    #expect(x.grad?.elements() == [1, 0, 0, 0])
    let zero = try Tensor([0, 0, 0]).requireGrad()
    try zero.norm().backward()
    #expect(zero.grad?.elements() == [0, 0, 0])
  }

  @Test func empty() throws {
    let x = try Tensor.zeros([2, 0, 3])
    #expect(try x.sum().item() == 0)
    #expect(try x.mean().item().isNaN)
    #expect(try x.norm().item() == 0)
    #expect(try x.logSumExp().item() == -.infinity)
    #expect(try x.sum(1).elements() == [0, 0, 0, 0, 0, 0])
    #expect(try x.sum(0).shape == [0, 3])
    #expect(try x.mean(1).elements().allSatisfy { $0.isNaN })
    #expect(try x.logSumExp(1).elements() == [Float](repeating: -.infinity, count: 6))
    #expect(try x.logSumExp(2, keepDim: true).shape == [2, 0, 1])
    #expect(try x.max(0).values.shape == [0, 3])
    #expect(try x.argmax(2, keepDim: true).shape == [2, 0, 1])
    #expect(try Tensor([3]).variance().item().isNaN)
    try check([[2, 0, 3]]) {
      try $0[0].sum(1)
    } equals: {
      $0[0].reduce(1) { $0.reduce(0, +) }
    }
    try check([[2, 0, 3]]) {
      try $0[0].sum(2)
    } equals: {
      $0[0].reduce(2) { $0.reduce(0, +) }
    }
    expectError("max: the dimension is empty") { try x.max(1) }
    expectError("min: the dimension is empty") { try x.min() }
    expectError("argmax: the dimension is empty") { try x.argmax(1) }
    expectError("argmin: the dimension is empty") { try x.argmin() }
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    let place = "dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)"
    expectError("sum: \(place)") { try x.sum(2) }
    expectError("mean: \(place)") { try x.mean(2) }
    expectError("var: \(place)") { try x.variance(2) }
    expectError("max: \(place)") { try x.max(2) }
    expectError("min: \(place)") { try x.min(2) }
    expectError("argmax: \(place)") { try x.argmax(2) }
    expectError("argmin: \(place)") { try x.argmin(2) }
    expectError("norm: \(place)") { try x.norm(2) }
    expectError("logsumexp: \(place)") { try x.logSumExp(2) }
    expectError("sum: dimension -3 of a tensor of shape [2, 3] (allowed: 1…2)") { try x.sum(-3) }
    expectError("sum: a 0-dimensional tensor has no dimensions to choose from") {
      try Tensor(1).sum(0)
    }
  }
}
