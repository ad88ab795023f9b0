import Glibc

/// How a tensor's elements lie in its storage: element `(i, j, …)` of a view stands at
/// `offset + i·strides[0] + j·strides[1] + …`.
///
/// Both ``Tensor`` and ``IntTensor`` are a storage and a layout; every view (row, range, transpose,
/// broadcast) is a new layout over the same storage.
public struct Layout: Equatable, Sendable {
  /// Size of each dimension; empty for a 0-dimensional tensor.
  public var shape: [Int]
  /// Distance in elements between neighbours along each dimension; 0 where broadcast.
  public var strides: [Int]
  /// Where the first element stands in the storage.
  public var offset: Int

  /// The row-major layout of a fresh tensor.
  public init(shape: [Int]) {
    self.shape = shape
    strides = Layout.rowMajorStrides(shape)
    offset = 0
  }

  init(shape: [Int], strides: [Int], offset: Int) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
  }

  /// Number of elements.
  public var count: Int { shape.reduce(1, &*) }

  /// Number of dimensions.
  public var rank: Int { shape.count }

  /// Whether the elements lie side by side in row-major order.
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

  static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for d in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[d] = strides[d + 1] &* max(shape[d + 1], 1)
    }
    return strides
  }

  /// Resolves a dimension counted from 0, or from the end if negative.
  /// - Throws: `EngineError` if there is no such dimension.
  func dimension(_ d: Int, _ operation: String) throws -> Int {
    let resolved = d < 0 ? d + rank : d
    guard resolved >= 0, resolved < rank else {
      throw EngineError(
        operation,
        rank == 0
          ? "a 0-dimensional tensor has no dimensions to choose from"
          : "dimension \(d < 0 ? d : d + 1) of a tensor of shape \(shape) (allowed: 1…\(rank))")
    }
    return resolved
  }

  /// The range of `length` indices from `start` along dimension `d`.
  func narrowed(_ d: Int, _ start: Int, _ length: Int, _ operation: String) throws -> Layout {
    let d = try dimension(d, operation)
    guard start >= 0, length >= 0, start <= shape[d], length <= shape[d] - start else {
      throw EngineError(
        operation,
        "\(length) elements from index \(start + 1) do not fit in dimension \(d + 1) of shape \(shape)"
      )
    }
    var result = self
    result.offset += start * strides[d]
    result.shape[d] = length
    return result
  }

  /// Index `i` along dimension `d`; the dimension disappears.
  func selected(_ d: Int, _ i: Int, _ operation: String) throws -> Layout {
    let d = try dimension(d, operation)
    guard i >= 0, i < shape[d] else {
      throw EngineError(
        operation,
        "index \(i + 1) in dimension \(d + 1) of shape \(shape) (allowed: 1…\(shape[d]))")
    }
    return Layout(
      shape: shape.removing(at: d), strides: strides.removing(at: d),
      offset: offset + i * strides[d])
  }

  /// Where one element stands in the storage; `index(d, size)` is its index along dimension `d`.
  /// - Throws: `EngineError` if an index is not in 0..<size, and what `index` throws.
  package func place(_ index: (_ d: Int, _ size: Int) throws -> Int) throws -> Int {
    var place = offset
    for d in 0..<rank {
      let i = try index(d, shape[d])
      guard i >= 0, i < shape[d] else {
        throw EngineError(
          "get", "index \(i + 1) in dimension \(d + 1) of shape \(shape) (allowed: 1…\(shape[d]))")
      }
      place += i * strides[d]
    }
    return place
  }

  /// Two dimensions exchanged.
  func transposed(_ a: Int, _ b: Int, _ operation: String) throws -> Layout {
    let (a, b) = (try dimension(a, operation), try dimension(b, operation))
    var result = self
    result.shape.swapAt(a, b)
    result.strides.swapAt(a, b)
    return result
  }

  /// This layout read as `shape` under NumPy's broadcasting: sizes align from the right, and a
  /// size of 1 (or a missing dimension) repeats.
  func expanded(to target: [Int], _ operation: String) throws -> Layout {
    let lead = target.count - rank
    var result = Layout(
      shape: target, strides: [Int](repeating: 0, count: target.count), offset: offset)
    guard lead >= 0 else {
      throw EngineError(operation, "shape \(shape) does not broadcast to \(target)")
    }
    for d in 0..<rank {
      if shape[d] == target[lead + d] {
        result.strides[lead + d] = strides[d]
      } else if shape[d] != 1 {
        throw EngineError(operation, "shape \(shape) does not broadcast to \(target)")
      }
    }
    return result
  }

  /// The shape that `a` and `b` broadcast to.
  /// - Throws: `EngineError` if two sizes differ and neither is 1, or the result would be too large.
  public static func broadcast(_ a: [Int], _ b: [Int], _ operation: String) throws -> [Int] {
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for d in 0..<rank {
      let i = d - (rank - a.count)
      let j = d - (rank - b.count)
      let x = i >= 0 ? a[i] : 1
      let y = j >= 0 ? b[j] : 1
      guard x == y || x == 1 || y == 1 else {
        throw EngineError(operation, "shapes \(a) and \(b) do not broadcast together")
      }
      result[d] = x == 1 ? y : x
    }
    _ = try checkedCount(result, operation)
    return result
  }

  /// The sizes of `requested` with one −1 replaced by what is left of `count` elements.
  static func inferred(_ requested: [Int], count: Int, from shape: [Int]) throws -> [Int] {
    var result = requested
    let unknown = requested.indices.filter { requested[$0] == -1 }
    let known = requested.filter { $0 != -1 }
    let error = EngineError(
      "reshape", "\(shape) has \(count) elements and cannot become \(requested)")
    guard unknown.count <= 1, known.allSatisfy({ $0 >= 0 }) else { throw error }
    let product = try checkedCount(known, "reshape")
    if let place = unknown.first {
      guard product > 0, count % product == 0 else { throw error }
      result[place] = count / product
    } else if product != count {
      throw error
    }
    return result
  }

  /// Number of Float32 elements that fit in this machine's memory.
  private static let mostElements =
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / MemoryLayout<Float>.stride

  /// The number of elements of a shape given by a user, or made of such shapes.
  /// - Throws: `EngineError` if a size is negative or the tensor would not fit in memory.
  ///
  /// The product of the sizes other than 0 is limited as well: what is left of an empty tensor when
  /// a dimension is reduced, or selected, is then no larger than any other tensor.
  static func checkedCount(_ shape: [Int], _ operation: String) throws -> Int {
    var product = 1
    for size in shape {
      guard size >= 0 else {
        throw EngineError(operation, "sizes must not be negative, got \(shape)")
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow, next <= mostElements else {
        throw EngineError(operation, "a tensor of shape \(shape) is too large")
      }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  /// The storage position of an element, given by its number in row-major order.
  func position(of element: Int) -> Int {
    var (position, rest) = (offset, element)
    for d in stride(from: rank - 1, through: 0, by: -1) {
      position += rest % shape[d] * strides[d]
      rest /= shape[d]
    }
    return position
  }

  /// Calls `body(position)` with the storage position of each element, in row-major order.
  @inline(__always)
  func forEachPosition(_ body: (Int) -> Void) {
    forEachPosition(in: 0..<count) { body($1) }
  }

  /// The same for a range of that order: `body` gets an element's number in it, and its position.
  @inline(__always)
  func forEachPosition(in range: Range<Int>, _ body: (_ element: Int, _ position: Int) -> Void) {
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

extension Array where Element == Int {
  /// A copy without the element at `place`; faster than `remove`, which copies first.
  fileprivate func removing(at place: Int) -> [Int] {
    if count == 1 { return [] }
    return [Int](unsafeUninitializedCapacity: count - 1) { buffer, initialized in
      for i in 0..<place { buffer[i] = self[i] }
      for i in (place + 1)..<Swift.max(count, place + 1) { buffer[i - 1] = self[i] }
      initialized = count - 1
    }
  }
}
