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
    let (from, out, which) = (source.pointer, result.pointer, kept.pointer)
    withExtendedLifetime((source, kept)) {
      Parallel.ranges(kept.count, grain: Swift.max(1, Kernels.grain / Swift.max(width, 1))) {
        range in
        for r in range {
          (out + r * width).update(from: from + Int(which[r]) * width, count: width)
        }
      }
    }
    let rule = Node.Rule.addition { g, sum in
      let g = try g.contiguous()
      let (from, to) = (g.pointer, sum.pointer)
      withExtendedLifetime((kept, g)) {
        for r in 0..<kept.count {
          if r & 0xFFF == 0, Interruption.stopsHere { break }
          let (a, b) = (from + r * width, to + Int(kept.pointer[r]) * width)
          for i in 0..<width { b[i] += a[i] }
        }
      }
    }
    return result.recorded("index", from: [self], rule)
  }

  /// result[i, …, j, …] = self[i, …, ids[i, …, j, …], …] along dimension `d`.
  ///
  /// `ids` has the shape of this tensor except along `d`, where it may have any size.
  /// - Throws: `EngineError` if shapes do not agree or an id is out of range.
  public func gather(_ d: Int, _ ids: IntTensor) throws -> Tensor {
    let plan = try Gather(layout, d, ids)
    let source = try contiguous()
    let result = try Tensor(uninitialized: ids.shape)
    let (out, from) = (result.pointer, source.pointer)
    withExtendedLifetime(source) {
      Parallel.ranges(result.count, grain: Kernels.grain) { range in
        plan.forEachPair(in: range) { out[$0] = from[$1] }
      }
    }
    let shape = shape
    return result.recorded("gather", from: [self]) { g in
      let g = try g.contiguous()
      let sum = try Tensor(full: shape, 0)
      let (to, from) = (sum.pointer, g.pointer)
      try Interruption.parts(g.count) { range in
        plan.forEachPair(in: range) { to[$1] += from[$0] }
      }
      return [sum]
    }
  }
}

extension Tensor {
  /// The elements where a mask of this shape is not 0, in row-major order, as a vector.
  /// - Throws: `EngineError` if the mask has another shape.
  public func maskedSelect(_ mask: Tensor) throws -> Tensor {
    try reshape([-1]).rows(mask.placesKept(from: shape))
  }

  /// The places, in row-major order, where this mask is not 0.
  fileprivate func placesKept(from shape: [Int]) throws -> IntTensor {
    guard self.shape == shape else {
      throw EngineError(
        "masked_select", "the mask has shape \(self.shape), the tensor has \(shape)")
    }
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
    try reshape([-1]).rows(mask.placesKept(from: shape))
  }

  /// The same as ``Tensor/gather(_:_:)``.
  /// - Throws: `EngineError` if shapes do not agree or an id is out of range.
  public func gather(_ d: Int, _ ids: IntTensor) throws -> IntTensor {
    let plan = try Gather(layout, d, ids)
    let source = try contiguous()
    let result = try IntTensor(shape: ids.shape)
    let (out, from) = (result.pointer, source.pointer)
    withExtendedLifetime(source) {
      Parallel.ranges(result.count, grain: Kernels.grain) { range in
        plan.forEachPair(in: range) { out[$0] = from[$1] }
      }
    }
    return result
  }
}

/// Which element each element of a gathered tensor comes from, checked.
private struct Gather {
  private let ids: IntTensor
  private let outer: Int
  private let size: Int
  private let wanted: Int
  private let inner: Int

  init(_ layout: Layout, _ d: Int, _ ids: IntTensor) throws {
    let d = try layout.dimension(d, "gather")
    let shape = layout.shape
    var expected = shape
    if ids.rank == shape.count { expected[d] = ids.shape[d] }
    guard ids.shape == expected else {
      throw EngineError(
        "gather",
        "indices of shape \(ids.shape) do not fit a tensor of shape \(shape) "
          + "(only dimension \(d + 1) may differ)")
    }
    try ids.check(below: shape[d], "gather", "index")
    self.ids = try ids.contiguous()
    outer = shape[..<d].reduce(1, *)
    size = shape[d]
    wanted = ids.shape[d]
    inner = shape[(d + 1)...].reduce(1, *)
  }

  /// Calls `body(place in the result, place in the source)` for a range of the result's elements.
  @inline(__always)
  func forEachPair(in range: Range<Int>, _ body: (Int, Int) -> Void) {
    let chosen = ids.pointer
    withExtendedLifetime(ids) {
      if inner == 1 && outer == 1 {
        for place in range { body(place, Int(chosen[place])) }
        return
      }
      for place in range {
        let (line, i) = place.quotientAndRemainder(dividingBy: inner)
        body(place, (line / wanted * size + Int(chosen[place])) * inner + i)
      }
    }
  }
}
