import Tensors
import Testing

/// One input of an operation under test: a shape and the range its elements are drawn from.
///
/// An array literal is a shape with elements in −2…2.
struct Sample: ExpressibleByArrayLiteral, CustomStringConvertible {
  var shape: [Int]
  var low: Float = -2
  var high: Float = 2

  init(_ shape: [Int], _ range: ClosedRange<Float> = -2...2) {
    self.shape = shape
    (low, high) = (range.lowerBound, range.upperBound)
  }

  init(arrayLiteral sizes: Int...) { self.init(sizes) }

  var description: String { "\(shape)" }
}

/// How an input lies in memory: which view of which leaf it is.
enum Arrangement: CaseIterable {
  /// The leaf itself.
  case dense
  /// The leaf with its first and last dimensions exchanged.
  case transposed
  /// A range in every dimension of a larger leaf.
  case narrowed
  /// A leaf without the first dimension, repeated along it.
  case repeatedRows
  /// A leaf of size 1 in the last dimension, repeated along it.
  case repeatedColumns

  /// Those without repeated elements, for operations that have kinks where elements are equal.
  static let distinct: [Arrangement] = [.dense, .transposed, .narrowed]

  func leafShape(_ shape: [Int]) -> [Int] {
    var leaf = shape
    switch self {
    case .dense: break
    case .transposed: if shape.count > 1 { leaf.swapAt(0, shape.count - 1) }
    case .narrowed: for d in shape.indices { leaf[d] += 2 + d }
    case .repeatedRows: leaf = Array(shape.dropFirst())
    case .repeatedColumns: if !shape.isEmpty { leaf[shape.count - 1] = 1 }
    }
    return leaf
  }

  func view(_ leaf: Tensor, as shape: [Int]) throws -> Tensor {
    switch self {
    case .dense: return leaf
    case .transposed: return shape.count > 1 ? try leaf.transpose(0, shape.count - 1) : leaf
    case .narrowed:
      return try shape.indices.reduce(leaf) { try $0.narrow($1, 1 + $1 % 2, shape[$1]) }
    case .repeatedRows, .repeatedColumns: return try leaf.expand(shape)
    }
  }

  func view(_ leaf: Reference, as shape: [Int]) -> Reference {
    switch self {
    case .dense: return leaf
    case .transposed: return shape.count > 1 ? leaf.transposed(0, shape.count - 1) : leaf
    case .narrowed:
      return Reference(shape: shape) { index in leaf[index.indices.map { index[$0] + 1 + $0 % 2 }] }
    case .repeatedRows, .repeatedColumns: return leaf.expanded(shape)
    }
  }
}

/// Checks an operation: value, shape and gradient, that it leaves its inputs alone, and that it
/// records what is asked for and no more.
///
/// The value is compared with a reference in double precision. The gradient of a random weighted
/// sum of the result is compared with central differences of the same sum of the reference: in
/// double precision a step of 1e-5 leaves an error of about 1e-10, where Float32 differences of the
/// operation itself would hide anything below 1e-3. Up to `probes` entries of each leaf are
/// compared one by one, all of them together by the slope along a random direction.
///
/// Everything runs once for each arrangement, the second input two arrangements ahead of the first,
/// and so on, so that all kinds of views meet.
///
/// - Parameters:
///   - inputs: shapes and ranges of the inputs.
///   - arrangements: how they lie in memory.
///   - tolerance: allowed error of the value, relative to its largest entry.
///   - gradientTolerance: allowed error of a gradient, relative to its largest entry.
///   - probes: entries of each leaf whose slope is measured.
///   - seed: of the elements; named in failures.
///   - sourceLocation: where failures point.
///   - operation: the operation, on the inputs in their order.
///   - reference: the same on plain arrays of doubles.
/// - Throws: what the operation throws.
func check(
  _ inputs: [Sample], arrangements: [Arrangement] = Arrangement.allCases,
  tolerance: Double = 2e-6, gradientTolerance: Double = 1e-5, probes: Int = 12, seed: UInt64 = 1,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ operation: ([Tensor]) throws -> Tensor, equals reference: ([Reference]) -> Reference
) throws {
  for round in arrangements.indices {
    let chosen = inputs.indices.map { arrangements[(round + 2 * $0) % arrangements.count] }
    let label = "inputs \(inputs), arranged \(chosen), seed \(seed)"
    var stream = RandomStream(seed: seed, purpose: .tensor, index: UInt64(round))
    let leaves = try zip(inputs, chosen).map { input, arrangement in
      try Tensor.uniform(
        arrangement.leafShape(input.shape), low: input.low, high: input.high, using: &stream)
    }
    let before = leaves.map { $0.elements() }

    func operationOnViews(_ leaves: [Tensor]) throws -> Tensor {
      try operation(
        inputs.indices.map { try chosen[$0].view(leaves[$0], as: inputs[$0].shape) })
    }
    func referenceOnViews(_ leaves: [Reference]) -> Reference {
      reference(inputs.indices.map { chosen[$0].view(leaves[$0], as: inputs[$0].shape) })
    }

    let points = leaves.map(Reference.init)
    let expected = referenceOnViews(points)
    let value = try operationOnViews(leaves)
    #expect(
      value.shape == expected.shape, "shape: \(label)", sourceLocation: sourceLocation)
    guard value.shape == expected.shape else { return }
    #expect(!value.requiresGrad, "recorded: \(label)", sourceLocation: sourceLocation)
    expectClose(value, expected, tolerance, "value: \(label)", sourceLocation: sourceLocation)

    let weights = try Tensor.normal(expected.shape, using: &stream)
    /// The gradients of Σ weights · operation with respect to the leaves named by `wanted`.
    func gradients(of wanted: [Int]) throws -> [Tensor?] {
      let own = try leaves.map { try $0.clone() }
      for i in wanted { try own[i].requireGrad() }
      let result = try operationOnViews(own)
      let last = result.rank - 1
      // Every other round the gradient arrives transposed.
      let loss =
        round % 2 == 1 && last >= 1
        ? try result.transpose(0, last).mul(weights.transpose(0, last)).sum()
        : try result.mul(weights).sum()
      try loss.backward()
      for i in own.indices {
        #expect(
          own[i].elements() == before[i], "input \(i + 1) was modified: \(label)",
          sourceLocation: sourceLocation)
      }
      return own.map(\.grad)
    }

    let all = try gradients(of: Array(leaves.indices))
    for i in leaves.indices where leaves.count > 1 {
      let alone = try gradients(of: [i])
      for j in leaves.indices {
        #expect(
          alone[j]?.elements() == (i == j ? all[i]?.elements() : nil),
          "gradient of input \(j + 1) when only \(i + 1) requires it: \(label)",
          sourceLocation: sourceLocation)
      }
    }

    func objective(_ leaves: [Reference]) -> Double {
      zip(referenceOnViews(leaves).elements, weights.elements()).reduce(0) {
        $0 + $1.0 * Double($1.1)
      }
    }
    /// Slope of the objective along `direction` in leaf `i`, by central differences.
    func slope(_ i: Int, along direction: [(place: Int, by: Double)]) -> Double {
      let step = 1e-5
      let ends = [step, -step].map { step in
        var moved = points
        for (place, by) in direction { moved[i].elements[place] += step * by }
        return objective(moved)
      }
      return (ends[0] - ends[1]) / (2 * step)
    }
    for i in leaves.indices {
      guard let gradient = all[i] else {
        Issue.record("no gradient of input \(i + 1): \(label)", sourceLocation: sourceLocation)
        continue
      }
      #expect(
        gradient.shape == leaves[i].shape, "gradient's shape, input \(i + 1): \(label)",
        sourceLocation: sourceLocation)
      let entries = gradient.elements().map(Double.init)
      if entries.isEmpty { continue }
      var places = Array(entries.indices)
      if places.count > probes {
        places = places.shuffled(using: &stream).dropLast(places.count - probes)
      }
      let slopes = places.map { slope(i, along: [($0, 1)]) }
      // A gradient that cancels is compared with 0.1, the weights being of order 1.
      let largest = (entries + slopes).reduce(0.1) { max($0, abs($1)) }
      for (place, slope) in zip(places, slopes) {
        #expect(
          abs(entries[place] - slope) <= gradientTolerance * largest,
          "gradient of input \(i + 1) at \(place): \(entries[place]), not \(slope): \(label)",
          sourceLocation: sourceLocation)
      }
      let direction = entries.indices.map { ($0, Double(stream.normalPair().0)) }
      let terms = direction.map { entries[$0.0] * $0.1 }
      let size = terms.reduce(0.1) { $0 + abs($1) }
      let along = slope(i, along: direction)
      #expect(
        abs(terms.reduce(0, +) - along) <= gradientTolerance * size,
        "gradient of input \(i + 1) along a direction: \(terms.reduce(0, +)), not \(along): \(label)",
        sourceLocation: sourceLocation)
    }
  }
}

/// Checks a tensor against a reference, with a tolerance relative to the largest entry, which is
/// taken to be at least `least`.
func expectClose(
  _ tensor: Tensor, _ expected: Reference, _ tolerance: Double = 2e-6, least: Double = 0,
  _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(tensor.shape == expected.shape, "\(label)", sourceLocation: sourceLocation)
  let largest = expected.elements.reduce(least) { $1.isFinite ? max($0, abs($1)) : $0 }
  let actual = tensor.elements().map(Double.init)
  let worst = zip(actual, expected.elements).enumerated().first { _, pair in
    let (x, y) = pair
    return !(x == y || x.isNaN && y.isNaN || abs(x - y) <= tolerance * largest)
  }
  if let (place, (x, y)) = worst {
    Issue.record(
      "element \(place) is \(x), not \(y) (largest \(largest)): \(label)",
      sourceLocation: sourceLocation)
  }
}
