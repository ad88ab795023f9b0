/// Elements that are only moved, be they numbers or integers: rearrangements made of a few views.
///
/// What ``Tensor`` and ``IntTensor`` have to know themselves are the requirements; everything else
/// is composed of them, so that gradients come by themselves.
public protocol Rearrangeable: AnyObject {
  /// Where the elements lie.
  var layout: Layout { get }

  /// The same elements in the same order in other dimensions, those of a layout over this storage;
  /// a view.
  func viewed(_ operation: String, as layout: Layout) -> Self
  /// The dimensions in another order; a view.
  func permute(_ order: [Int]) throws -> Self
  /// Two dimensions exchanged; a view.
  func transpose(_ a: Int, _ b: Int) throws -> Self
  /// A view of `length` indices from `start` along dimension `d`.
  func narrow(_ d: Int, _ start: Int, _ length: Int) throws -> Self
  /// Index `i` along dimension `d`; a view without that dimension.
  func select(_ d: Int, _ i: Int) throws -> Self
  /// Repeated to a shape by broadcasting; a view.
  func expand(_ shape: [Int]) throws -> Self
  /// The same elements in another shape; a view where possible.
  func reshape(_ shape: [Int]) throws -> Self
  /// A copy with these dimensions from their ends to their beginnings.
  func flip(_ dimensions: [Int]) throws -> Self
  /// The entries of dimension 0 that `ids` names.
  func rows(_ ids: IntTensor) throws -> Self
  /// Several joined along dimension `d`.
  static func cat(_ tensors: [Self], _ d: Int) throws -> Self
}

// MARK: Dimensions

extension Rearrangeable {
  private var shape: [Int] { layout.shape }

  /// Without dimension `d` if its size is 1, without all of size 1 if none is named; a view.
  /// - Throws: `EngineError` if there is no such dimension.
  public func squeeze(_ d: Int? = nil) throws -> Self {
    viewed("squeeze", as: try layout.squeezed(d, "squeeze"))
  }

  /// With a new dimension of size 1, which is dimension `d` of the result; a view.
  /// - Throws: `EngineError` if the result has no such dimension.
  public func unsqueeze(_ d: Int) throws -> Self {
    viewed("unsqueeze", as: try layout.unsqueezed(d, "unsqueeze"))
  }

  /// The dimensions from `first` to `last`, both included, as one; a view where possible.
  ///
  /// A tensor without dimensions becomes a vector.
  /// - Throws: `EngineError` if there are no such dimensions, or `last` comes before `first`.
  public func flatten(_ first: Int = 0, _ last: Int = -1) throws -> Self {
    let source = shape.isEmpty ? try reshape([1]) : self
    let (a, b) = try (
      source.layout.dimension(first, "flatten"), source.layout.dimension(last, "flatten")
    )
    guard a <= b else {
      throw EngineError("flatten", "from dimension \(a + 1) to \(b + 1) (allowed: first ≤ last)")
    }
    var target = source.shape
    target.replaceSubrange(a...b, with: [target[a...b].reduce(1, &*)])
    return try source.reshape(target)
  }

  /// Dimension `d` as several whose sizes have its product; a view.
  ///
  /// One size may be −1: what is left.
  /// - Throws: `EngineError` if there is no such dimension, or the product differs.
  public func unflatten(_ d: Int, _ sizes: [Int]) throws -> Self {
    viewed("unflatten", as: try layout.unflattened(d, sizes, "unflatten"))
  }
}

// MARK: Repetitions

extension Rearrangeable {
  /// Every entry of dimension `d` repeated side by side: a, b becomes a, a, b, b.
  ///
  /// Without a dimension the elements are taken as a vector.
  /// - Throws: `EngineError` if there is no such dimension, `times` is negative or the result would
  ///   be too large.
  public func repeatInterleave(_ times: Int, _ d: Int? = nil) throws -> Self {
    let operation = "repeat_interleave"
    guard let d else { return try reshape([-1]).repeatInterleave(times, 0) }
    let place = try layout.dimension(d, operation)
    guard times >= 0 else {
      throw EngineError(operation, "counts must not be negative, got \(times)")
    }
    var (repeated, target) = (shape, shape)
    repeated.insert(times, at: place + 1)
    _ = try Layout.checkedCount(repeated, operation)
    target[place] *= times
    return try unsqueeze(place + 1).expand(repeated).reshape(target)
  }

  /// Every entry of dimension `d` repeated side by side, each as often as its count says.
  ///
  /// Without a dimension the elements are taken as a vector.
  /// - Throws: `EngineError` if there is no such dimension, it has not one count for each entry, a
  ///   count is negative or the result would be too large.
  public func repeatInterleave(_ counts: IntTensor, _ d: Int? = nil) throws -> Self {
    let operation = "repeat_interleave"
    guard let d else { return try reshape([-1]).repeatInterleave(counts, 0) }
    let place = try layout.dimension(d, operation)
    guard counts.shape == [shape[place]] else {
      throw EngineError(
        operation,
        "counts of shape \(counts.shape) do not fit the \(shape[place]) entries of dimension "
          + "\(place + 1)")
    }
    let elements = counts.elements()
    if let negative = elements.first(where: { $0 < 0 }) {
      throw EngineError(operation, "counts must not be negative, got \(negative)")
    }
    var target = shape
    target[place] = elements.reduce(0) { $0 + Int($1) }
    _ = try Layout.checkedCount(target, operation)
    try IntTensor.checkPlaces(among: elements.count, operation)
    let ids = try IntTensor(uninitialized: [target[place]])
    try ids.withMutableElements { out in
      var next = 0
      for (entry, count) in elements.enumerated() {
        try StopToken.parts(Int(count)) { part in
          for _ in part {
            out[next] = Int32(truncatingIfNeeded: entry)
            next += 1
          }
        }
      }
    }
    return try transpose(0, place).rows(ids).transpose(0, place)
  }

  /// The whole repeated along every dimension: a, b becomes a, b, a, b.
  ///
  /// Counts align with dimensions from the right, and 1 stands where there is none.
  /// - Throws: `EngineError` if a count is negative or the result would be too large.
  public func tile(_ counts: [Int]) throws -> Self {
    guard counts.allSatisfy({ $0 >= 0 }) else {
      throw EngineError("tile", "counts must not be negative, got \(counts)")
    }
    let rank = max(counts.count, shape.count)
    let sizes = [Int](repeating: 1, count: rank - shape.count) + shape
    let strides = [Int](repeating: 0, count: rank - shape.count) + layout.strides
    let times = [Int](repeating: 1, count: rank - counts.count) + counts
    let repeated = zip(times, sizes).flatMap { [$0, $1] }
    guard (try? Layout.checkedCount(repeated, "tile")) != nil else {
      throw EngineError("tile", "\(counts) times a tensor of shape \(shape) is too large")
    }
    let spread = Layout(
      shape: sizes.flatMap { [1, $0] }, strides: strides.flatMap { [0, $0] },
      offset: layout.offset)
    return try viewed("tile", as: spread).expand(repeated).reshape(zip(times, sizes).map(*))
  }
}

// MARK: Pieces

/// The most pieces that a tensor is taken apart into: each is an object of its own.
private let mostPieces = 1 << 20

extension Rearrangeable {
  private func checkPieces(_ count: Int, _ operation: String) throws {
    guard count <= mostPieces else {
      throw EngineError(operation, "\(count) pieces are too many (at most \(mostPieces))")
    }
  }

  /// Views of `size` indices each along dimension `d`, of fewer in the last.
  /// - Throws: `EngineError` if there is no such dimension, `size` is less than 1 or there are too
  ///   many.
  public func split(_ size: Int, _ d: Int = 0) throws -> [Self] {
    let d = try layout.dimension(d, "split")
    guard size >= 1 else {
      throw EngineError("split", "needs a size of at least 1, got \(size)")
    }
    let total = shape[d]
    // An empty dimension gives one empty piece, as in PyTorch.
    let length = min(size, max(total, 1))
    try checkPieces(total / length, "split")
    return try stride(from: 0, to: max(total, 1), by: length).map {
      try narrow(d, $0, min(length, total - $0))
    }
  }

  /// Views of these sizes along dimension `d`, one after the other.
  /// - Throws: `EngineError` if there is no such dimension, or the sizes do not add up to it.
  public func split(_ sizes: [Int], _ d: Int = 0) throws -> [Self] {
    let d = try layout.dimension(d, "split")
    try checkPieces(sizes.count, "split")
    var starts: [Int] = []
    var start = 0
    for size in sizes where size >= 0 && size <= shape[d] - start {
      starts.append(start)
      start += size
    }
    guard starts.count == sizes.count, start == shape[d] else {
      throw EngineError(
        "split",
        "sizes \(sizes) do not add up to the \(shape[d]) of dimension \(d + 1)")
    }
    return try zip(starts, sizes).map { try narrow(d, $0, $1) }
  }

  /// At most `count` views of one size along dimension `d`, of fewer indices in the last.
  ///
  /// A dimension that `count` does not divide may give fewer views, as in PyTorch.
  /// - Throws: `EngineError` if there is no such dimension, `count` is less than 1 or there are too
  ///   many.
  public func chunk(_ count: Int, _ d: Int = 0) throws -> [Self] {
    let d = try layout.dimension(d, "chunk")
    guard count >= 1 else {
      throw EngineError("chunk", "needs at least 1 piece, got \(count)")
    }
    let total = shape[d]
    guard total > 0 else {
      try checkPieces(count, "chunk")
      return try (0..<count).map { _ in try narrow(d, 0, 0) }
    }
    try checkPieces(min(count, total), "chunk")
    return try split((total - 1) / count + 1, d)
  }

  /// A view at every index of dimension `d`, which disappears.
  /// - Throws: `EngineError` if there is no such dimension or there are too many.
  public func unbind(_ d: Int = 0) throws -> [Self] {
    let d = try layout.dimension(d, "unbind")
    try checkPieces(shape[d], "unbind")
    return try (0..<shape[d]).map { try select(d, $0) }
  }
}

// MARK: Joins and moves

extension Rearrangeable {
  /// Several of one shape joined along a new dimension `d`.
  /// - Throws: `EngineError` if the list is empty or shapes differ.
  public static func stack(_ tensors: [Self], _ d: Int = 0) throws -> Self {
    guard let first = tensors.first else { throw EngineError("stack", "the list is empty") }
    if let other = tensors.first(where: { $0.shape != first.shape }) {
      throw EngineError("stack", "shapes \(first.shape) and \(other.shape) differ")
    }
    let place = try first.layout.newDimension(d, "stack")
    return try cat(tensors.map { try $0.unsqueeze(place) }, place)
  }

  /// A copy moved along dimension `d` by `shift` indices; what leaves at one end comes in at the
  /// other.
  ///
  /// Without a dimension the elements are moved as those of a vector.
  /// - Throws: `EngineError` if there is no such dimension.
  public func roll(_ shift: Int, _ d: Int? = nil) throws -> Self {
    guard let d else { return try reshape([-1]).roll(shift, 0).reshape(shape) }
    let place = try layout.dimension(d, "roll")
    let size = shape[place]
    let moved = size == 0 ? 0 : (shift % size + size) % size
    return try .cat(
      [narrow(place, size - moved, moved), narrow(place, 0, size - moved)], place)
  }
}
