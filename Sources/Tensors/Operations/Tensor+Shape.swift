// Views and changes of shape. A view shares the storage; its gradient goes back to the place it
// was taken from.

extension Tensor {
  /// A view, whose gradient `vjp` turns into that of this tensor.
  func view(
    _ operation: String, _ layout: Layout, vjp: @escaping @Sendable (Tensor) throws -> Tensor
  ) -> Tensor {
    let result = Tensor(storage: storage, layout: layout)
    _ = result.recorded(operation, from: [self], .view(vjp))
    result.isDetached = isDetached || requiresGrad && result.ownNode == nil
    return result
  }

  /// A view of some of the elements, and the same of another tensor of this shape.
  ///
  /// Its gradient is added where it belongs, so that all parts of a tensor together cost what the
  /// tensor does.
  func part(
    _ operation: String, _ layout: Layout, of other: @escaping @Sendable (Tensor) throws -> Tensor
  ) -> Tensor {
    let rule = Node.Rule.addition { g, _, sum in
      let part = try other(sum)
      if part.layout.isContiguous {
        part.accumulate(try g.contiguous())
      } else {
        try part.addInPlace(g)
      }
    }
    let result = Tensor(storage: storage, layout: layout)
    _ = result.recorded(operation, from: [self], rule)
    result.isDetached = isDetached || requiresGrad && result.ownNode == nil
    return result
  }

  /// The same elements in another shape; a view where possible.
  ///
  /// One size may be −1: what is left.
  /// - Throws: `EngineError` if the number of elements differs.
  public func reshape(_ shape: [Int]) throws -> Tensor {
    let target = try Layout.inferred(shape, count: count, from: self.shape)
    let source = try contiguous()
    let original = self.shape
    return source.view(
      "reshape",
      Layout(
        shape: target, strides: Layout.rowMajorStrides(target), offset: source.layout.offset)
    ) { try $0.reshape(original) }
  }

  /// This tensor if its elements lie side by side, else a copy for which they do.
  public func contiguous() throws -> Tensor {
    layout.isContiguous ? self : try copied().recorded("contiguous", from: [self]) { g, _ in [g] }
  }

  /// Two dimensions exchanged; a view.
  /// - Throws: `EngineError` if there is no such dimension.
  public func transpose(_ a: Int, _ b: Int) throws -> Tensor {
    view("transpose", try layout.transposed(a, b, "transpose")) { try $0.transpose(a, b) }
  }

  /// The transpose of a matrix; a view.
  /// - Throws: `EngineError` if this is not a matrix.
  public func t() throws -> Tensor {
    guard rank == 2 else { throw EngineError("t", "needs a matrix, got shape \(shape)") }
    return try transpose(0, 1)
  }

  /// This tensor repeated to `shape` by broadcasting; a view.
  ///
  /// A size of −1 stays as it is.
  /// - Throws: `EngineError` if it does not broadcast to that shape.
  public func expand(_ shape: [Int]) throws -> Tensor {
    let target = try layout.sizes(keptIn: shape, "expand")
    _ = try Layout.checkedCount(target, "expand")
    return view("expand", try layout.expanded(to: target, "expand")) { $0 }
  }

  /// A view of `length` indices from `start` along dimension `d`.
  /// - Throws: `EngineError` if the range does not fit.
  public func narrow(_ d: Int, _ start: Int, _ length: Int) throws -> Tensor {
    part("narrow", try layout.narrowed(d, start, length, "narrow")) {
      try $0.narrow(d, start, length)
    }
  }

  /// Index `i` along dimension `d`; a view without that dimension.
  /// - Throws: `EngineError` if there is no such dimension or index.
  public func select(_ d: Int, _ i: Int) throws -> Tensor {
    let selected = try layout.selected(d, i, "select")
    // The commonest view, t[i], records nothing as a rule.
    guard requiresGrad else {
      let result = Tensor(storage: storage, layout: selected)
      result.isDetached = isDetached
      return result
    }
    return part("select", selected) { try $0.select(d, i) }
  }

  /// Tensors joined along dimension `d`; all other sizes agree.
  /// - Throws: `EngineError` if the list is empty or sizes differ.
  public static func cat(_ tensors: [Tensor], _ d: Int) throws -> Tensor {
    let joined = try Layout.Joined(tensors.map(\.layout), d)
    let result = try Tensor(uninitialized: joined.shape)
    for (tensor, start) in zip(tensors, joined.starts) {
      try result.narrow(joined.d, start, tensor.shape[joined.d]).write(tensor.detach().float())
    }
    let (d, starts) = (joined.d, joined.starts)
    let sizes = tensors.map { $0.shape[d] }
    return result.recorded("cat", from: tensors) { g, _ in
      try zip(starts, sizes).map { try g.narrow(d, $0, $1) }
    }
  }
}
