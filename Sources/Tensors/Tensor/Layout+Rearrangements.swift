import Kernels

// The layouts of rearranged views, and the shapes of what is joined.

extension Layout {
  /// Where a new dimension `d` stands in the result, counted from 0, or from the end if negative.
  /// - Throws: `EngineError` if the result has no such dimension.
  func newDimension(_ d: Int, _ operation: String) throws -> Int {
    let place = d < 0 ? d + rank + 1 : d
    guard place >= 0, place <= rank else {
      throw EngineError(operation, "dimension \(d < 0 ? d : d + 1) (allowed: 1…\(rank + 1))")
    }
    return place
  }

  /// The dimensions in another order: dimension i of the result is `order[i]` of this layout.
  func permuted(_ order: [Int], _ operation: String) throws -> Layout {
    let places = try order.map { try dimension($0, operation) }
    guard places.count == rank, Set(places).count == rank else {
      throw EngineError(
        operation,
        "\(places.map { $0 + 1 }) does not name each of the \(rank) dimensions of shape \(shape) "
          + "once")
    }
    return Layout(
      shape: places.map { shape[$0] }, strides: places.map { strides[$0] }, offset: offset)
  }

  /// Without dimension `d` if its size is 1; without all of size 1 if none is named.
  func squeezed(_ d: Int?, _ operation: String) throws -> Layout {
    let candidates = try d.map { [try dimension($0, operation)] } ?? Array(shape.indices)
    let kept = shape.indices.filter { shape[$0] != 1 || !candidates.contains($0) }
    return Layout(
      shape: kept.map { shape[$0] }, strides: kept.map { strides[$0] }, offset: offset)
  }

  /// With a new dimension of size 1 that is the result's dimension `d`.
  func unsqueezed(_ d: Int, _ operation: String) throws -> Layout {
    let place = try newDimension(d, operation)
    var result = self
    result.shape.insert(1, at: place)
    result.strides.insert(place < rank ? strides[place] &* max(shape[place], 1) : 1, at: place)
    return result
  }

  /// Dimension `d` as several whose sizes have its product; one of them may be −1, what is left.
  func unflattened(_ d: Int, _ sizes: [Int], _ operation: String) throws -> Layout {
    let d = try dimension(d, operation)
    let sizes = try Layout.inferred(sizes, count: shape[d], from: [shape[d]], operation)
    var result = self
    result.shape.replaceSubrange(d...d, with: sizes)
    result.strides.replaceSubrange(
      d...d, with: Layout.rowMajorStrides(sizes).map { $0 &* strides[d] })
    _ = try Layout.checkedCount(result.shape, operation)
    return result
  }

  /// These dimensions from their ends to their beginnings, by negative strides.
  func flipped(_ dimensions: [Int], _ operation: String) throws -> Layout {
    var result = self
    var seen: Set<Int> = []
    for d in try dimensions.map({ try dimension($0, operation) }) {
      guard seen.insert(d).inserted else {
        throw EngineError(operation, "dimension \(d + 1) is named twice")
      }
      result.offset += max(shape[d] - 1, 0) * strides[d]
      result.strides[d] = -strides[d]
    }
    return result
  }

  /// The elements where the index along `b` is `k` more than that along `a`, as the last dimension
  /// in place of these two; none where the diagonal misses them.
  func diagonal(_ k: Int, _ a: Int, _ b: Int, _ operation: String) throws -> Layout {
    let (a, b) = (try dimension(a, operation), try dimension(b, operation))
    guard a != b else {
      throw EngineError(operation, "needs two dimensions, got \(a + 1) twice")
    }
    let k = min(max(k, -shape[a]), shape[b])
    let (down, across) = (max(-k, 0), max(k, 0))
    let length = max(min(shape[a] - down, shape[b] - across), 0)
    let rest = shape.indices.filter { $0 != a && $0 != b }
    return Layout(
      shape: rest.map { shape[$0] } + [length],
      strides: rest.map { strides[$0] } + [strides[a] + strides[b]],
      offset: length > 0 ? offset + down * strides[a] + across * strides[b] : offset)
  }

  /// A shape to expand to, with each −1 replaced by the size that stands there.
  func sizes(keptIn target: [Int], _ operation: String) throws -> [Int] {
    guard target.contains(-1) else { return target }
    let lead = target.count - rank
    return try target.enumerated().map { place, size in
      guard size == -1 else { return size }
      guard place >= lead else {
        throw EngineError(
          operation,
          "dimension \(place + 1) of \(target) is new: shape \(shape) has no size to keep there")
      }
      return shape[place - lead]
    }
  }

  /// What layouts become that are joined along a dimension, checked.
  struct Joined {
    /// The dimension, counted from 0.
    let d: Int
    /// The shape of the result.
    let shape: [Int]
    /// Where each of them begins along the dimension.
    let starts: [Int]

    /// Layouts joined along dimension `d`; all other sizes agree.
    /// - Throws: `EngineError` if there are none, or sizes differ.
    init(_ layouts: [Layout], _ d: Int) throws {
      guard let first = layouts.first else { throw EngineError("cat", "the list is empty") }
      self.d = try first.dimension(d, "cat")
      var shape = first.shape
      var starts: [Int] = []
      shape[self.d] = 0
      for (place, layout) in layouts.enumerated() {
        var rest = layout.shape
        guard rest.count == shape.count else {
          throw EngineError(
            "cat", "tensor \(place + 1) has shape \(layout.shape), the first \(first.shape)")
        }
        starts.append(shape[self.d])
        shape[self.d] += rest[self.d]
        rest[self.d] = first.shape[self.d]
        guard rest == first.shape else {
          throw EngineError(
            "cat",
            "tensor \(place + 1) has shape \(layout.shape), the first \(first.shape): "
              + "only dimension \(self.d + 1) may differ")
        }
      }
      _ = try Layout.checkedCount(shape, "cat")
      (self.shape, self.starts) = (shape, starts)
    }
  }
}
