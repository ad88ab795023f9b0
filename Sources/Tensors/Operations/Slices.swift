// Views of ranges in several dimensions at once.

/// What is kept of one dimension.
public enum Slice: Equatable, Sendable {
  /// All of it.
  case all
  /// One index; the dimension disappears.
  case index(Int)
  /// `count` indices from `first`, a distance of `step`, at least 1, apart.
  case range(first: Int, count: Int, step: Int)
}

extension Layout {
  /// What `slices` keep of the first dimensions; the others stay whole.
  /// - Throws: `EngineError` if there are too many, or one leaves its dimension.
  fileprivate func sliced(_ slices: [Slice]) throws -> Layout {
    guard slices.count <= rank else {
      throw EngineError("slice", "\(slices.count) entries for a tensor of shape \(shape)")
    }
    var result = Layout(shape: [], strides: [], offset: offset)
    for d in 0..<rank {
      let slice = d < slices.count ? slices[d] : .all
      let (first, count, step) =
        switch slice {
        case .all: (0, shape[d], 1)
        case .index(let i): (i, 1, 1)
        case .range(let first, let count, let step): (first, count, step)
        }
      let (reach, overflow) = max(count - 1, 0).multipliedReportingOverflow(by: step)
      guard first >= 0, count >= 0, step >= 1, first <= shape[d], !overflow,
        reach < shape[d] - first || count == 0
      else {
        throw EngineError(
          "slice",
          "\(count) indices from \(first) on, \(step) apart, do not fit in dimension \(d + 1) of "
            + "shape \(shape)")
      }
      result.offset += first * strides[d]
      if case .index = slice { continue }
      result.shape.append(count)
      // A step of its size or more is never taken twice.
      result.strides.append(count > 1 ? strides[d] * step : strides[d])
    }
    return result
  }
}

extension Tensor {
  /// What `slices` keep of the first dimensions, as a view; the others stay whole.
  /// - Throws: `EngineError` if there are too many, or one leaves its dimension.
  public func slice(_ slices: [Slice]) throws -> Tensor {
    let shape = shape
    return view("slice", try layout.sliced(slices)) { g in
      let result = try Tensor(full: shape, 0)
      try result.slice(slices).write(g)
      return result
    }
  }
}

extension IntTensor {
  /// The same as ``Tensor/slice(_:)``.
  /// - Throws: `EngineError` if there are too many, or one leaves its dimension.
  public func slice(_ slices: [Slice]) throws -> IntTensor {
    IntTensor(storage: storage, layout: try layout.sliced(slices))
  }
}
