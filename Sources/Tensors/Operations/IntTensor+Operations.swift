// What integers share with ``Tensor``, without gradients: more views, changes in place.

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
  ///
  /// A size of −1 stays as it is.
  /// - Throws: `EngineError` if it does not broadcast to that shape.
  public func expand(_ shape: [Int]) throws -> IntTensor {
    let target = try layout.sizes(keptIn: shape, "expand")
    _ = try Layout.checkedCount(target, "expand")
    return IntTensor(storage: storage, layout: try layout.expanded(to: target, "expand"))
  }

  /// Sets every element to those of `other`, broadcast to this shape.
  /// - Throws: `EngineError` if it does not broadcast, or this view repeats elements.
  public func copyInPlace(_ other: IntTensor, _ operation: String = "copy_") throws {
    try checkOverwritable(operation)
    let source = try IntTensor(
      storage: other.storage, layout: other.layout.expanded(to: shape, operation)
    ).clone()
    storage.version &+= 1
    var i = 0
    layout.forEachPosition {
      storage.integers[$0] = source.storage.integers[i]
      i &+= 1
    }
  }

  /// Refuses to change a view that repeats elements.
  func checkOverwritable(_ operation: String) throws {
    guard !layout.repeatsElements else {
      throw EngineError(
        operation, "this view repeats its elements (expand); change a clone() of it")
    }
  }
}
