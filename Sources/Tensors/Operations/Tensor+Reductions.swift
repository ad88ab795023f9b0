// Sums, means, extremes. Without a dimension they reduce everything to a 0-dimensional tensor;
// along a dimension it disappears, or stays with size 1 under `keepDim`.

/// A tensor seen as [outer, size, inner] around one dimension.
private struct Reduction {
  let lines: Lines
  let shape: [Int]

  init(_ tensor: Tensor, _ d: Int, keepDim: Bool, _ operation: String) throws {
    let d = try tensor.layout.dimension(d, operation)
    let full = tensor.shape
    lines = Lines(full, around: d)
    var reduced = full
    if keepDim { reduced[d] = 1 } else { reduced.remove(at: d) }
    shape = reduced
  }

  func needElements(_ operation: String) throws {
    guard lines.size > 0 else { throw EngineError(operation, "the dimension is empty") }
  }
}

extension Lines {
  /// A tensor of `shape` around dimension `d`.
  init(_ shape: [Int], around d: Int) {
    self.init(
      outer: shape[..<d].reduce(1, *), size: shape[d], inner: shape[(d + 1)...].reduce(1, *))
  }
}

extension Tensor {
  /// Sum over everything; blocks of 4096 in Float32, their sums in Float64.
  public func sum() throws -> Tensor {
    let source = try operand()
    let total = withExtendedLifetime(source) { Backends.current.total(count, source.pointer) }
    let shape = shape
    return Tensor(Float(total)).recorded("sum", from: [self]) { g, _ in
      [try g.expand(shape)]
    }
  }

  /// Sum along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sum(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    let r = try Reduction(self, d, keepDim: keepDim, "sum")
    let source = try operand()
    let result = try Tensor(uninitialized: r.shape)
    withExtendedLifetime(source) {
      Backends.current.reduce(.sum, r.lines, source.pointer, to: result.pointer)
    }
    let shape = shape
    var kept = shape
    kept[try layout.dimension(d, "sum")] = 1
    // A reduced gradient is repeated along the dimension.
    return result.recorded("sum", from: [self]) { [kept] g, _ in
      [try g.reshape(kept).expand(shape)]
    }
  }

  /// Mean over everything.
  public func mean() throws -> Tensor { try mean(over: nil) }

  /// Mean along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func mean(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    try mean(over: [d], keepDim: keepDim)
  }

  /// Variance over everything, divided by n − `correction`.
  public func variance(correction: Float = 1) throws -> Tensor {
    try variance(over: nil, correction: correction)
  }

  /// Variance along dimension `d`, divided by n − `correction`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func variance(_ d: Int, keepDim: Bool = false, correction: Float = 1) throws -> Tensor {
    try variance(over: [d], keepDim: keepDim, correction: correction)
  }

  /// Index of the largest element along `d`, the first of equals; NaN counts as the largest.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func argmax(_ d: Int, keepDim: Bool = false) throws -> IntTensor {
    try extreme(d, keepDim: keepDim, "argmax", .largest)
  }

  /// Index of the smallest element along `d`, the first of equals; NaN counts as the smallest.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func argmin(_ d: Int, keepDim: Bool = false) throws -> IntTensor {
    try extreme(d, keepDim: keepDim, "argmin", .smallest)
  }

  /// Index of the largest of all elements in row-major order.
  /// - Throws: `EngineError` if there are none.
  public func argmax() throws -> IntTensor { try flattened("argmax").argmax(0) }

  /// Index of the smallest of all elements in row-major order.
  /// - Throws: `EngineError` if there are none.
  public func argmin() throws -> IntTensor { try flattened("argmin").argmin(0) }

  /// All elements in one dimension, if their places can be told: a view of a few numbers that
  /// repeats them would be copied first.
  private func flattened(_ operation: String) throws -> Tensor {
    try IntTensor.checkPlaces(among: count, operation)
    return try reshape([-1])
  }

  /// The places of one element of every line along `d`.
  func extreme(
    _ d: Int, keepDim: Bool, _ operation: String, _ op: PlaceOp
  ) throws -> IntTensor {
    let r = try Reduction(self, d, keepDim: keepDim, operation)
    try r.needElements(operation)
    try IntTensor.checkPlaces(among: shape[layout.dimension(d, operation)], operation)
    let source = try detach().operand()
    let result = try IntTensor(shape: r.shape)
    withExtendedLifetime(source) {
      Backends.current.places(op, r.lines, source.pointer, to: result.pointer)
    }
    return result
  }

  /// Largest element along `d`, the first of equals, and where it stood; NaN counts as the largest.
  /// - Returns: values and indices (from 0); the values have a gradient.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func max(
    _ d: Int, keepDim: Bool = false
  ) throws -> (values: Tensor, indices: IntTensor) {
    try picked(extreme(d, keepDim: true, "max", .largest), d, keepDim)
  }

  /// Smallest element along `d`, the first of equals, and where it stood; NaN counts as the
  /// smallest.
  /// - Returns: values and indices (from 0); the values have a gradient.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func min(
    _ d: Int, keepDim: Bool = false
  ) throws -> (values: Tensor, indices: IntTensor) {
    try picked(extreme(d, keepDim: true, "min", .smallest), d, keepDim)
  }

  /// Largest of all elements.
  /// - Throws: `EngineError` if there are none.
  public func max() throws -> Tensor { try reshape([-1]).max(0).values }

  /// Smallest of all elements.
  /// - Throws: `EngineError` if there are none.
  public func min() throws -> Tensor { try reshape([-1]).min(0).values }

  /// The elements at one place of every line along `d`, and these places.
  func picked(
    _ places: IntTensor, _ d: Int, _ keepDim: Bool
  ) throws -> (values: Tensor, indices: IntTensor) {
    let values = try gather(d, places)
    if keepDim { return (values, places) }
    var shape = shape
    shape.remove(at: try layout.dimension(d, "max"))
    return (try values.reshape(shape), try places.reshape(shape))
  }
}
