import Glibc

extension Tensor {
  /// `n` indices drawn by the weights in a vector, or in each row of a matrix: shape [n] or
  /// [rows, n], counted from 0.
  ///
  /// Weights need not sum to 1. Without replacement an index is drawn once at most, each draw by
  /// the weights of those that are left. Without gradient. Cost for k weights: O(k + n) with
  /// replacement, O(k log k) without.
  /// - Throws: `EngineError` if this is neither, a weight is negative or not finite, those of a row
  ///   sum to 0, or fewer than `n` are positive where none is drawn twice.
  public func multinomial(
    _ n: Int, replacement: Bool = false, using stream: inout RandomStream
  ) throws -> IntTensor {
    guard rank == 1 || rank == 2 else {
      throw EngineError(
        "multinomial", "needs weights in a vector or in the rows of a matrix, got shape \(shape)")
    }
    guard n >= 0 else { throw EngineError("multinomial", "needs 0 or more draws, got \(n)") }
    let target = Array(shape.dropLast()) + [n]
    _ = try Layout.checkedCount(target, "multinomial")
    let (rows, width) = (rank == 1 ? 1 : shape[0], shape[rank - 1])
    try IntTensor.checkPlaces(among: width, "multinomial")
    let isMatrix = rank == 2
    let result = try IntTensor(uninitialized: target)
    let out = result.pointer
    try withElements { elements in
      for row in 0..<rows {
        try StopToken.checkpoint()
        let weights = Weights(
          elements: UnsafeBufferPointer(rebasing: elements[row * width..<(row + 1) * width]),
          row: isMatrix ? row : nil)
        try weights.check(draws: replacement ? nil : n)
        if replacement {
          let table = try AliasTable(weights: weights.elements.map(Double.init))
          try StopToken.parts(n) { part in
            for i in part {
              out[row * n + i] = Int32(truncatingIfNeeded: table.sample(using: &stream))
            }
          }
        } else {
          let order = try weights.order(using: &stream)
          for i in 0..<n { out[row * n + i] = order[i] }
        }
      }
    }
    return result
  }
}

/// The weights that one row is drawn by.
private struct Weights {
  let elements: UnsafeBufferPointer<Float>
  /// Which row it is, from 0; nil if there is one alone.
  let row: Int?

  private var ofRow: String { row.map { " of row \($0 + 1)" } ?? "" }

  /// - Throws: `EngineError` if a weight is negative or not finite, none is positive, or fewer than
  ///   `draws` are.
  func check(draws: Int?) throws {
    var positive = 0
    for (i, weight) in elements.enumerated() {
      guard weight >= 0, weight.isFinite else {
        let given = weight.isNaN ? "nan" : "\(weight)"
        throw EngineError(
          "multinomial", "weight \(i + 1)\(ofRow) is \(given) (allowed: finite, 0 or more)")
      }
      if weight > 0 { positive += 1 }
    }
    guard positive > 0 else {
      throw EngineError("multinomial", "the weights\(ofRow) sum to 0")
    }
    if let draws, draws > positive {
      throw EngineError(
        "multinomial",
        "\(draws) draws without replacement from \(positive) weights above 0\(ofRow)")
    }
  }

  /// The indices of positive weights in the order in which they are drawn without replacement.
  ///
  /// Waiting times of rate w, −log(u) / w, end in this order (Efraimidis and Spirakis 2006).
  func order(using stream: inout RandomStream) throws -> [Int32] {
    var times: [(time: Double, index: Int32)] = []
    try StopToken.parts(elements.count) { part in
      for i in part where elements[i] > 0 {
        // 1 − u lies in (0, 1], so the logarithm is finite.
        let time = -log(1 - stream.uniformDouble()) / Double(elements[i])
        times.append((time, Int32(truncatingIfNeeded: i)))
      }
    }
    times.sort { $0.time < $1.time }
    return times.map(\.index)
  }
}
