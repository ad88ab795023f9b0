import Glibc
import Kernels

// The layouts of views, and the sizes of tensors, checked.

extension Layout {
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

  /// Whether an element stands for several, as in an expanded view.
  var repeatsElements: Bool { zip(shape, strides).contains { $0 > 1 && $1 == 0 } }

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
  /// - Throws: `EngineError` if two sizes differ and neither is 1, or the result would be too
  ///   large.
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
  static func inferred(
    _ requested: [Int], count: Int, from shape: [Int], _ operation: String = "reshape"
  ) throws -> [Int] {
    // Made only where it is thrown: every step reshapes.
    var error: EngineError {
      EngineError(operation, "\(shape) has \(count) elements and cannot become \(requested)")
    }
    guard let place = requested.firstIndex(of: -1) else {
      guard requested.allSatisfy({ $0 >= 0 }), try checkedCount(requested, operation) == count
      else { throw error }
      return requested
    }
    var result = requested
    // The product of the other sizes.
    result[place] = 1
    guard result.allSatisfy({ $0 >= 0 }) else { throw error }
    let product = try checkedCount(result, operation)
    guard product > 0, count % product == 0 else { throw error }
    result[place] = count / product
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
