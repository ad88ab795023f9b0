// What integers share with ``Tensor``, without gradients: more views, reductions, changes in place.

extension IntTensor {
  /// The same elements in a storage of their own.
  public func clone() throws -> IntTensor {
    let result = try IntTensor(uninitialized: shape)
    let out = result.pointer
    forEachElement { out[$0] = $1 }
    return result
  }

  /// The transpose of a matrix; a view.
  /// - Throws: `EngineError` if this is not a matrix.
  public func t() throws -> IntTensor {
    guard rank == 2 else { throw EngineError("t", "needs a matrix, got shape \(shape)") }
    return try transpose(0, 1)
  }

  /// This tensor repeated to `shape` by broadcasting; a view.
  /// - Throws: `EngineError` if it does not broadcast to that shape.
  public func expand(_ shape: [Int]) throws -> IntTensor {
    _ = try Layout.checkedCount(shape, "expand")
    return IntTensor(storage: storage, layout: try layout.expanded(to: shape, "expand"))
  }

  /// Sets every element to those of `other`, broadcast to this shape.
  /// - Throws: `EngineError` if it does not broadcast, or this view repeats elements.
  public func copyInPlace(_ other: IntTensor) throws {
    guard !zip(shape, layout.strides).contains(where: { $0 > 1 && $1 == 0 }) else {
      throw EngineError("copy_", "this view repeats its elements (expand); change a clone() of it")
    }
    let source = try IntTensor(
      storage: other.storage, layout: other.layout.expanded(to: shape, "copy_")
    ).clone()
    storage.version &+= 1
    var i = 0
    layout.forEachPosition {
      storage.integers[$0] = source.storage.integers[i]
      i &+= 1
    }
  }

  /// Sum along dimension `d`, or over everything.
  /// - Throws: `EngineError` if there is no such dimension or a sum leaves 32 bits.
  public func sum(_ d: Int? = nil, keepDim: Bool = false) throws -> IntTensor {
    try reduced(d, keepDim, "sum") { line in
      let total = line.reduce(0) { $0 + Int($1) }
      guard let sum = Int32(exactly: total) else {
        throw EngineError("sum", "\(total) leaves the range of 32 bits")
      }
      return sum
    }
  }

  /// Largest element along dimension `d`, or of all.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func max(_ d: Int? = nil, keepDim: Bool = false) throws -> IntTensor {
    try reduced(d, keepDim, "max") { line in
      guard let largest = line.max() else { throw EngineError("max", "the dimension is empty") }
      return largest
    }
  }

  /// Smallest element along dimension `d`, or of all.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func min(_ d: Int? = nil, keepDim: Bool = false) throws -> IntTensor {
    try reduced(d, keepDim, "min") { line in
      guard let smallest = line.min() else { throw EngineError("min", "the dimension is empty") }
      return smallest
    }
  }

  /// Every list of elements along a dimension (of all elements without one) replaced by one number.
  private func reduced(
    _ d: Int?, _ keepDim: Bool, _ operation: String, _ reduce: ([Int32]) throws -> Int32
  ) throws -> IntTensor {
    guard let d else {
      let result = try reduce(elements())
      return try IntTensor(shape: keepDim ? shape.map { _ in 1 } : [], fill: result)
    }
    let place = try layout.dimension(d, operation)
    let source = try contiguous()
    let (outer, size) = (shape[..<place].reduce(1, *), shape[place])
    let inner = shape[(place + 1)...].reduce(1, *)
    var kept = shape
    if keepDim { kept[place] = 1 } else { kept.remove(at: place) }
    let result = try IntTensor(shape: kept)
    for o in 0..<outer {
      for i in 0..<inner {
        let from = source.pointer + o * size * inner + i
        result.pointer[o * inner + i] = try reduce((0..<size).map { from[$0 * inner] })
      }
    }
    return withExtendedLifetime(source) { result }
  }
}
