// Reductions of integers. Along `ds`, nil for all dimensions, these disappear, or stay with size 1
// under `keepDim`.

/// The elements of every line that is reduced, side by side.
private struct Rows {
  /// The rows, one behind the other.
  let elements: IntTensor
  /// Elements of a row.
  let size: Int
  /// The shape of the result: an element for each row.
  let shape: [Int]

  init(_ tensor: IntTensor, _ ds: [Int]?, _ keepDim: Bool, _ operation: String) throws {
    guard let ds else {
      elements = try tensor.contiguous()
      size = tensor.count
      shape = keepDim ? tensor.shape.map { _ in 1 } : []
      return
    }
    let plan = try ReducedDimensions(tensor.layout, ds, keepDim: keepDim, operation)
    elements = try tensor.permute(plan.others + plan.places).contiguous()
    size = plan.size
    shape = plan.shape
  }

  func needElements(_ operation: String) throws {
    guard size > 0 else { throw EngineError(operation, "the dimension is empty") }
  }

  /// Calls `body` with the number of each row and its elements.
  func forEach(_ body: (Int, UnsafeBufferPointer<Int32>) throws -> Void) throws {
    let count = shape.reduce(1, *)
    try withExtendedLifetime(elements) {
      try StopToken.parts(count, of: Swift.max(1, (1 << 16) / Swift.max(1, size))) { part in
        for row in part {
          try body(row, UnsafeBufferPointer(start: elements.pointer + row * size, count: size))
        }
      }
    }
  }
}

extension IntTensor {
  private func reduced(
    _ ds: [Int]?, _ keepDim: Bool, _ operation: String,
    _ reduce: (UnsafeBufferPointer<Int32>) throws -> Int
  ) throws -> IntTensor {
    let rows = try Rows(self, ds, keepDim, operation)
    let result = try IntTensor(uninitialized: rows.shape)
    try rows.forEach {
      let value = try reduce($1)
      guard let small = Int32(exactly: value) else {
        throw EngineError(operation, "\(value) leaves the range of 32 bits")
      }
      result.pointer[$0] = small
    }
    return result
  }

  private func reducedToFloat(
    _ ds: [Int]?, _ keepDim: Bool, _ operation: String,
    _ reduce: (UnsafeBufferPointer<Int32>) -> Float
  ) throws -> Tensor {
    let rows = try Rows(self, ds, keepDim, operation)
    let result = try Tensor(uninitialized: rows.shape)
    try rows.forEach { result.pointer[$0] = reduce($1) }
    return result
  }

  /// Sum.
  /// - Throws: `EngineError` if there is no such dimension or a sum leaves 32 bits.
  public func sum(over ds: [Int]? = nil, keepDim: Bool = false) throws -> IntTensor {
    try reduced(ds, keepDim, "sum") { $0.reduce(0) { $0 + Int($1) } }
  }

  /// Product.
  /// - Throws: `EngineError` if there is no such dimension or a product leaves 32 bits.
  public func prod(over ds: [Int]? = nil, keepDim: Bool = false) throws -> IntTensor {
    try reduced(ds, keepDim, "prod") { row in
      if row.contains(0) { return 0 }
      var product = 1
      // One that is too large does not become smaller again.
      for element in row where Int32(exactly: product) != nil { product *= Int(element) }
      return product
    }
  }

  /// Mean, in Float32; NaN where there are no elements.
  /// - Throws: `EngineError` if there is no such dimension.
  public func mean(over ds: [Int]? = nil, keepDim: Bool = false) throws -> Tensor {
    try reducedToFloat(ds, keepDim, "mean") { row in
      Float(Double(row.reduce(0) { $0 + Int($1) }) / Double(row.count))
    }
  }

  /// 1 where any element is not 0, else 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func any(over ds: [Int]? = nil, keepDim: Bool = false) throws -> Tensor {
    try reducedToFloat(ds, keepDim, "any") { $0.contains { $0 != 0 } ? 1 : 0 }
  }

  /// 1 where all elements are not 0, else 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func all(over ds: [Int]? = nil, keepDim: Bool = false) throws -> Tensor {
    try reducedToFloat(ds, keepDim, "all") { $0.contains(0) ? 0 : 1 }
  }

  /// Largest element along `d`, the first of equals, and where (from 0) it stood.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func max(
    _ d: Int, keepDim: Bool = false
  ) throws -> (values: IntTensor, indices: IntTensor) {
    try extremes([d], keepDim, "max", >)
  }

  /// Smallest element along `d`, the first of equals, and where (from 0) it stood.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func min(
    _ d: Int, keepDim: Bool = false
  ) throws -> (values: IntTensor, indices: IntTensor) {
    try extremes([d], keepDim, "min", <)
  }

  /// Largest of all elements.
  /// - Throws: `EngineError` if there are none.
  public func max() throws -> IntTensor { try extremes(nil, false, "max", >).values }

  /// Smallest of all elements.
  /// - Throws: `EngineError` if there are none.
  public func min() throws -> IntTensor { try extremes(nil, false, "min", <).values }

  /// Index (from 0) of the largest element along `d`, nil for all in row-major order.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func argmax(_ d: Int? = nil, keepDim: Bool = false) throws -> IntTensor {
    try extremes(d.map { [$0] }, keepDim, "argmax", >).indices
  }

  /// Index (from 0) of the smallest element along `d`, nil for all in row-major order.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func argmin(_ d: Int? = nil, keepDim: Bool = false) throws -> IntTensor {
    try extremes(d.map { [$0] }, keepDim, "argmin", <).indices
  }

  private func extremes(
    _ ds: [Int]?, _ keepDim: Bool, _ operation: String, _ beats: (Int32, Int32) -> Bool
  ) throws -> (values: IntTensor, indices: IntTensor) {
    let rows = try Rows(self, ds, keepDim, operation)
    try rows.needElements(operation)
    try IntTensor.checkPlaces(among: rows.size, operation)
    let (values, indices) = try (
      IntTensor(uninitialized: rows.shape), IntTensor(uninitialized: rows.shape)
    )
    try rows.forEach { number, row in
      var best = 0
      for i in row.indices where beats(row[i], row[best]) { best = i }
      values.pointer[number] = row[best]
      indices.pointer[number] = Int32(truncatingIfNeeded: best)
    }
    return (values, indices)
  }

  /// Along dimension `d`, the sum of each element and all before it.
  /// - Throws: `EngineError` if there is no such dimension or a sum leaves 32 bits.
  public func cumsum(_ d: Int) throws -> IntTensor {
    let d = try layout.dimension(d, "cumsum")
    // The lines become rows, in a storage of their own.
    let moved = try transpose(d, rank - 1)
    let result = try moved.clone()
    let size = shape[d]
    try StopToken.parts(size == 0 ? 0 : count / size) { part in
      for row in part {
        var sum = 0
        for place in row * size..<(row + 1) * size {
          sum += Int(result.pointer[place])
          guard let small = Int32(exactly: sum) else {
            throw EngineError("cumsum", "\(sum) leaves the range of 32 bits")
          }
          result.pointer[place] = small
        }
      }
    }
    return try result.transpose(d, rank - 1)
  }
}
