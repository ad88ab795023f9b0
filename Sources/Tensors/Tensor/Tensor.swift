/// An array of Float32 numbers of any number of dimensions, with reverse-mode differentiation.
///
/// Numbers of 16 bits, from files or from `half` and `bfloat16`, can be read like any other, but
/// not changed or trained; what is computed from them is Float32.
///
/// A tensor is a strided, row-major view over a reference-counted storage; views (`select`,
/// `narrow`, `transpose`, …) share it. Operations broadcast as NumPy's do. An operation on a tensor
/// that requires gradients records how to carry a gradient back (see ``Node``).
///
/// Dimensions and indices count from 0 here, from 1 in Lua and in messages; negative dimensions
/// count from the end. Tensors are used from one thread at a time; kernels use several inside.
public final class Tensor {
  let storage: Storage
  /// Where the elements lie.
  public let layout: Layout
  /// Whether `backward` accumulates a gradient for this tensor or for what it was made from.
  public internal(set) var requiresGrad: Bool {
    get { history?.requiresGrad ?? isMarked }
    set { isMarked = newValue }
  }
  /// The accumulated gradient, of the same shape; nil before the first `backward`.
  public var grad: Tensor?
  /// Whether `backward` keeps the gradient of a tensor that was computed from others in `grad`.
  public package(set) var retainsGrad = false
  /// How this tensor was made; nil for leaves.
  ///
  /// Once a write into its storage was recorded, it is a view of what that left there.
  var node: Node? {
    get {
      if let history, writesSeen != history.writes {
        (ownNode, writesSeen) = (history.node(of: layout), history.writes)
      }
      return ownNode
    }
    set { ownNode = newValue }
  }
  /// The node as it was last asked for.
  var ownNode: Node?
  /// Whether it requires gradients, as long as no write into its storage was recorded.
  private var isMarked = false
  /// How many recorded writes its node knows of.
  private var writesSeen = 0
  /// Whether its history is its own, though others share its storage: it was cut by `detach`, or by
  /// taking a view without recording.
  var isDetached = false
  /// The recorded writes into its storage, unless it has cut itself off from them.
  var history: WriteHistory? { isDetached ? nil : storage.history }
  /// Whether it was computed from tensors that require gradients, so that it is no parameter.
  package var isComputed: Bool { node != nil }

  init(storage: Storage, layout: Layout) {
    self.storage = storage
    self.layout = layout
  }

  /// A tensor of `shape` whose elements are not initialised; for kernels that write all of them.
  /// - Throws: `EngineError` if it would be too large or there is no memory for it.
  package init(uninitialized shape: [Int], _ dtype: DType = .float32) throws {
    storage = try Storage(count: Layout.checkedCount(shape, "memory"), dtype)
    layout = Layout(shape: shape)
  }

  /// The numbers of a mapped file from byte `offset`, a multiple of their size; at least one.
  package convenience init(
    _ mapping: FileMapping, at offset: Int, _ dtype: DType, shape: [Int]
  ) {
    self.init(storage: Storage(mapping, at: offset, dtype), layout: Layout(shape: shape))
    precondition(count <= (mapping.count - offset) / dtype.size, "numbers behind the end")
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

  /// The first element of a tensor in Float32 whose elements lie side by side.
  var pointer: UnsafeMutablePointer<Float> { storage.floats + layout.offset }

  /// The first element of a tensor whose elements lie side by side, as it is stored.
  var address: UnsafeMutableRawPointer { storage.bytes + layout.offset * dtype.size }

  /// How often the elements were changed in place, to notice what a cache does not know.
  package var version: Int { storage.version }

  /// Turns gradients on or off for a leaf.
  /// - Throws: `EngineError` if the tensor was computed from others, or is to be trained and not
  ///   in Float32.
  @discardableResult
  public func requireGrad(_ flag: Bool = true) throws -> Tensor {
    if flag { try checkFloat32("requires_grad") }
    guard node == nil else {
      throw EngineError(
        "requires_grad",
        "only a tensor that was not computed from others can change it; use detach() first")
    }
    if !isDetached {
      if flag != requiresGrad { storage.leaves += flag ? 1 : -1 }
      // What was written last were constants, and it starts anew.
      if storage.history != nil { (isDetached, node) = (true, nil) }
    }
    requiresGrad = flag
    if !flag { grad = nil }
    return self
  }

  /// Whether this was not computed from tensors that require gradients.
  public var isLeaf: Bool { node == nil }

  /// Lets `backward` keep the gradient of this tensor in `grad`, whether it is a leaf or not.
  /// - Throws: `EngineError` if it does not require gradients.
  @discardableResult
  public func retainGrad() throws -> Tensor {
    guard requiresGrad else {
      throw EngineError("retain_grad", "the tensor does not require gradients")
    }
    retainsGrad = true
    return self
  }

  /// This tensor as a parameter that can be trained in place: itself, or a copy of a view whose
  /// elements do not lie side by side.
  /// - Throws: `EngineError` if the tensor was computed from others.
  package func parameter() throws -> Tensor {
    guard !layout.isContiguous, node == nil else { return try requireGrad() }
    return try copied().requireGrad()
  }

  /// Whether a change in place of one contiguous tensor changes the other.
  package func sharesElements(with other: Tensor) -> Bool {
    storage === other.storage && layout.offset < other.layout.offset + other.count
      && other.layout.offset < layout.offset + count
  }

  /// What tells the memory of its elements from that of other tensors, while it is alive.
  package var memory: ObjectIdentifier { ObjectIdentifier(storage) }

  /// The only element.
  /// - Throws: `EngineError` if there is not exactly one.
  public func item() throws -> Float {
    guard count == 1 else {
      throw EngineError("item", "needs a tensor of one element, got shape \(shape)")
    }
    return element(at: layout.offset)
  }

  /// The element at a place of the storage, as ``Layout/place(_:)`` gives it.
  package func element(at place: Int) -> Float {
    switch dtype {
    case .float16: Float(storage.bytes.assumingMemoryBound(to: Float16.self)[place])
    case .bfloat16: Float(storage.bytes.assumingMemoryBound(to: BFloat16.self)[place])
    default: storage.floats[place]
    }
  }

  /// All elements in row-major order.
  public func elements() -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      layout.forEachPosition(in: 0..<count) { buffer[$0] = element(at: $1) }
      filled = count
    }
  }

  /// The same elements in a storage of their own, from which the gradient comes back as it is.
  ///
  /// Who wants no history takes ``copied()``.
  public func clone() throws -> Tensor {
    let result = try copied()
    // From the state that was written, not from the storage, which may be written again.
    if Gradients.areRecorded, let history, history.version == storage.version {
      return result.marked(
        as: history.node(of: layout, resultVersion: result.storage.version))
    }
    return result.recorded("clone", from: [self], .view { $0 })
  }

  /// The same elements in a storage of their own, without history.
  public func copied() throws -> Tensor {
    guard dtype == .float32 else { return try copiedAsStored() }
    let result = try Tensor(uninitialized: shape)
    Backends.current.copy(storage.floats, layout, to: result.storage.floats, result.layout)
    return result
  }

  /// The same storage, without history or gradient.
  public func detach() -> Tensor {
    let result = Tensor(storage: storage, layout: layout)
    result.isDetached = true
    return result
  }

  /// Calls `body` with the bytes of the elements as they are stored, side by side, for reading.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let source = layout.isContiguous ? self : try copied()
    return try withExtendedLifetime(source) {
      try body(UnsafeRawBufferPointer(start: source.address, count: count * dtype.size))
    }
  }

  /// Calls `body` with the bytes of a tensor that nobody else knows yet, for writing.
  package func withMutableBytes(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    try body(UnsafeMutableRawBufferPointer(start: storage.bytes, count: count * dtype.size))
  }

  /// Calls `body` with the elements in Float32, side by side, for reading.
  package func withElements<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) throws -> R {
    let source = try plainOperand()
    return try withExtendedLifetime(source) {
      try body(UnsafeBufferPointer(start: source.pointer, count: source.count))
    }
  }

  /// Calls `body` with the elements of a contiguous tensor, for writing.
  /// - Throws: `EngineError` for a view whose elements do not lie side by side, and for elements
  ///   that are not in Float32; what `body` throws.
  package func withMutableElements<R>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> R
  ) throws -> R {
    try checkFloat32("change in place")
    guard layout.isContiguous else {
      throw EngineError(
        "change in place", "a view of shape \(shape) does not lie side by side; use clone() first")
    }
    storage.version &+= 1
    return try body(UnsafeMutableBufferPointer(start: pointer, count: count))
  }
}
