extension Tensor {
  /// A tensor of `shape` filled with `value`.
  /// - Throws: `EngineError` if a size is negative or there is no memory for it.
  public convenience init(full shape: [Int], _ value: Float) throws {
    try self.init(uninitialized: shape)
    Backends.current.fill(storage.floats, layout, value)
  }

  /// A tensor of `shape` with these elements in row-major order.
  /// - Throws: `EngineError` if their number is not that of the shape.
  public convenience init(_ elements: [Float], shape: [Int]) throws {
    guard try Layout.checkedCount(shape, "tensor") == elements.count else {
      throw EngineError(
        "tensor", "\(elements.count) elements do not make a tensor of shape \(shape)")
    }
    try self.init(uninitialized: shape)
    elements.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { pointer.update(from: base, count: source.count) }
    }
  }

  /// A vector of these elements.
  /// - Throws: `EngineError` if there is no memory for it.
  public convenience init(_ elements: [Float]) throws {
    try self.init(elements, shape: [elements.count])
  }

  /// A 0-dimensional tensor.
  public convenience init(_ value: Float) {
    self.init(storage: Storage(value), layout: Layout(shape: []))
  }

  /// Zeros.
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func zeros(_ shape: [Int]) throws -> Tensor {
    _ = try Layout.checkedCount(shape, "zeros")
    return try Tensor(full: shape, 0)
  }

  /// Ones.
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func ones(_ shape: [Int]) throws -> Tensor {
    _ = try Layout.checkedCount(shape, "ones")
    return try Tensor(full: shape, 1)
  }

  /// Every element `value`.
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func full(_ shape: [Int], _ value: Float) throws -> Tensor {
    _ = try Layout.checkedCount(shape, "full")
    return try Tensor(full: shape, value)
  }

  /// So many random numbers stay in the fastest cache from words to what is made of them.
  private static let drawnAtOnce = 4096

  /// Uniform numbers in [`low`, `high`).
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func uniform(
    _ shape: [Int], low: Float = 0, high: Float = 1, using stream: inout RandomStream
  ) throws -> Tensor {
    _ = try Layout.checkedCount(shape, "rand")
    let result = try Tensor(uninitialized: shape)
    let out = result.pointer
    for start in stride(from: 0, to: result.count, by: drawnAtOnce) where !StopToken.stopsHere {
      stream.fillUniform(
        Swift.min(drawnAtOnce, result.count - start), low: low, range: high - low, out + start)
    }
    return result
  }

  /// Normal numbers of mean 0 and the given standard deviation.
  /// - Throws: `EngineError` if a size is negative or the tensor would be too large.
  public static func normal(
    _ shape: [Int], mean: Float = 0, standardDeviation: Float = 1, using stream: inout RandomStream
  ) throws -> Tensor {
    _ = try Layout.checkedCount(shape, "randn")
    let result = try Tensor(uninitialized: shape)
    let (out, pairs) = (result.pointer, result.count & ~1)
    for start in stride(from: 0, to: pairs, by: drawnAtOnce) where !StopToken.stopsHere {
      stream.fillNormal(
        Swift.min(drawnAtOnce, pairs - start), mean: mean, deviation: standardDeviation,
        out + start)
    }
    // Of the last pair, an odd number of elements takes the first.
    if pairs < result.count { out[pairs] = mean + standardDeviation * stream.normalPair().0 }
    return result
  }

  /// The n×n identity matrix.
  /// - Throws: `EngineError` if `n` is negative or the matrix would be too large.
  public static func eye(_ n: Int) throws -> Tensor {
    _ = try Layout.checkedCount([n, n], "eye")
    let result = try Tensor(full: [n, n], 0)
    let out = result.pointer
    for i in 0..<n where !StopToken.stopsHere { out[i * n + i] = 1 }
    return result
  }

  /// `first`, `first + step`, … up to and including `last` where it is reached.
  ///
  /// Empty where the step leads away from `last`, as Lua's loops and NumPy's arange are.
  /// - Throws: `EngineError` if `step` is zero, a number is not finite, or there are too many.
  public static func arange(_ first: Double, _ last: Double, _ step: Double = 1) throws -> Tensor {
    let steps = (last - first) / step
    guard step != 0, steps.isFinite else {
      throw EngineError("arange", "steps of \(step) do not lead from \(first) to \(last)")
    }
    guard steps < 0x1p40 else {
      throw EngineError("arange", "\(first) to \(last) in steps of \(step) is too long")
    }
    // A relative slack of 1e-9 keeps `last` where the division rounds down; in very long ranges
    // it must stay below a step.
    let n = steps < -1e-9 ? 0 : Int((steps + Swift.min(steps * 1e-9, 1e-3)).rounded(.down)) + 1
    _ = try Layout.checkedCount([n], "arange")
    let result = try Tensor(uninitialized: [n])
    let out = result.pointer
    Parallel.ranges(n, grain: CPU.grain) { range in
      for i in range { out[i] = Float(first + Double(i) * step) }
    }
    return result
  }

  /// `n` evenly spaced numbers from `first` to `last`, both included.
  /// - Throws: `EngineError` if `n` is less than 1 or too large.
  public static func linspace(_ first: Double, _ last: Double, _ n: Int) throws -> Tensor {
    guard n >= 1 else { throw EngineError("linspace", "needs at least 1 number, got \(n)") }
    _ = try Layout.checkedCount([n], "linspace")
    let result = try Tensor(uninitialized: [n])
    let out = result.pointer
    Parallel.ranges(n, grain: CPU.grain) { range in
      for i in range {
        let share = n == 1 ? 0 : Double(i) / Double(n - 1)
        out[i] = Float(first + (last - first) * share)
      }
    }
    return result
  }

  /// Rows of zeros with a 1 at each id: shape `ids.shape + [n]`.
  /// - Throws: `EngineError` if an id is outside 0..<n or the tensor would be too large.
  public static func oneHot(_ ids: IntTensor, _ n: Int) throws -> Tensor {
    try ids.check(below: n, "one_hot", "id")
    _ = try Layout.checkedCount(ids.shape + [n], "one_hot")
    let result = try Tensor(full: ids.shape + [n], 0)
    let out = result.pointer
    for (r, id) in ids.elements().enumerated() {
      if r & 0xFFF == 0, StopToken.stopsHere { break }
      out[r * n + Int(id)] = 1
    }
    return result
  }
}
