/// An array of 32-bit integers of any number of dimensions: token ids, counts, indices.
///
/// The same views and broadcasting as ``Tensor``, without gradients. Ids count from 0 here and
/// from 1 in Lua; the binding converts.
public final class IntTensor {
  let storage: Storage
  /// Where the elements lie.
  public let layout: Layout

  init(storage: Storage, layout: Layout) {
    self.storage = storage
    self.layout = layout
  }

  /// A tensor of `shape` whose elements are not initialised; for who writes all of them, or throws.
  /// - Throws: `EngineError` if it would be too large or there is no memory for it.
  package init(uninitialized shape: [Int]) throws {
    storage = try Storage(count: Layout.checkedCount(shape, "memory"), .int32)
    layout = Layout(shape: shape)
  }

  /// A tensor of `shape` filled with `value`.
  /// - Throws: `EngineError` if it would be too large or there is no memory for it.
  public convenience init(shape: [Int], fill value: Int32 = 0) throws {
    try self.init(uninitialized: shape)
    let out = storage.integers
    // Whole, as all that may be used as indices.
    StopToken.suspended {
      Parallel.ranges(layout.count, grain: 8 * CPU.grain) { range in
        (out + range.lowerBound).update(repeating: value, count: range.count)
      }
    }
  }

  /// A tensor of `shape` with these elements in row-major order.
  /// - Throws: `EngineError` if their number is not that of the shape.
  public convenience init(_ elements: [Int32], shape: [Int]) throws {
    guard try Layout.checkedCount(shape, "int_tensor") == elements.count else {
      throw EngineError(
        "int_tensor", "\(elements.count) elements do not make a tensor of shape \(shape)")
    }
    try self.init(uninitialized: shape)
    let out = pointer
    for (i, element) in elements.enumerated() { out[i] = element }
  }

  /// A vector of these elements.
  /// - Throws: `EngineError` if there is no memory for it.
  public convenience init(_ elements: [Int32]) throws {
    try self.init(elements, shape: [elements.count])
  }

  /// Size of each dimension.
  public var shape: [Int] { layout.shape }
  /// Number of dimensions.
  public var rank: Int { layout.shape.count }
  /// Number of elements.
  public var count: Int { layout.count }

  /// How the integers are stored: as int32.
  public var dtype: DType { storage.dtype }

  var pointer: UnsafeMutablePointer<Int32> { storage.integers + layout.offset }

  /// The only element.
  /// - Throws: `EngineError` if there is not exactly one.
  public func item() throws -> Int {
    guard count == 1 else {
      throw EngineError("item", "needs a tensor of one element, got shape \(shape)")
    }
    return Int(storage.integers[layout.offset])
  }

  /// The element at a place of the storage, as ``Layout/place(_:)`` gives it.
  package func element(at place: Int) -> Int { Int(storage.integers[place]) }

  /// All elements in row-major order.
  public func elements() -> [Int32] {
    [Int32](unsafeUninitializedCapacity: count) { buffer, filled in
      layout.forEachPosition(in: 0..<count) { buffer[$0] = storage.integers[$1] }
      filled = count
    }
  }

  /// This tensor if its elements lie side by side, else a copy for which they do.
  public func contiguous() throws -> IntTensor {
    layout.isContiguous ? self : try clone()
  }

  /// Size of dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func size(_ d: Int) throws -> Int { shape[try layout.dimension(d, "size")] }

  /// A constant added to every element, with wrapping arithmetic: ids from 0 to ids from 1 and
  /// back.
  public func offset(by constant: Int32) throws -> IntTensor {
    let result = try IntTensor(uninitialized: shape)
    let out = result.pointer
    forEachElement { out[$0] = $1 &+ constant }
    return result
  }

  /// Calls `body` with each element's number in row-major order and the element, on several
  /// threads.
  ///
  /// It is not interrupted: what comes of ids is used as an index, and has been checked to be one.
  func forEachElement(_ body: @escaping (_ place: Int, _ element: Int32) -> Void) {
    let (base, layout) = (storage.integers, layout)
    StopToken.suspended {
      withExtendedLifetime(self) {
        Parallel.ranges(count, grain: CPU.grain) { range in
          layout.forEachPosition(in: range) { body($0, base[$1]) }
        }
      }
    }
  }

  /// The elements as Float32 (exact up to 2²⁴).
  public func tensor() throws -> Tensor {
    let result = try Tensor(uninitialized: shape)
    let out = result.pointer
    forEachElement { out[$0] = Float($1) }
    return result
  }

  /// Index `i` along dimension `d`; a view without that dimension.
  /// - Throws: `EngineError` if there is no such dimension or index.
  public func select(_ d: Int, _ i: Int) throws -> IntTensor {
    IntTensor(storage: storage, layout: try layout.selected(d, i, "select"))
  }

  /// A view of `length` indices from `start` along dimension `d`.
  /// - Throws: `EngineError` if the range does not fit.
  public func narrow(_ d: Int, _ start: Int, _ length: Int) throws -> IntTensor {
    IntTensor(storage: storage, layout: try layout.narrowed(d, start, length, "narrow"))
  }

  /// Two dimensions exchanged; a view.
  /// - Throws: `EngineError` if there is no such dimension.
  public func transpose(_ a: Int, _ b: Int) throws -> IntTensor {
    IntTensor(storage: storage, layout: try layout.transposed(a, b, "transpose"))
  }

  /// The same elements in another shape; one size may be −1 (what is left).
  /// - Throws: `EngineError` if the number of elements differs.
  public func reshape(_ shape: [Int]) throws -> IntTensor {
    let target = try Layout.inferred(shape, count: count, from: self.shape)
    let source = try contiguous()
    return IntTensor(
      storage: source.storage,
      layout: Layout(
        shape: target, strides: Layout.rowMajorStrides(target), offset: source.layout.offset))
  }

  /// The rows named by `ids` (entries of dimension 0), of shape `ids.shape + shape[1…]`.
  /// - Throws: `EngineError` if an id is out of range.
  public func rows(_ ids: IntTensor) throws -> IntTensor {
    guard rank >= 1 else { throw EngineError("index", "a 0-dimensional tensor has no rows") }
    return try rows(ids, flattening: 1)
  }

  /// The rows named by `ids` of this tensor with its first `leading` dimensions taken as one.
  func rows(_ ids: IntTensor, flattening leading: Int) throws -> IntTensor {
    try ids.check(below: shape.prefix(leading).reduce(1, *), "index", "row")
    let source = try contiguous()
    let width = shape.dropFirst(leading).reduce(1, *)
    let result = try IntTensor(shape: ids.shape + shape.dropFirst(leading))
    for (r, id) in ids.elements().enumerated() {
      (result.pointer + r * width).update(from: source.pointer + Int(id) * width, count: width)
    }
    return result
  }

  /// 1 where `comparison` of this tensor's and the other's element holds, else 0, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func compare(
    _ other: IntTensor, _ operation: String, _ comparison: Comparison
  ) throws -> Tensor {
    let target = try Layout.broadcast(shape, other.shape, operation)
    let result = try Tensor(uninitialized: target)
    let left = try IntTensor(
      storage: storage, layout: layout.expanded(to: target, operation)
    ).contiguous()
    let right = try IntTensor(
      storage: other.storage, layout: other.layout.expanded(to: target, operation)
    ).contiguous()
    let out = result.pointer
    for i in 0..<result.count {
      out[i] = comparison.holds(left.pointer[i], right.pointer[i]) ? 1 : 0
    }
    return result
  }

  /// Elementwise integer arithmetic, broadcasting; overflow is an error.
  /// - Throws: `EngineError` if the shapes do not broadcast or a result leaves 32 bits; what
  ///   `arithmetic` throws.
  public func combine(
    _ other: IntTensor, _ operation: String,
    _ arithmetic: (Int32, Int32) throws -> (partialValue: Int32, overflow: Bool)
  ) throws -> IntTensor {
    let target = try Layout.broadcast(shape, other.shape, operation)
    let left = try IntTensor(
      storage: storage, layout: layout.expanded(to: target, operation)
    ).contiguous()
    let right = try IntTensor(
      storage: other.storage, layout: other.layout.expanded(to: target, operation)
    ).contiguous()
    let result = try IntTensor(shape: target)
    for i in 0..<result.count {
      let (value, overflow) = try arithmetic(left.pointer[i], right.pointer[i])
      guard !overflow else {
        throw EngineError(
          operation, "\(left.pointer[i]) and \(right.pointer[i]) leave the range of 32 bits")
      }
      result.storage.integers[i] = value
    }
    return result
  }

  /// Checks that places among `count` elements can be told: ids are 32 bits wide.
  /// - Throws: `EngineError` if there are more.
  static func checkPlaces(among count: Int, _ operation: String) throws {
    guard count <= Int32.max else {
      throw EngineError(
        operation, "places are told among \(Int32.max) elements at the most, got \(count)")
    }
  }

  /// Checks that every element is in 0..<`limit`.
  /// - Throws: `EngineError` that names the first one outside, counted from 1 as in Lua.
  public func check(below limit: Int, _ operation: String, _ what: String) throws {
    if layout.isContiguous {
      // Negative numbers are the largest of all without their sign.
      let first = pointer
      var largest: UInt32 = 0
      for i in 0..<count { largest = Swift.max(largest, UInt32(bitPattern: first[i])) }
      if count == 0 || Int(largest) < limit { return }
    }
    var bad: Int32?
    layout.forEachPosition {
      let element = storage.integers[$0]
      if element < 0 || Int(element) >= limit { bad = bad ?? element }
    }
    if let bad {
      throw EngineError(operation, "\(what) \(Int(bad) + 1) is outside 1…\(limit)")
    }
  }

  /// Calls `body` with the elements of a contiguous tensor, for writing.
  package func withMutableElements<R>(
    _ body: (UnsafeMutableBufferPointer<Int32>) throws -> R
  ) throws -> R {
    guard layout.isContiguous else {
      throw EngineError("tensor", "a view of shape \(shape) is not written as one run of elements")
    }
    storage.version &+= 1
    return try body(UnsafeMutableBufferPointer(start: pointer, count: count))
  }

  /// Calls `body` with the elements, for reading.
  package func withElements<R>(_ body: (UnsafeBufferPointer<Int32>) throws -> R) throws -> R {
    let source = try contiguous()
    return try withExtendedLifetime(source) {
      try body(UnsafeBufferPointer(start: source.pointer, count: source.count))
    }
  }
}
