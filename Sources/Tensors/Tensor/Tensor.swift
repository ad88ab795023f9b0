/// An array of Float32 numbers of any number of dimensions, with reverse-mode differentiation.
///
/// A tensor is a strided, row-major view over a reference-counted storage; views (`select`,
/// `narrow`, `transpose`, …) share it. Operations broadcast as NumPy's do. An operation on a tensor
/// that requires gradients records how to carry a gradient back (see ``Node``).
///
/// Dimensions and indices count from 0 here, from 1 in Lua and in messages; negative dimensions
/// count from the end. Tensors are used from one thread at a time; kernels use several inside.
public final class Tensor {
  let storage: Storage<Float>
  /// Where the elements lie.
  public let layout: Layout
  /// Whether `backward` accumulates a gradient for this tensor or for what it was made from.
  public internal(set) var requiresGrad = false
  /// The accumulated gradient, of the same shape; nil before the first `backward`.
  public var grad: Tensor?
  /// Whether `backward` keeps the gradient of a tensor that was computed from others in `grad`.
  public var retainsGrad = false
  /// How this tensor was made; nil for leaves.
  var node: Node?

  init(storage: Storage<Float>, layout: Layout) {
    self.storage = storage
    self.layout = layout
  }

  /// A tensor of `shape` whose elements are not initialised; for kernels that write all of them.
  /// - Throws: `EngineError` if it would be too large or there is no memory for it.
  package init(uninitialized shape: [Int]) throws {
    storage = try Storage(count: Layout.checkedCount(shape, "memory"))
    layout = Layout(shape: shape)
  }

  /// Size of each dimension.
  public var shape: [Int] { layout.shape }
  /// Number of dimensions.
  public var rank: Int { layout.shape.count }
  /// Number of elements.
  public var count: Int { layout.count }

  /// Size of dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func size(_ d: Int) throws -> Int { shape[try layout.dimension(d, "size")] }

  /// The first element of a tensor whose elements lie side by side.
  var pointer: UnsafeMutablePointer<Float> { storage.pointer + layout.offset }

  /// How often the elements were changed in place, to notice what a cache does not know.
  package var version: Int { storage.version }

  /// Turns gradients on or off for a leaf.
  /// - Throws: `EngineError` if the tensor was computed from others.
  @discardableResult
  public func requireGrad(_ flag: Bool = true) throws -> Tensor {
    guard node == nil else {
      throw EngineError(
        "requires_grad",
        "only a tensor that was not computed from others can change it; use detach() first")
    }
    requiresGrad = flag
    if !flag { grad = nil }
    return self
  }

  /// This tensor as a parameter that can be trained in place: itself, or a copy of a view whose
  /// elements do not lie side by side.
  /// - Throws: `EngineError` if the tensor was computed from others.
  package func parameter() throws -> Tensor {
    guard !layout.isContiguous, node == nil else { return try requireGrad() }
    return try clone().requireGrad()
  }

  /// Whether a change in place of one contiguous tensor changes the other.
  package func sharesElements(with other: Tensor) -> Bool {
    storage === other.storage && layout.offset < other.layout.offset + other.count
      && other.layout.offset < layout.offset + count
  }

  /// The only element.
  /// - Throws: `EngineError` if there is not exactly one.
  public func item() throws -> Float {
    guard count == 1 else {
      throw EngineError("item", "needs a tensor of one element, got shape \(shape)")
    }
    return storage.pointer[layout.offset]
  }

  /// The element at a place of the storage, as ``Layout/place(_:)`` gives it.
  package func element(at place: Int) -> Float { storage.pointer[place] }

  /// All elements in row-major order.
  public func elements() -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      layout.forEachPosition(in: 0..<count) { buffer[$0] = storage.pointer[$1] }
      filled = count
    }
  }

  /// The same elements in a storage of their own, without history.
  public func clone() throws -> Tensor {
    let result = try Tensor(uninitialized: shape)
    Backends.current.copy(storage.pointer, layout, to: result.storage.pointer, result.layout)
    return result
  }

  /// The same storage, without history or gradient.
  public func detach() -> Tensor { Tensor(storage: storage, layout: layout) }

  /// Calls `body` with the elements of a contiguous tensor, for reading.
  package func withElements<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) throws -> R {
    let source = layout.isContiguous ? self : try clone()
    return try withExtendedLifetime(source) {
      try body(UnsafeBufferPointer(start: source.pointer, count: source.count))
    }
  }

  /// Calls `body` with the elements of a contiguous tensor, for writing.
  /// - Throws: `EngineError` for a view whose elements do not lie side by side; what `body` throws.
  package func withMutableElements<R>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> R
  ) throws -> R {
    guard layout.isContiguous else {
      throw EngineError(
        "change in place", "a view of shape \(shape) does not lie side by side; use clone() first")
    }
    storage.version &+= 1
    return try body(UnsafeMutableBufferPointer(start: pointer, count: count))
  }
}
