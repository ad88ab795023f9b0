import Kernels

// The layouts of rearranged views, and the shapes of what is joined.

extension Layout {
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
}
