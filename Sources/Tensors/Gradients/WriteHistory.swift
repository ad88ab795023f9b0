/// What the graph knows of a storage whose elements were replaced by some that require gradients.
///
/// Writing makes the written tensor part of the graph, and with it every view of its storage: those
/// that were taken before the write, and those of them. So the record belongs to the storage, not
/// to the tensor that was named in the write. It is a chain of states of the whole storage, seen as
/// a vector; a write makes the next one from the one before and from the values (``Node/Rule``'s
/// `write`). A tensor over the storage is then a view of the newest state, and its node is made
/// anew when it is asked for after a write. What was computed from it before refers to the tensor
/// as it was; the versions of the storage tell `backward` so, and it refuses.
///
/// The states hold no numbers, only their place in the graph: a state that held the storage, which
/// holds it, would never go. For the same reason values that were computed from the storage are
/// refused, unless they come from a `clone()`, which is made from the state and not from the
/// storage: the graph would run in a circle, and what they were computed from is gone after the
/// write, so that `backward` would refuse it anyway. PyTorch records the write and fails there.
///
/// Recording is the rule, refusing the exception, where a gradient would be missing or wrong:
/// leaves that require gradients and their views, as ever; detached tensors, whose owner would not
/// know; results that their own operation needs for its gradient (`exp`, `softmax`); storages that
/// were changed without record since; and numbers that are mapped from a file.
final class WriteHistory {
  /// Tells it from all others, also from those that are gone.
  let number: Int
  /// How many writes it has recorded; 1 for the state that they began with.
  private(set) var writes = 1
  /// The version of the storage that it knows.
  private(set) var version: Int
  /// The number of elements of the storage.
  private let count: Int
  /// The newest state.
  private var state: Tensor
  /// Name of the last write, for messages.
  private var operation = "clone"

  /// The history of a storage whose newest version is that of `base`, a tensor over it, or nil if
  /// its numbers are constants.
  init(_ storage: Storage, count: Int, _ base: (node: Node, layout: Layout)?) {
    (self.count, version) = (count, storage.version)
    number = WriteHistory.numbers.withLock { next in
      next += 1
      return next
    }
    state = Tensor.placeholder([count])
    guard let (node, layout) = base else { return }
    let result = Tensor.placeholder(layout.shape, version: storage.version).marked(as: node)
    _ = state.recorded("clone", from: [result], .view { try $0.contiguous().part(layout) })
  }

  private static let numbers = Lock(0)

  /// Whether any of the elements comes from a tensor that requires gradients.
  var requiresGrad: Bool { state.requiresGrad }

  /// How the elements at `layout` come from the newest state; nil if all are constants.
  ///
  /// The node is for a tensor over this storage, or over one whose version is `resultVersion`.
  func node(of layout: Layout, resultVersion: Int? = nil) -> Node? {
    guard state.requiresGrad else { return nil }
    return Node(
      operation, Node.Saved(inputs: [state]), resultVersion: resultVersion ?? version,
      .view { [count] in try $0.spread(to: layout, among: count) })
  }

  /// What stands in the graph for the elements at `layout` as they are now.
  func source(_ layout: Layout) -> Tensor {
    Tensor.placeholder(layout.shape, version: version).marked(as: node(of: layout))
  }

  /// Hands over the newest state, at the end.
  func release() -> Tensor {
    defer { state = Tensor.placeholder([count]) }
    return state
  }

  /// Notes that the elements at `layout`, none of them twice, were replaced by `values`.
  ///
  /// They broadcast to it and were not computed from the storage, whose version is now `version`.
  func record(_ operation: String, _ values: Tensor, at layout: Layout, version: Int) {
    (self.operation, self.version) = (operation, version)
    writes += 1
    // Of a state that is overwritten whole, nothing is left.
    let keepsRest = state.requiresGrad && layout.count < count
    let inputs = (keepsRest ? [state] : []) + (values.requiresGrad ? [values] : [])
    state = Tensor.placeholder([count])
      .recorded(operation, from: inputs, .write(layout, keepsRest: keepsRest))
  }
}

extension Tensor {
  /// A tensor of which only its place in the graph is used: it has no numbers.
  fileprivate static func placeholder(_ shape: [Int], version: Int = 0) -> Tensor {
    let storage = Storage(0)
    storage.version = version
    return Tensor(storage: storage, layout: Layout(shape: shape))
  }

  /// Its place in the graph alone, for the only one who knows it.
  var withoutNumbers: Tensor {
    Tensor.placeholder(shape, version: storage.version).marked(as: node)
  }

  /// This tensor as the result of `node`; of nil, a constant.
  func marked(as node: Node?) -> Tensor {
    (self.node, requiresGrad) = (node, node != nil)
    return self
  }

  /// The elements at `layout` of this vector, which lies side by side.
  func part(_ layout: Layout) -> Tensor {
    var layout = layout
    layout.offset += self.layout.offset
    return Tensor(storage: storage, layout: layout)
  }

  /// A vector of `count` elements, 0 but at `layout`, where those of this tensor are added.
  fileprivate func spread(to layout: Layout, among count: Int) throws -> Tensor {
    if layout.count == count && layout.isContiguous { return try reshape([count]) }
    var (gradient, places) = (self, layout)
    for d in 0..<rank where layout.strides[d] == 0 && shape[d] > 1 {
      gradient = try gradient.sum(d, keepDim: true)
      places.shape[d] = 1
    }
    let result = try Tensor(full: [count], 0)
    result.part(places).write(gradient)
    return result
  }
}

// Changes in place, as the graph sees them.

extension Tensor {
  /// The history that a write of `values` into this tensor is to be recorded in; nil if it is not:
  /// inside no_grad, or where neither side requires gradients.
  /// - Throws: `EngineError` if it would have to be recorded and cannot be.
  func historyToWrite(_ values: Tensor, _ operation: String) throws -> WriteHistory? {
    guard requiresGrad || values.requiresGrad, Gradients.areRecorded else { return nil }
    guard !(requiresGrad && node == nil), isDetached || storage.leaves == 0 else {
      throw leafChange(operation)
    }
    guard !isDetached else {
      if requiresGrad { throw leafChange(operation) }
      throw EngineError(
        operation,
        "a detached tensor shares its elements with another, which would not know of the "
          + "gradient; write into a clone() of it, or write a detach() of the value")
    }
    let history = try storage.history ?? newHistory(operation)
    guard history.version == storage.version || !history.requiresGrad else {
      throw EngineError(
        operation,
        "the tensor was changed inside no_grad, or through detach(), after its gradient was "
          + "recorded; write into a clone() of it made before")
    }
    storage.history = history
    return history
  }

  /// Refuses to change a leaf.
  func leafChange(_ operation: String) -> EngineError {
    EngineError(
      operation,
      "a tensor that requires gradients is not changed in place; do it inside no_grad")
  }

  private func newHistory(_ operation: String) throws -> WriteHistory {
    guard let count = storage.count else {
      throw EngineError(
        operation, "a tensor read from a file records no gradient; write into a clone() of it")
    }
    var base = self
    while let source = base.ownNode?.viewed, source.storage === storage { base = source }
    guard let node = base.ownNode else {
      if base.requiresGrad { throw leafChange(operation) }
      return WriteHistory(storage, count: count, nil)
    }
    guard !node.tensors.contains(where: { $0.storage === storage }) else {
      throw EngineError(
        operation,
        "\(node.operation) needs its result for its gradient; change a clone() of it")
    }
    guard node.resultVersion == storage.version else {
      throw EngineError(
        operation,
        "the result of \(node.operation), of shape \(base.shape), was changed inside no_grad, or "
          + "through detach(); write into a clone() of it made before")
    }
    return WriteHistory(storage, count: count, (node, base.layout))
  }

  /// What stands in the graph for the values of a write into this tensor.
  /// - Throws: `EngineError` if they were computed from its storage.
  func source(
    of values: Tensor, in written: WriteHistory, _ operation: String
  ) throws -> Tensor {
    guard values.requiresGrad else { return values }
    // Of a tensor that was written into itself, the state is what counts.
    if let history = values.history, history.version == values.storage.version {
      return history.source(values.layout)
    }
    let mayRead = storage.isRead || values.storage === storage
    guard try !mayRead || !values.reads(storage, of: written) else {
      throw EngineError(
        operation,
        "the value was computed from the tensor that it would change; compute it from a clone(), "
          + "or collect the parts in a list and join them with stack")
    }
    return values
  }

  /// Whether this is a tensor over `storage`, which has this history, or was computed from one.
  ///
  /// Nodes remember that they are none, so that a loop that fills a tensor with the states of a
  /// recurrence asks each of them once.
  private func reads(_ storage: Storage, of history: WriteHistory) throws -> Bool {
    var seen: [Node] = []
    var isUnrelated = false
    defer { if !isUnrelated { for node in seen { node.unrelated = 0 } } }
    var pending = [self]
    while let tensor = pending.popLast() {
      if tensor.storage === storage { return true }
      guard let node = tensor.node, node.unrelated != history.number else { continue }
      node.unrelated = history.number
      seen.append(node)
      if seen.count & 0xFFF == 0 { try StopToken.check() }
      pending.append(contentsOf: node.tensors)
    }
    isUnrelated = true
    return false
  }
}
