/// Which positions of a batch of sequences are wanted: a loss mask, turned into rows.
///
/// A loss on some positions needs queries, outputs and logits there only, while keys and values are
/// needed everywhere before. An operation that takes a selection works on R rows, in the order of
/// sequences and, within one, of positions.
///
/// Legend: *B* batch, *T* sequence length, *R* number of rows.
public final class RowSelection: Sendable {
  /// The rows as kernels take them.
  let rows: Rows
  /// Whether every position of every sequence is selected.
  public let isEverything: Bool

  /// Every position.
  public init(everyPositionOf batch: Int, length: Int) {
    rows = Rows(
      batch: batch, length: length,
      positions: (0..<batch * length).map { Int32(truncatingIfNeeded: $0 % max(length, 1)) },
      starts: (0...batch).map { $0 * length })
    isEverything = true
  }

  /// The last position of every sequence.
  public init(lastPositionOf batch: Int, length: Int) {
    let count = length > 0 ? batch : 0
    rows = Rows(
      batch: batch, length: length,
      positions: [Int32](repeating: Int32(truncatingIfNeeded: length - 1), count: count),
      starts: (0...batch).map { min($0, count) })
    isEverything = length == 1
  }

  /// The last position of every sequence where a mask, [B], is not 0.
  public init(lastPositionWhere mask: Tensor, length: Int) throws {
    var starts = [0]
    starts.reserveCapacity(mask.count + 1)
    try mask.withElements { elements in
      for (b, weight) in elements.enumerated() { starts.append(starts[b] + (weight == 0 ? 0 : 1)) }
    }
    let batch = starts.count - 1
    rows = Rows(
      batch: batch, length: length,
      positions: [Int32](
        repeating: Int32(truncatingIfNeeded: length - 1), count: starts[batch]),
      starts: starts)
    isEverything = length == 1 && starts[batch] == batch
  }

  /// Of values [B], one for each sequence, those of each row's sequence, [R].
  public func ofSequences(_ x: Tensor) throws -> Tensor {
    try isOneEach ? x : x.rows(sequences)
  }

  /// Of ids [B], one for each sequence, those of each row's sequence, [R].
  public func ofSequences(_ ids: IntTensor) throws -> IntTensor {
    try isOneEach ? ids : ids.rows(sequences)
  }

  /// Whether every sequence has one row.
  private var isOneEach: Bool { starts.elementsEqual(0...batch) }

  /// The sequence of each row, [R].
  private var sequences: IntTensor {
    get throws {
      try IntTensor(
        (0..<batch).flatMap { b in
          [Int32](repeating: Int32(truncatingIfNeeded: b), count: starts[b + 1] - starts[b])
        })
    }
  }

  /// `count` rows in every sequence that stand at its last position: each sees all of it.
  init(atTheEndOf batch: Int, length: Int, count: Int) {
    rows = Rows(
      batch: batch, length: length,
      positions: [Int32](repeating: Int32(truncatingIfNeeded: length - 1), count: batch * count),
      starts: (0...batch).map { $0 * count })
    isEverything = length == 1 && count == 1
  }

  /// 1 at the selected positions and 0 elsewhere, [B, T].
  /// - Throws: `EngineError` if there is no memory for it.
  public func mask() throws -> Tensor {
    let result = try Tensor(full: [batch, length], 0)
    try result.withMutableElements { mask in
      for b in 0..<batch {
        for row in starts[b]..<starts[b + 1] { mask[b * length + Int(positions[row])] = 1 }
      }
    }
    return result
  }

  /// The positions where a mask [B, T] is not 0.
  /// - Throws: `EngineError` if the mask is not a matrix.
  public init(mask: Tensor) throws {
    guard mask.rank == 2 else {
      throw EngineError("row selection", "needs a mask of shape [B, T], got \(mask.shape)")
    }
    let (batch, length) = (mask.shape[0], mask.shape[1])
    let (positions, starts) = try mask.withElements { elements in
      var positions = [Int32]()
      var starts = [0]
      for b in 0..<batch {
        for t in 0..<length where elements[b * length + t] != 0 {
          positions.append(Int32(truncatingIfNeeded: t))
        }
        starts.append(positions.count)
      }
      return (positions, starts)
    }
    rows = Rows(batch: batch, length: length, positions: positions, starts: starts)
    isEverything = positions.count == batch * length
  }

  /// These rows of one sequence where `count` positions come before it.
  /// - Throws: `EngineError` if this is not a selection in one sequence.
  public func after(_ count: Int) throws -> RowSelection {
    guard batch == 1 else {
      throw EngineError("row selection", "one sequence expected, got \(batch)")
    }
    let positions = positions.map { $0 &+ Int32(truncatingIfNeeded: count) }
    return RowSelection(
      Rows(batch: 1, length: count + length, positions: positions, starts: starts),
      isEverything: isEverything && count == 0)
  }

  private init(_ rows: Rows, isEverything: Bool) {
    (self.rows, self.isEverything) = (rows, isEverything)
  }

  /// B, the number of sequences.
  public var batch: Int { rows.batch }
  /// T, the length of each.
  public var length: Int { rows.length }
  /// The position of each row in its sequence, [R], counted from 0, none before that
  /// of the row above it in its sequence.
  public var positions: [Int32] { rows.positions }
  /// Sequence b owns rows `starts[b] ..< starts[b + 1]`.
  public var starts: [Int] { rows.starts }

  /// The selection in some of the sequences, which then count from 0.
  /// - Precondition: `sequences` lies in 0 ..< B.
  public func sequences(_ sequences: Range<Int>) -> RowSelection {
    let rows = self.rows(of: sequences)
    return RowSelection(
      Rows(
        batch: sequences.count, length: length, positions: Array(positions[rows]),
        starts: starts[sequences.lowerBound...sequences.upperBound].map { $0 - rows.lowerBound }),
      isEverything: isEverything || rows.count == sequences.count * length)
  }

  /// The rows that these sequences own.
  public func rows(of sequences: Range<Int>) -> Range<Int> {
    starts[sequences.lowerBound]..<starts[sequences.upperBound]
  }

  /// R, the number of rows.
  public var count: Int { positions.count }

  /// The selected rows' places in a tensor of [B·T] rows, [R].
  public func flatIndices() throws -> IntTensor {
    let result = try IntTensor(shape: [count])
    try result.withMutableElements { out in
      for b in 0..<batch {
        for r in starts[b]..<starts[b + 1] {
          out[r] = Int32(truncatingIfNeeded: b * length) &+ positions[r]
        }
      }
    }
    return result
  }

  /// The selected rows of `x` [B, T, …], as [R, …].
  /// - Throws: `EngineError` if `x` does not begin with this selection's B and T.
  public func rows(of x: Tensor) throws -> Tensor {
    try check(x.shape, "rows")
    return isEverything
      ? try x.reshape([batch * length] + x.shape.dropFirst(2))
      : try x.rows(flatIndices(), flattening: 2)
  }

  /// The selected numbers of `x` [B, T], as [R].
  /// - Throws: `EngineError` if `x` is not of this selection's shape.
  public func values(of x: Tensor) throws -> Tensor {
    try rows(of: x.reshape(x.shape + [1])).reshape([count])
  }

  /// The selected entries of `ids` [B, T], as [R].
  /// - Throws: `EngineError` if `ids` is not of this selection's shape.
  public func rows(of ids: IntTensor) throws -> IntTensor {
    try check(ids.shape, "rows")
    let flat = try ids.reshape([batch * length])
    return isEverything ? flat : try flat.rows(flatIndices())
  }

  func check(_ shape: [Int], _ operation: String) throws {
    guard shape.count >= 2, shape[0] == batch, shape[1] == length else {
      throw EngineError(
        operation,
        "a selection from [\(batch), \(length)] does not fit a tensor of shape \(shape)")
    }
  }
}
