// Elements and rows that are put, or added, where integer tensors and masks say: the counterpart of
// what Tensor+Indexing.swift reads.

extension Tensor {
  /// Along dimension `d`, the indices that `ids` name, in their order and as often as they occur.
  ///
  /// The gradient adds up at the indices it came from.
  /// - Throws: `EngineError` if `ids` is no vector or one is out of range.
  public func indexSelect(_ d: Int, _ ids: IntTensor) throws -> Tensor {
    let plan = try IndexPlan(layout, d, ids, "index_select")
    return try rows(plan.rows, flattening: plan.d + 1).reshape(plan.shape)
  }

  /// This tensor with `source` added at the indices along dimension `d` that `ids` name; one that
  /// occurs several times gets several summands.
  ///
  /// `source` has this tensor's shape, but for the number of `ids` along `d`.
  /// - Throws: `EngineError` if shapes do not fit or an id is out of range.
  public func indexAdd(_ d: Int, _ ids: IntTensor, _ source: Tensor) throws -> Tensor {
    let plan = try IndexPlan(layout, d, ids, "index_add")
    try plan.check(source.shape, "index_add")
    let (result, values) = (try workingCopy(), try source.plainOperand())
    withExtendedLifetime(values) {
      Backends.current.addRows(
        plan.rows.count, width: plan.width, values.pointer, plan.rows.pointer, to: result.pointer)
    }
    let (shape, leading) = (plan.shape, plan.d + 1)
    let needsSource = source.requiresGrad
    return result.recorded("index_add", from: [self, source], integers: [plan.rows]) { g, saved in
      let rows = saved.integers[0]
      return [g, needsSource ? try g.rows(rows, flattening: leading).reshape(shape) : nil]
    }
  }

  /// This tensor with elements replaced: result[i, …, ids[i, …, j, …], …] = source[i, …, j, …]
  /// along dimension `d`.
  ///
  /// Where ids name one place several times, the last in row-major order counts, and it alone has a
  /// gradient. `ids` has the shape of this tensor except along `d`; `source` has that of `ids`, or
  /// no dimensions.
  /// - Throws: `EngineError` if shapes do not fit or an id is out of range.
  public func scatter(_ d: Int, _ ids: IntTensor, _ source: Tensor) throws -> Tensor {
    let plan = try ScatterPlan(layout, d, ids, "scatter")
    let values = source.rank == 0 ? try source.expand(ids.shape) : source
    try plan.check(values.shape, "scatter")
    return try putting(values.reshape([-1]), at: plan.places(), flattening: rank, "scatter")
  }

  /// The same, with the elements of `source` added; places that are named several times get
  /// several summands.
  /// - Throws: `EngineError` if shapes do not fit or an id is out of range.
  public func scatterAdd(_ d: Int, _ ids: IntTensor, _ source: Tensor) throws -> Tensor {
    let plan = try ScatterPlan(layout, d, ids, "scatter_add")
    let values = source.rank == 0 ? try source.expand(ids.shape) : source
    try plan.check(values.shape, "scatter_add")
    let (result, summands) = (try workingCopy(), try values.plainOperand())
    withExtendedLifetime((summands, plan.ids)) {
      Backends.current.scatterAdd(
        plan.lines, wanted: plan.wanted, summands.pointer, plan.ids.pointer, to: result.pointer)
    }
    let (needsSource, d) = (values.requiresGrad, plan.d)
    return result.recorded("scatter_add", from: [self, values], integers: [plan.ids]) { g, saved in
      [g, needsSource ? try g.gather(d, saved.integers[0]) : nil]
    }
  }

  /// This tensor with `value` where the mask is not 0; mask and value broadcast to its shape.
  /// - Throws: `EngineError` if they do not.
  public func maskedFill(_ mask: Tensor, _ value: Tensor) throws -> Tensor {
    for operand in [mask, value] where operand.shape != shape {
      _ = try operand.layout.expanded(to: shape, "masked_fill")
    }
    return try Tensor.choose(mask, value, self)
  }

  /// The indices of the elements that are not 0, in row-major order: [n, rank].
  /// - Throws: `EngineError` if indices cannot be told in 32 bits.
  public func nonzero() throws -> IntTensor {
    try IntTensor.checkPlaces(among: count, "nonzero")
    return try withElements { try IntTensor.indices(of: $0, shape) { $0 != 0 } }
  }

  /// The rows where a mask of the first dimensions' shape is 1, in row-major order.
  /// - Throws: `EngineError` if the mask has another shape, or holds other numbers than 0 and 1.
  public func masked(by mask: Tensor) throws -> Tensor {
    try rows(mask.maskedPlaces(of: shape), flattening: mask.rank)
  }

  /// Sets the rows where a mask of the first dimensions' shape is 1 to `values`, which broadcasts
  /// to the shape of what `masked(by:)` reads.
  /// - Throws: `EngineError` if a shape does not fit or the tensor is not to be changed.
  public func write(_ values: Tensor, where mask: Tensor) throws {
    try write(values, at: mask.maskedPlaces(of: shape), flattening: mask.rank, "t[mask] = v")
  }

  /// Sets the rows that `ids` name to `values`, which broadcasts to `ids.shape + shape[1…]`; of
  /// those for one row, the last counts.
  /// - Throws: `EngineError` if a shape does not fit, an id is out of range or the tensor is not to
  ///   be changed.
  public func write(_ values: Tensor, rows ids: IntTensor) throws {
    guard rank >= 1 else { throw EngineError("t[ids] = v", "a 0-dimensional tensor has no rows") }
    try ids.check(below: shape[0], "t[ids] = v", "row")
    try write(values, at: ids, flattening: 1, "t[ids] = v")
  }

  private func write(
    _ values: Tensor, at places: IntTensor, flattening leading: Int, _ operation: String
  ) throws {
    try checkOverwritable(operation)
    let target = places.shape + shape.dropFirst(leading)
    _ = try Layout.checkedCount(target, operation)
    if values.shape != target { _ = try values.layout.expanded(to: target, operation) }
    if (requiresGrad || values.requiresGrad) && Gradients.areRecorded {
      return try replaceElements(by: values, operation) {
        try $0.putting($1.expand(target), at: places, flattening: leading, operation)
      }
    }
    let (rows, kept) = (try values.detach().expand(target).workingCopy(), try places.clone())
    try StopToken.check()
    storage.version &+= 1
    withExtendedLifetime((rows, kept)) {
      storage.floats.put(layout.rowPlaces(leading), kept, rows.pointer)
    }
  }

  /// A copy of this tensor, its first `leading` dimensions taken as one, with the rows that
  /// `places` name replaced by those of `values`, of shape `places.shape + shape[leading…]`.
  private func putting(
    _ values: Tensor, at places: IntTensor, flattening leading: Int, _ operation: String
  ) throws -> Tensor {
    let (result, kept) = (try workingCopy(), try places.contiguous())
    let rows = try values.plainOperand()
    withExtendedLifetime((rows, kept)) {
      result.pointer.put(result.layout.rowPlaces(leading), kept, rows.pointer)
    }
    let needsValues = values.requiresGrad
    return result.recorded(operation, from: [self, values], integers: [kept]) { g, saved in
      let places = saved.integers[0]
      let forSelf = try g.copied()
      let zeros = try Tensor(full: places.shape + g.shape.dropFirst(leading), 0)
      withExtendedLifetime(zeros) {
        forSelf.pointer.put(forSelf.layout.rowPlaces(leading), places, zeros.pointer)
      }
      guard needsValues else { return [forSelf, nil] }
      let forValues = try g.rows(places, flattening: leading)
      // What was overwritten afterwards has no part in the result.
      let width = forValues.count / Swift.max(places.count, 1)
      var seen = Set<Int32>()
      for r in stride(from: places.count - 1, through: 0, by: -1)
      where !seen.insert(places.pointer[r]).inserted {
        (forValues.pointer + r * width).update(repeating: 0, count: width)
      }
      return [forSelf, forValues]
    }
  }

  /// The places, in row-major order, where this mask of the first dimensions of `shape` is 1.
  fileprivate func maskedPlaces(of shape: [Int]) throws -> IntTensor {
    guard rank <= shape.count, self.shape == Array(shape.prefix(rank)) else {
      throw EngineError(
        "t[mask]",
        "the mask has shape \(self.shape), the tensor has \(shape) (allowed: its shape, or that of "
          + "its first dimensions)")
    }
    try IntTensor.checkPlaces(among: count, "t[mask]")
    return try withElements { elements in
      var places: [Int32] = []
      for (place, weight) in elements.enumerated() where weight != 0 {
        guard weight == 1 else {
          throw EngineError(
            "t[mask]",
            "a mask holds 0 and 1, this one \(weight.isNaN ? "nan" : "\(weight)"); ids are an "
              + "IntTensor")
        }
        places.append(Int32(truncatingIfNeeded: place))
      }
      return try IntTensor(places)
    }
  }
}

extension IntTensor {
  /// The same as ``Tensor/indexSelect(_:_:)``.
  /// - Throws: `EngineError` if `ids` is no vector or one is out of range.
  public func indexSelect(_ d: Int, _ ids: IntTensor) throws -> IntTensor {
    let plan = try IndexPlan(layout, d, ids, "index_select")
    return try rows(plan.rows, flattening: plan.d + 1).reshape(plan.shape)
  }

  /// The same as ``Tensor/indexAdd(_:_:_:)``.
  /// - Throws: `EngineError` if shapes do not fit, an id is out of range or a sum leaves 32 bits.
  public func indexAdd(_ d: Int, _ ids: IntTensor, _ source: IntTensor) throws -> IntTensor {
    let plan = try IndexPlan(layout, d, ids, "index_add")
    try plan.check(source.shape, "index_add")
    return try adding(source, at: plan.rows, width: plan.width, "index_add")
  }

  /// The same as ``Tensor/scatter(_:_:_:)``.
  /// - Throws: `EngineError` if shapes do not fit or an id is out of range.
  public func scatter(_ d: Int, _ ids: IntTensor, _ source: IntTensor) throws -> IntTensor {
    let plan = try ScatterPlan(layout, d, ids, "scatter")
    let values = source.rank == 0 ? try source.expand(ids.shape) : source
    try plan.check(values.shape, "scatter")
    let (result, elements, places) = (try clone(), try values.contiguous(), try plan.places())
    withExtendedLifetime((elements, places)) {
      result.pointer.put(result.layout.rowPlaces(rank), places, elements.pointer)
    }
    return result
  }

  /// The same as ``Tensor/scatterAdd(_:_:_:)``.
  /// - Throws: `EngineError` if shapes do not fit, an id is out of range or a sum leaves 32 bits.
  public func scatterAdd(_ d: Int, _ ids: IntTensor, _ source: IntTensor) throws -> IntTensor {
    let plan = try ScatterPlan(layout, d, ids, "scatter_add")
    let values = source.rank == 0 ? try source.expand(ids.shape) : source
    try plan.check(values.shape, "scatter_add")
    return try adding(values, at: plan.places(), width: 1, "scatter_add")
  }

  /// The same as ``Tensor/maskedFill(_:_:)``.
  /// - Throws: `EngineError` if mask or value do not broadcast to this shape.
  public func maskedFill(_ mask: Tensor, _ value: IntTensor) throws -> IntTensor {
    let chosen = try mask.layout.expanded(to: shape, "masked_fill")
    let other = try IntTensor(
      storage: value.storage, layout: value.layout.expanded(to: shape, "masked_fill")
    ).contiguous()
    let result = try clone()
    let out = result.pointer
    chosen.forEachPosition(in: 0..<count) { i, place in
      if mask.element(at: place) != 0 { out[i] = other.pointer[i] }
    }
    return withExtendedLifetime(other) { result }
  }

  /// The same as ``Tensor/nonzero()``.
  /// - Throws: `EngineError` if indices cannot be told in 32 bits.
  public func nonzero() throws -> IntTensor {
    try IntTensor.checkPlaces(among: count, "nonzero")
    return try withElements { try IntTensor.indices(of: $0, shape) { $0 != 0 } }
  }

  /// The same as ``Tensor/masked(by:)``.
  /// - Throws: `EngineError` if the mask has another shape, or holds other numbers than 0 and 1.
  public func masked(by mask: Tensor) throws -> IntTensor {
    try rows(mask.maskedPlaces(of: shape), flattening: mask.rank)
  }

  /// The same as ``Tensor/write(_:where:)``.
  /// - Throws: `EngineError` if a shape does not fit or this view repeats elements.
  public func write(_ values: IntTensor, where mask: Tensor) throws {
    try write(values, at: mask.maskedPlaces(of: shape), flattening: mask.rank, "t[mask] = v")
  }

  /// The same as ``Tensor/write(_:rows:)``.
  /// - Throws: `EngineError` if a shape does not fit, an id is out of range or this view repeats
  ///   elements.
  public func write(_ values: IntTensor, rows ids: IntTensor) throws {
    guard rank >= 1 else { throw EngineError("t[ids] = v", "a 0-dimensional tensor has no rows") }
    try ids.check(below: shape[0], "t[ids] = v", "row")
    try write(values, at: ids, flattening: 1, "t[ids] = v")
  }

  private func write(
    _ values: IntTensor, at places: IntTensor, flattening leading: Int, _ operation: String
  ) throws {
    try checkOverwritable(operation)
    let target = places.shape + shape.dropFirst(leading)
    _ = try Layout.checkedCount(target, operation)
    let rows = try IntTensor(
      storage: values.storage, layout: values.layout.expanded(to: target, operation)
    ).clone()
    let kept = try places.clone()
    storage.version &+= 1
    withExtendedLifetime((rows, kept)) {
      storage.integers.put(layout.rowPlaces(leading), kept, rows.pointer)
    }
  }

  private func adding(
    _ source: IntTensor, at rows: IntTensor, width: Int, _ operation: String
  ) throws -> IntTensor {
    let (result, summands) = (try clone(), try source.contiguous())
    let out = result.pointer
    for r in 0..<rows.count {
      let row = Int(rows.pointer[r]) * width
      for i in 0..<width {
        let (x, y) = (out[row + i], summands.pointer[r * width + i])
        let (sum, overflow) = x.addingReportingOverflow(y)
        guard !overflow else {
          throw EngineError(operation, "\(x) and \(y) leave the range of 32 bits")
        }
        out[row + i] = sum
      }
    }
    return withExtendedLifetime((summands, rows)) { result }
  }

  /// The indices [n, rank] of those elements, of a tensor of `shape`, that are meant.
  fileprivate static func indices<Element>(
    of elements: UnsafeBufferPointer<Element>, _ shape: [Int], where isMeant: (Element) -> Bool
  ) throws -> IntTensor {
    let places = elements.indices.filter { isMeant(elements[$0]) }
    let result = try IntTensor(uninitialized: [places.count, shape.count])
    let out = result.pointer
    for (n, place) in places.enumerated() {
      var rest = place
      for d in stride(from: shape.count - 1, through: 0, by: -1) {
        out[n * shape.count + d] = Int32(truncatingIfNeeded: rest % shape[d])
        rest /= shape[d]
      }
    }
    return result
  }
}

/// Whole indices of a dimension, named by a vector of ids, checked.
private struct IndexPlan {
  /// The dimension.
  let d: Int
  /// What they are of the tensor with its dimensions up to `d` taken as one.
  let rows: IntTensor
  /// The number of elements of such a row.
  let width: Int
  /// The tensor's shape with the number of ids in place of the dimension's size.
  let shape: [Int]

  init(_ layout: Layout, _ d: Int, _ ids: IntTensor, _ operation: String) throws {
    let d = try layout.dimension(d, operation)
    guard ids.rank == 1 else {
      throw EngineError(operation, "needs a vector of indices, got shape \(ids.shape)")
    }
    let size = layout.shape[d]
    try ids.check(below: size, operation, "index")
    var shape = layout.shape
    shape[d] = ids.count
    _ = try Layout.checkedCount(shape, operation)
    let outer = shape[..<d].reduce(1, *)
    try IntTensor.checkPlaces(among: outer * size, operation)
    let rows = try IntTensor(uninitialized: [outer * ids.count])
    let (out, count) = (rows.pointer, ids.count)
    ids.layout.forEachPosition(in: 0..<count) { j, position in
      let id = Int(ids.storage.integers[position])
      for o in 0..<outer { out[o * count + j] = Int32(truncatingIfNeeded: o * size + id) }
    }
    (self.d, self.rows, self.shape) = (d, rows, shape)
    width = shape[(d + 1)...].reduce(1, *)
  }

  func check(_ source: [Int], _ operation: String) throws {
    guard source == shape else {
      throw EngineError(operation, "needs a source of shape \(shape), got \(source)")
    }
  }
}

extension Layout {
  /// The rows of a layout, with its first dimensions taken as one.
  fileprivate struct RowPlaces {
    /// Where the rows stand.
    let rows: Layout
    /// How the elements of each lie.
    let row: Layout
  }

  fileprivate func rowPlaces(_ leading: Int) -> RowPlaces {
    RowPlaces(
      rows: Layout(
        shape: Array(shape.prefix(leading)), strides: Array(strides.prefix(leading)),
        offset: offset),
      row: Layout(
        shape: Array(shape.dropFirst(leading)), strides: Array(strides.dropFirst(leading)),
        offset: 0))
  }
}

extension UnsafeMutablePointer {
  /// Sets the rows that `places` name, in their order, to those that lie at `values`; whole.
  fileprivate func put(
    _ layout: Layout.RowPlaces, _ places: IntTensor, _ values: UnsafePointer<Pointee>
  ) {
    let width = layout.row.count
    for r in 0..<places.count {
      let row = self + layout.rows.position(of: Int(places.pointer[r]))
      let from = values + r * width
      layout.row.forEachPosition(in: 0..<width) { i, position in row[position] = from[i] }
    }
  }
}
