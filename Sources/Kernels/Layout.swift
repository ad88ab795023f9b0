/// How a tensor's elements lie in its storage: element `(i, j, …)` of a view stands at
/// `offset + i·strides[0] + j·strides[1] + …`.
///
/// Every view (row, range, transpose, broadcast) is a new layout over the same storage.
public struct Layout: Equatable, Sendable {
  /// Size of each dimension; empty for a 0-dimensional tensor.
  public var shape: [Int]
  /// Distance in elements between neighbours along each dimension; 0 where broadcast, negative
  /// only in copies from the last to the first.
  public var strides: [Int]
  /// Where the first element stands in the storage.
  public var offset: Int

  /// The row-major layout of a fresh tensor.
  public init(shape: [Int]) {
    self.shape = shape
    strides = Layout.rowMajorStrides(shape)
    offset = 0
  }

  /// A view of a storage.
  public init(shape: [Int], strides: [Int], offset: Int) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
  }

  /// Number of elements.
  @inlinable
  public var count: Int { shape.reduce(1, &*) }

  /// Number of dimensions.
  @inlinable
  public var rank: Int { shape.count }

  /// Whether the elements lie side by side in row-major order.
  @inlinable
  public var isContiguous: Bool {
    var expected = 1
    for d in stride(from: shape.count - 1, through: 0, by: -1) {
      if shape[d] != 1 {
        if strides[d] != expected { return shape.contains(0) }
        expected &*= shape[d]
      }
    }
    return true
  }

  /// The strides of a fresh tensor of `shape`.
  package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for d in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[d] = strides[d + 1] &* max(shape[d + 1], 1)
    }
    return strides
  }

  /// The storage position of an element, given by its number in row-major order.
  package func position(of element: Int) -> Int {
    var (position, rest) = (offset, element)
    for d in stride(from: rank - 1, through: 0, by: -1) {
      position += rest % shape[d] * strides[d]
      rest /= shape[d]
    }
    return position
  }

  /// Calls `body(position)` with the storage position of each element, in row-major order.
  @inlinable
  @inline(__always)
  package func forEachPosition(_ body: (Int) -> Void) {
    forEachPosition(in: 0..<count) { body($1) }
  }

  /// The same for a range of that order: `body` gets an element's number in it, and its position.
  @inlinable
  @inline(__always)
  package func forEachPosition(
    in range: Range<Int>, _ body: (_ element: Int, _ position: Int) -> Void
  ) {
    if isContiguous {
      for i in range { body(i, offset &+ i) }
      return
    }
    if range.isEmpty { return }
    let last = rank - 1
    let (inner, step) = (shape[last], strides[last])
    var index = [Int](repeating: 0, count: rank)
    var base = offset
    var (row, column) = range.lowerBound.quotientAndRemainder(dividingBy: inner)
    for d in stride(from: last - 1, through: 0, by: -1) {
      index[d] = row % shape[d]
      base += index[d] * strides[d]
      row /= shape[d]
    }
    var element = range.lowerBound
    while element < range.upperBound {
      let end = min(element &+ inner &- column, range.upperBound)
      var position = base &+ column &* step
      while element < end {
        body(element, position)
        element &+= 1
        position &+= step
      }
      column = 0
      var d = last - 1
      while d >= 0 {
        index[d] += 1
        base += strides[d]
        if index[d] < shape[d] { break }
        base -= index[d] * strides[d]
        index[d] = 0
        d -= 1
      }
    }
  }
}
