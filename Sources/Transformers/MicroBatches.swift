import Tensors

/// How a batch is cut: by its sizes and what the backend says, never by the number of threads.
struct MicroBatches {
  private let batch: Int
  private let size: Int
  private let ids: IntTensor

  /// The parts of a batch.
  /// - Parameters:
  ///   - ids: tokens [B, T].
  ///   - weights: what gradients are computed for, if they are.
  ///   - weight: how many tokens a sequence of T is worth.
  init(
    _ ids: IntTensor, _ weights: Parameters = Parameters(), weighing weight: (Int) -> Int = { $0 }
  ) {
    self.ids = ids
    batch = ids.shape[0]
    let cut = Backends.current.batchCut
    let most = (batch + cut.leastParts - 1) / cut.leastParts
    let trained = weights.trained.reduce(0) { $0 + $1.tensor.count }
    let mostParts = max(2, cut.mostGradients / max(trained, 1))
    size = max(
      1, min(cut.tokens / weight(ids.shape[1]), most), (batch + mostParts - 1) / mostParts)
  }

  var count: Int { (batch + size - 1) / size }

  func sequences(_ part: Int) -> Range<Int> { part * size..<min((part + 1) * size, batch) }

  /// The results of every part, [B, …], one after another, computed without gradients.
  /// - Throws: what `body` throws, for the first part that does.
  func joined(_ body: (_ tokens: IntTensor) throws -> Tensor) throws -> Tensor {
    func result(_ part: Int) throws -> Tensor {
      let sequences = sequences(part)
      return try body(ids.narrow(0, sequences.lowerBound, sequences.count))
    }
    // The first part tells the shape of all.
    let first = try noGrad { try result(0) }
    if count == 1 { return first }
    let shape = [batch] + first.shape.dropFirst()
    return try Tensor.assembled(shape, parts: count) { part in
      part == 0 ? first : try result(part)
    } firstRow: {
      sequences($0).lowerBound
    }
  }

  /// The results for the selected rows, [R, width], computed part by part without gradients.
  func map(
    _ rows: RowSelection, width: Int,
    _ body: (_ tokens: IntTensor, _ rows: RowSelection) throws -> Tensor
  ) throws -> Tensor {
    try Tensor.assembled([rows.count, width], parts: count) { part in
      let sequences = sequences(part)
      let rows = rows.sequences(sequences)
      guard rows.count > 0 else { return try Tensor(full: [0, width], 0) }
      return try body(ids.narrow(0, sequences.lowerBound, sequences.count), rows)
    } firstRow: { part in
      rows.starts[sequences(part).lowerBound]
    }
  }
}
