// What numbers and integers have to know to be rearranged.

extension Tensor: Rearrangeable {
  /// The same elements in the same order in the dimensions of a layout over this storage; a view.
  public func viewed(_ operation: String, as layout: Layout) -> Tensor {
    let original = shape
    return view(operation, layout) { try $0.reshape(original) }
  }

  /// The dimensions in another order: dimension i of the result is `order[i]` of this; a view.
  /// - Throws: `EngineError` if `order` does not name each dimension once.
  public func permute(_ order: [Int]) throws -> Tensor {
    let rank = rank
    return view("permute", try layout.permuted(order, "permute")) { g in
      var inverse = order
      for (place, d) in order.enumerated() { inverse[d < 0 ? d + rank : d] = place }
      return try g.permute(inverse)
    }
  }

  /// A copy with these dimensions from their ends to their beginnings.
  /// - Throws: `EngineError` if there is no such dimension or one is named twice.
  public func flip(_ dimensions: [Int]) throws -> Tensor {
    let mirrored = Tensor(storage: storage, layout: try layout.flipped(dimensions, "flip"))
    return try mirrored.workingCopy().recorded("flip", from: [self], areFresh: true) { g, _ in
      [try g.flip(dimensions)]
    }
  }
}

extension IntTensor: Rearrangeable {
  /// The same elements in the same order in the dimensions of a layout over this storage; a view.
  public func viewed(_ operation: String, as layout: Layout) -> IntTensor {
    IntTensor(storage: storage, layout: layout)
  }

  /// The dimensions in another order: dimension i of the result is `order[i]` of this; a view.
  /// - Throws: `EngineError` if `order` does not name each dimension once.
  public func permute(_ order: [Int]) throws -> IntTensor {
    IntTensor(storage: storage, layout: try layout.permuted(order, "permute"))
  }

  /// A copy with these dimensions from their ends to their beginnings.
  /// - Throws: `EngineError` if there is no such dimension or one is named twice.
  public func flip(_ dimensions: [Int]) throws -> IntTensor {
    try IntTensor(storage: storage, layout: layout.flipped(dimensions, "flip")).clone()
  }

  /// Tensors joined along dimension `d`; all other sizes agree.
  /// - Throws: `EngineError` if the list is empty or sizes differ.
  public static func cat(_ tensors: [IntTensor], _ d: Int) throws -> IntTensor {
    let joined = try Layout.Joined(tensors.map(\.layout), d)
    let result = try IntTensor(uninitialized: joined.shape)
    for (tensor, start) in zip(tensors, joined.starts) {
      try result.narrow(joined.d, start, tensor.shape[joined.d]).write(tensor)
    }
    return result
  }

  /// Copies the elements of a tensor of this shape into this new one.
  private func write(_ values: IntTensor) {
    // An integer stands for four bytes, as a number does. All of them may be used as indices.
    let (from, to) = (values.storage.bytes, storage.bytes)
    StopToken.suspended {
      withExtendedLifetime(values) {
        Backends.current.copy(
          from.assumingMemoryBound(to: Float.self), values.layout,
          to: to.assumingMemoryBound(to: Float.self), layout)
      }
    }
  }
}
