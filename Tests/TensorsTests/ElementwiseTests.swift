import Glibc
import Tensors
import TestSupport
import Testing

/// Shapes that broadcast together, sizes distinct so that a transpose cannot hide.
let broadcastingShapes: [([Int], [Int])] = [
  ([], []), ([1], [1]), ([7], [7]), ([3, 5], [3, 5]), ([2, 3, 5], [2, 3, 5]),
  ([7], []), ([], [7]), ([7], [1]), ([1], [7]), ([1, 1], [3]),
  ([3, 5], [5]), ([5], [3, 5]), ([3, 5], [3, 1]), ([1, 5], [3, 1]), ([3, 1], [5]),
  ([2, 3, 5], [3, 1]), ([2, 1, 5], [3, 1]), ([2, 3, 1], [1, 5]), ([1, 3, 1], [2, 1, 5]),
  ([2, 3, 5], [1, 1, 1]), ([2, 1, 1], [2, 3, 5]),
  ([0], [1]), ([0, 3], [3]), ([3, 1], [0]), ([2, 0, 3], [2, 1, 1]),
]

@Suite struct ElementwiseTests {
  @Test(arguments: broadcastingShapes)
  func addSubMulDiv(_ a: [Int], _ b: [Int]) throws {
    let inputs = [Sample(a), Sample(b)]
    try check(inputs) {
      try $0[0].add($0[1])
    } equals: {
      .combine($0[0], $0[1], +)
    }
    try check(inputs) {
      try $0[0].sub($0[1])
    } equals: {
      .combine($0[0], $0[1], -)
    }
    try check(inputs) {
      try $0[0].mul($0[1])
    } equals: {
      .combine($0[0], $0[1], *)
    }
    try check([Sample(a), Sample(b, 0.5...2)]) {
      try $0[0].div($0[1])
    } equals: {
      .combine($0[0], $0[1], /)
    }
  }

  @Test(arguments: broadcastingShapes)
  func powMaximumWhere(_ a: [Int], _ b: [Int]) throws {
    try check([Sample(a, 0.3...2), Sample(b)]) {
      try $0[0].pow($0[1])
    } equals: {
      .combine($0[0], $0[1], Glibc.pow)
    }
    try check([Sample(a), Sample(b)]) {
      try $0[0].maximum($0[1])
    } equals: {
      .combine($0[0], $0[1], Swift.max)
    }
    try check([Sample(a), Sample(b)]) {
      try $0[0].minimum($0[1])
    } equals: {
      .combine($0[0], $0[1], Swift.min)
    }
    // The mask broadcasts too, and has no gradient of its own.
    let mask = try Tensor(Reference.broadcast(a, b).last == 5 ? [1, 0, -2, 0, 1] : [1])
    let flags = Reference(mask)
    try check([Sample(a), Sample(b)]) {
      try Tensor.choose(mask, $0[0], $0[1])
    } equals: { x in
      let either = Reference.combine(x[0], x[1]) { x, _ in x }
      return Reference(shape: Reference.broadcast(flags.shape, either.shape)) {
        flags[$0] != 0 ? x[0][$0] : x[1][$0]
      }
    }
  }

  @Test func whereBroadcastsAllThree() throws {
    let mask = try Tensor([1, 0, 0, 1, 1, 0], shape: [2, 3, 1])
    let flags = Reference(mask)
    try check([[3, 5], [2, 1, 1]]) {
      try Tensor.choose(mask, $0[0], $0[1])
    } equals: { x in
      Reference(shape: [2, 3, 5]) { flags[$0] != 0 ? x[0][$0] : x[1][$0] }
    }
  }

  /// Operations of one input, with a range that stays away from poles and kinks.
  static let unary:
    [(
      name: String, range: ClosedRange<Float>, operation: @Sendable (Tensor) throws -> Tensor,
      reference: @Sendable (Double) -> Double
    )] = [
      ("neg", -2...2, { try $0.neg() }, { -$0 }),
      ("exp", -3...3, { try $0.exp() }, { exp($0) }),
      ("expm1", -3...3, { try $0.expm1() }, { expm1($0) }),
      ("log", 0.2...5, { try $0.log() }, { log($0) }),
      ("log2", 0.2...5, { try $0.log2() }, { log2($0) }),
      ("log10", 0.2...5, { try $0.log10() }, { log10($0) }),
      ("log1p", -0.7...5, { try $0.log1p() }, { log1p($0) }),
      ("sqrt", 0.2...5, { try $0.sqrt() }, { $0.squareRoot() }),
      ("rsqrt", 0.2...5, { try $0.rsqrt() }, { 1 / $0.squareRoot() }),
      ("reciprocal", 0.2...5, { try $0.reciprocal() }, { 1 / $0 }),
      ("abs", -2...2, { try $0.abs() }, { Swift.abs($0) }),
      ("sign", 0.1...2, { try $0.neg().sign() }, { _ in -1 }),
      ("floor", 1.1...1.9, { try $0.floor() }, { _ in 1 }),
      ("ceil", 1.1...1.9, { try $0.ceil() }, { _ in 2 }),
      ("round", 1.6...2.4, { try $0.round() }, { _ in 2 }),
      ("sin", -4...4, { try $0.sin() }, { sin($0) }),
      ("cos", -4...4, { try $0.cos() }, { cos($0) }),
      ("erf", -3...3, { try $0.erf() }, { erf($0) }),
      ("silu", -5...5, { try $0.silu() }, { $0 / (1 + exp(-$0)) }),
      ("softplus", -5...5, { try $0.softplus() }, { log1p(exp($0)) }),
      ("square by pow", -2...2, { try $0.pow(Tensor(2)) }, { $0 * $0 }),
      ("tanh", -3...3, { try $0.tanh() }, { tanh($0) }),
      ("sigmoid", -5...5, { try $0.sigmoid() }, { 1 / (1 + exp(-$0)) }),
      ("relu", -2...2, { try $0.relu() }, { Swift.max($0, 0) }),
      ("gelu", -3...3, { try $0.gelu() }, { $0 * 0.5 * erfc(-$0 * 0.5.squareRoot()) }),
      ("square", -2...2, { try $0.square() }, { $0 * $0 }),
      ("clamp", -2...2, { try $0.clamp(-1, 0.5) }, { Swift.min(Swift.max($0, -1), 0.5) }),
    ]

  @Test(arguments: unary.indices)
  func unaryOperations(_ i: Int) throws {
    let (_, range, operation, reference) = Self.unary[i]
    for shape in [[], [1], [7], [3, 5], [2, 3, 5], [1, 1], [0], [2, 0, 3]] {
      try check([Sample(shape, range)]) {
        try operation($0[0])
      } equals: {
        $0[0].map(reference)
      }
    }
  }

  /// Above 32,768 elements a loop is cut into ranges, which must meet without gap or overlap.
  @Test(arguments: [Arrangement.dense, .transposed, .repeatedColumns])
  func longLoops(_ arrangement: Arrangement) throws {
    let shapes: [([Int], [Int])] = [
      ([37, 1811], [37, 1811]), ([37, 1811], []), ([1], [37, 1811]), ([37, 1811], [1811]),
      ([37, 1], [37, 1811]), ([37, 1], [1811]),
    ]
    for (a, b) in shapes {
      try check([Sample(a), Sample(b)], arrangements: [arrangement], probes: 1) {
        try $0[0].mul($0[1])
      } equals: {
        .combine($0[0], $0[1], *)
      }
    }
    try check([[37, 1811]], arrangements: [arrangement], probes: 1) {
      try $0[0].tanh()
    } equals: {
      $0[0].map { tanh($0) }
    }
  }

  @Test func kinks() throws {
    func slopes(_ x: Tensor, _ operation: (Tensor) throws -> Tensor) throws -> [Float]? {
      try x.requireGrad()
      try operation(x).sum().backward()
      return x.grad?.elements()
    }
    #expect(try slopes(Tensor([-1, 0, 1])) { try $0.abs() } == [-1, 0, 1])
    #expect(try slopes(Tensor([-1, 0, 1])) { try $0.relu() } == [0, 0, 1])
    #expect(try slopes(Tensor([-1, 0, 2])) { try $0.maximum(Tensor([0, 0, 0])) } == [0, 0.5, 1])
    #expect(try slopes(Tensor([0, 0, 0])) { try Tensor([-1, 0, 2]).maximum($0) } == [1, 0.5, 0])
    #expect(try slopes(Tensor([-1, 0, 2])) { try $0.minimum(Tensor([0, 0, 0])) } == [1, 0.5, 0])
    #expect(try slopes(Tensor([0, 0, 0])) { try Tensor([-1, 0, 2]).minimum($0) } == [0, 0.5, 1])
    #expect(try slopes(Tensor([-2, -1, 0, 1, 2])) { try $0.clamp(-1, 1) } == [0, 1, 1, 1, 0])
    #expect(try slopes(Tensor([-2, 1, 2])) { try $0.clamp(-.infinity, 1) } == [1, 1, 0])
    #expect(try slopes(Tensor([-2, 1, 2])) { try $0.clamp(1, .infinity) } == [0, 1, 1])
    #expect(try slopes(Tensor([5, -5, 5])) { try $0.remainder(Tensor([3, 3, -3])) } == [1, 1, 1])
    #expect(
      try slopes(Tensor([3, 3, -3])) { try Tensor([5, -5, 5]).remainder($0) } == [-1, 2, 2])
    #expect(try slopes(Tensor([0, 0, -3])) { try $0.pow(Tensor([1, 0, 2])) } == [1, 0, -6])
    #expect(try slopes(Tensor([2, 1])) { try Tensor([0, -2]).pow($0) } == [0, 0])
  }

  /// Of Lua, Python and PyTorch: the remainder has the sign of the divisor.
  @Test func remaindersAndQuotients() throws {
    let inf = Float.infinity
    let x = try Tensor([5, -5, 5, -5, 5, -5, 1, 0, 3, -3, inf, 0, .nan])
    let y = try Tensor([3, 3, -3, -3, inf, inf, 0.1, -3, 0, 0, 3, 0, 1])
    let (rest, quotient) = (try x.remainder(y), try x.floorDivide(y))
    expectClose(
      rest,
      Reference(
        shape: [13],
        elements: [2, 1, -1, -2, 5, .infinity, 0.099_999_986, 0, .nan, .nan, .nan, .nan, .nan]))
    expectClose(
      quotient,
      Reference(
        shape: [13],
        elements: [1, -2, -2, 1, 0, -1, 9, 0, .infinity, -.infinity, .nan, .nan, .nan]))
    #expect(!(try x.requireGrad().floorDivide(y)).requiresGrad)
  }

  @Test func kindsOfNumbers() throws {
    let x = try Tensor([1, .nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude])
    #expect(try x.isNaN().elements() == [0, 1, 0, 0, 0, 0])
    #expect(try x.isFinite().elements() == [1, 0, 0, 0, 1, 1])
    #expect(try x.isInfinite().elements() == [0, 0, 1, 1, 0, 0])
    #expect(!(try x.requireGrad().isFinite()).requiresGrad)
  }

  @Test func wholeNumbers() throws {
    let x = try Tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6])
    #expect(try x.round().elements() == [-2, -2, 0, 0, 2, 2, 2, -3])
    #expect(try x.floor().elements() == [-3, -2, -1, 0, 1, 2, 2, -3])
    #expect(try x.ceil().elements() == [-2, -1, 0, 1, 2, 3, 3, -2])
    #expect(try x.sign().elements() == [-1, -1, -1, 1, 1, 1, 1, -1])
  }

  @Test func specialValues() throws {
    let x = try Tensor([-.infinity, -1000, 0, 1000, .infinity, .nan])
    func expect(
      _ tensor: Tensor, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
      expectClose(tensor, Reference(shape: [6], elements: expected), sourceLocation: sourceLocation)
    }
    expect(try x.exp(), [0, 0, 1, .infinity, .infinity, .nan])
    expect(try x.sigmoid(), [0, 0, 0.5, 1, 1, .nan])
    expect(try x.tanh(), [-1, -1, 0, 1, 1, .nan])
    expect(try x.relu(), [0, 0, 0, 1000, .infinity, .nan])
    expect(try x.gelu(), [0, 0, 0, 1000, .infinity, .nan])
    expect(try x.silu(), [0, 0, 0, 1000, .infinity, .nan])
    expect(try x.softplus(), [0, 0, log(2), 1000, .infinity, .nan])
    expect(try x.erf(), [-1, -1, 0, 1, 1, .nan])
    expect(try x.sin(), [.nan, -sin(1000), 0, sin(1000), .nan, .nan])
    expect(try x.cos(), [.nan, cos(1000), 1, cos(1000), .nan, .nan])
    expect(try x.expm1(), [-1, -1, 0, .infinity, .infinity, .nan])
    expect(try x.log1p(), [.nan, .nan, 0, log(1001), .infinity, .nan])
    expect(try x.rsqrt(), [.nan, .nan, .infinity, 1 / 1000.squareRoot(), 0, .nan])
    expect(try x.reciprocal(), [0, -0.001, .infinity, 0.001, 0, .nan])
    expect(try x.sign(), [-1, -1, 0, 1, 1, 0])
    expect(try x.round(), [-.infinity, -1000, 0, 1000, .infinity, .nan])
    expect(try x.clamp(-.infinity, 3), [-.infinity, -1000, 0, 3, 3, .nan])
    expect(try x.minimum(Tensor(1)), [-.infinity, -1000, 0, 1, 1, .nan])
    expect(try Tensor(1).minimum(x), [-.infinity, -1000, 0, 1, 1, .nan])
    expect(try x.log(), [.nan, .nan, -.infinity, log(1000), .infinity, .nan])
    expect(try x.sqrt(), [.nan, .nan, 0, 1000.squareRoot(), .infinity, .nan])
    expect(try x.clamp(-2, 3), [-2, -2, 0, 3, 3, .nan])
    expect(try x.maximum(Tensor(1)), [1, 1, 1, 1000, .infinity, .nan])
    expect(try Tensor(1).maximum(x), [1, 1, 1, 1000, .infinity, .nan])
    // The branch not taken contributes nothing, whatever it is.
    expect(
      try Tensor.choose(Tensor([1, 1, 1, 1, 1, 0]), Tensor(2), x), [2, 2, 2, 2, 2, .nan])
  }

  @Test func comparisonsGiveMasksWithoutGradient() throws {
    let a = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]).requireGrad()
    let mask = try a.compare(Tensor([3, 2, 1]), "lt", .less)
    #expect(mask.shape == [2, 3])
    #expect(mask.elements() == [1, 0, 0, 0, 0, 0])
    #expect(!mask.requiresGrad)
    #expect(try Tensor([.nan]).compare(Tensor([.nan]), "eq", .equal).elements() == [0])
  }

  @Test func changesInPlace() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    try x.addInPlace(Tensor([10, 20, 30]), scale: 2)
    #expect(x.elements() == [21, 42, 63, 24, 45, 66])
    try x.mulInPlace(Tensor([1, -1], shape: [2, 1]))
    #expect(x.elements() == [21, 42, 63, -24, -45, -66])
    // Through a view: only what the view shows changes.
    try x.transpose(0, 1).narrow(0, 1, 2).copyInPlace(Tensor([7, 8]))
    #expect(x.elements() == [21, 7, 7, -24, 8, 8])
    // From itself, overlapping: as if the source were copied first.
    try x.copyInPlace(x.narrow(1, 2, 1))
    #expect(x.elements() == [7, 7, 7, 8, 8, 8])
    expectError("add_: shape [2, 2] does not broadcast to [2, 3]") {
      try x.addInPlace(Tensor.zeros([2, 2]))
    }
    expectError("mul_: shape [2, 2, 3] does not broadcast to [2, 3]") {
      try x.mulInPlace(Tensor.zeros([2, 2, 3]))
    }
    expectError("copy_: this view repeats its elements (expand); change a clone() of it") {
      try Tensor([1]).expand([3]).copyInPlace(Tensor([1, 2, 3]))
    }
  }

  @Test func errors() throws {
    let (a, b) = (try Tensor.zeros([2, 3]), try Tensor.zeros([4, 3]))
    expectError("add: shapes [2, 3] and [4, 3] do not broadcast together") { try a.add(b) }
    expectError("sub: shapes [2, 3] and [4, 3] do not broadcast together") { try a.sub(b) }
    expectError("mul: shapes [2, 3] and [4, 3] do not broadcast together") { try a.mul(b) }
    expectError("div: shapes [2, 3] and [4, 3] do not broadcast together") { try a.div(b) }
    expectError("pow: shapes [2, 3] and [4, 3] do not broadcast together") { try a.pow(b) }
    expectError("maximum: shapes [2, 3] and [4, 3] do not broadcast together") {
      try a.maximum(b)
    }
    expectError("eq: shapes [2, 3] and [4, 3] do not broadcast together") {
      try a.compare(b, "eq", .equal)
    }
    expectError("where: shapes [2] and [2, 3] do not broadcast together") {
      try Tensor.choose(Tensor([1, 0]), a, a)
    }
    expectError("clamp: the lower limit 2.0 is above the upper limit 1.0") { try a.clamp(2, 1) }
    expectError("minimum: shapes [2, 3] and [4, 3] do not broadcast together") {
      try a.minimum(b)
    }
    expectError("remainder: shapes [2, 3] and [4, 3] do not broadcast together") {
      try a.remainder(b)
    }
    expectError("floor_divide: shapes [2, 3] and [4, 3] do not broadcast together") {
      try a.floorDivide(b)
    }
    expectError("clamp: the upper limit is not a number") { try a.clamp(1, .nan) }
    expectError("clamp: the lower limit is not a number") {
      try a.clamp(.nan, 1)
    }
  }
}
