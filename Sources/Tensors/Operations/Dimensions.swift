// Several dimensions taken as one.

extension Layout {
  /// The dimensions that a list names, from 0 and ascending.
  /// - Throws: `EngineError` if the list is empty, or names one that is not there or one twice.
  func dimensions(_ ds: [Int], _ operation: String) throws -> [Int] {
    guard !ds.isEmpty else { throw EngineError(operation, "the list of dimensions is empty") }
    let places = try ds.map { try dimension($0, operation) }.sorted()
    for (place, next) in zip(places, places.dropFirst()) where place == next {
      throw EngineError(operation, "dimension \(place + 1) is named twice")
    }
    return places
  }
}

/// Dimensions that are reduced together, and those that stay.
struct ReducedDimensions {
  /// Those that are reduced, ascending.
  let places: [Int]
  /// Those that stay, ascending.
  let others: [Int]
  /// How many elements become one.
  let size: Int
  /// The sizes of those that stay.
  let otherSizes: [Int]
  /// The shape of the result.
  let shape: [Int]

  /// - Throws: `EngineError` if the list is empty, or names one that is not there or one twice.
  init(_ layout: Layout, _ ds: [Int], keepDim: Bool, _ operation: String) throws {
    let places = try layout.dimensions(ds, operation)
    self.places = places
    others = layout.shape.indices.filter { !places.contains($0) }
    size = places.reduce(1) { $0 * layout.shape[$1] }
    otherSizes = others.map { layout.shape[$0] }
    shape =
      keepDim
      ? layout.shape.enumerated().map { places.contains($0) ? 1 : $1 } : otherSizes
  }

  /// Whether those that are reduced follow each other.
  var areNeighbours: Bool { zip(places, places.dropFirst()).allSatisfy { $0 + 1 == $1 } }
}

extension Tensor {
  /// The dimensions in groups, each group taken as one.
  ///
  /// A view where the elements lie so, else a copy. An empty group has the size 1.
  func grouped(_ groups: [[Int]]) throws -> Tensor {
    let order = groups.flatMap { $0 }
    let sizes = groups.map { $0.reduce(1) { $0 * shape[$1] } }
    let strides = groups.compactMap { layout.joinedStride($0) }
    guard strides.count == groups.count else { return try permute(order).reshape(sizes) }
    var back = order
    for (place, d) in order.enumerated() { back[d] = place }
    let split = order.map { shape[$0] }
    return view("reshape", Layout(shape: sizes, strides: strides, offset: layout.offset)) {
      [back] in try $0.reshape(split).permute(back)
    }
  }
}

extension Layout {
  /// The distance between neighbours of some dimensions taken as one, if there is one distance.
  fileprivate func joinedStride(_ ds: [Int]) -> Int? {
    var inner: Int?
    var next = 0
    for d in ds.reversed() where shape[d] != 1 {
      if inner != nil, strides[d] != next { return nil }
      inner = inner ?? strides[d]
      next = strides[d] &* shape[d]
    }
    return inner ?? 1
  }
}
