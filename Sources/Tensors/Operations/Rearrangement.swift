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
