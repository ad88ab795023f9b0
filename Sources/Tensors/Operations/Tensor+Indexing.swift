// Rows and elements chosen by integer tensors.

extension Tensor {
  /// The rows named by `ids`: an embedding look-up, of shape `ids.shape + shape[1…]`.
  ///
  /// Ids name entries of dimension 0; the gradient adds up in the rows it came from.
  /// - Throws: `EngineError` if an id is out of range or this has no dimensions.
  public func rows(_ ids: IntTensor) throws -> Tensor {
    guard rank >= 1 else { throw EngineError("index", "a 0-dimensional tensor has no rows") }
    return try rows(ids, flattening: 1)
  }

  /// The rows named by `ids` of this tensor with its first `leading` dimensions taken as one.
  func rows(_ ids: IntTensor, flattening leading: Int) throws -> Tensor {
    try ids.check(below: shape.prefix(leading).reduce(1, *), "index", "row")
    let source = try contiguous()
    let width = shape.dropFirst(leading).reduce(1, *)
    let kept = try ids.contiguous()
    let result = try Tensor(uninitialized: ids.shape + shape.dropFirst(leading))
    withExtendedLifetime((source, kept)) {
      Backends.current.gatherRows(
        kept.count, width: width, kept.pointer, of: source.address, dtype, to: result.pointer)
    }
    let rule = Node.Rule.addition { g, saved, sum in
      let (g, ids) = (try g.contiguous(), saved.integers[0])
      withExtendedLifetime((ids, g)) {
        Backends.current.addRows(ids.count, width: width, g.pointer, ids.pointer, to: sum.pointer)
      }
    }
    return result.recorded("index", from: [self], integers: [kept], rule)
  }

  /// result[i, …, j, …] = self[i, …, ids[i, …, j, …], …] along dimension `d`.
  ///
  /// `ids` has the shape of this tensor except along `d`, where it may have any size.
  /// - Throws: `EngineError` if shapes do not agree or an id is out of range.
  public func gather(_ d: Int, _ ids: IntTensor) throws -> Tensor {
    let plan = try ScatterPlan(layout, d, ids, "gather")
    let source = try operand()
    let result = try Tensor(uninitialized: ids.shape)
    withExtendedLifetime((source, plan.ids)) {
      Backends.current.gather(
        plan.lines, wanted: plan.wanted, plan.ids.pointer, of: source.pointer, to: result.pointer)
    }
    let (shape, lines, wanted) = (shape, plan.lines, plan.wanted)
    return result.recorded("gather", from: [self], integers: [plan.ids]) { g, saved in
      let (g, ids) = (try g.contiguous(), saved.integers[0])
      let sum = try Tensor(full: shape, 0)
      withExtendedLifetime((g, ids)) {
        Backends.current.scatterAdd(lines, wanted: wanted, g.pointer, ids.pointer, to: sum.pointer)
      }
      return [sum]
    }
  }
}

extension Tensor {
  /// The elements where a mask of this shape is not 0, in row-major order, as a vector.
  /// - Throws: `EngineError` if the mask has another shape.
  public func maskedSelect(_ mask: Tensor) throws -> Tensor {
    let places = try mask.placesKept(from: shape)
    return try reshape([-1]).rows(places)
  }

  /// The places, in row-major order, where this mask is not 0.
  fileprivate func placesKept(from shape: [Int]) throws -> IntTensor {
    guard self.shape == shape else {
      throw EngineError(
        "masked_select", "the mask has shape \(self.shape), the tensor has \(shape)")
    }
    try IntTensor.checkPlaces(among: count, "masked_select")
    return try withElements { elements in
      var places: [Int32] = []
      for (place, weight) in elements.enumerated() where weight != 0 {
        places.append(Int32(truncatingIfNeeded: place))
      }
      return try IntTensor(places)
    }
  }
}

extension IntTensor {
  /// The same as ``Tensor/maskedSelect(_:)``.
  /// - Throws: `EngineError` if the mask has another shape.
  public func maskedSelect(_ mask: Tensor) throws -> IntTensor {
    let places = try mask.placesKept(from: shape)
    return try reshape([-1]).rows(places)
  }

  /// The same as ``Tensor/gather(_:_:)``.
  /// - Throws: `EngineError` if shapes do not agree or an id is out of range.
  public func gather(_ d: Int, _ ids: IntTensor) throws -> IntTensor {
    let plan = try ScatterPlan(layout, d, ids, "gather")
    let source = try contiguous()
    let result = try IntTensor(uninitialized: ids.shape)
    // An id stands for four bytes, as a number does.
    withExtendedLifetime((source, plan.ids)) {
      source.pointer.withMemoryRebound(to: Float.self, capacity: source.count) { from in
        result.pointer.withMemoryRebound(to: Float.self, capacity: result.count) { out in
          Backends.current.gather(
            plan.lines, wanted: plan.wanted, plan.ids.pointer, of: from, to: out)
        }
      }
    }
    return result
  }
}

/// Which element of a tensor each entry of `ids` means, along one dimension, checked.
struct ScatterPlan {
  /// The dimension.
  let d: Int
  let ids: IntTensor
  let lines: Lines
  /// How many are chosen from each line.
  let wanted: Int

  init(_ layout: Layout, _ d: Int, _ ids: IntTensor, _ operation: String) throws {
    let d = try layout.dimension(d, operation)
    let shape = layout.shape
    var expected = shape
    if ids.rank == shape.count { expected[d] = ids.shape[d] }
    guard ids.shape == expected else {
      throw EngineError(
        operation,
        "indices of shape \(ids.shape) do not fit a tensor of shape \(shape) "
          + "(only dimension \(d + 1) may differ)")
    }
    try ids.check(below: shape[d], operation, "index")
    self.ids = try ids.contiguous()
    self.d = d
    lines = Lines(shape, around: d)
    wanted = ids.shape[d]
  }

  /// Refuses a source of another shape than that of the ids.
  func check(_ source: [Int], _ operation: String) throws {
    guard source == ids.shape else {
      throw EngineError(
        operation, "needs a source of the indices' shape \(ids.shape), got \(source)")
    }
  }

  /// The numbers of the elements in row-major order, [n].
  /// - Throws: `EngineError` if they cannot be told in 32 bits.
  func places() throws -> IntTensor {
    try IntTensor.checkPlaces(among: lines.outer * lines.size * lines.inner, "scatter")
    let result = try IntTensor(uninitialized: [ids.count])
    let (out, chosen) = (result.pointer, ids.pointer)
    for o in 0..<lines.outer {
      for r in (o * wanted)..<((o + 1) * wanted) {
        for i in (r * lines.inner)..<((r + 1) * lines.inner) {
          let line = o * lines.size + Int(chosen[i])
          out[i] = Int32(truncatingIfNeeded: line * lines.inner + i - r * lines.inner)
        }
      }
    }
    return result
  }
}
