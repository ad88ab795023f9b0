/// Draws from a categorical distribution in constant time (Walker 1977; Vose 1991).
///
/// Building costs O(n); a draw costs two random words. Weights need not sum to 1.
public struct AliasTable: Sendable {
  /// A draw ends at a column, or at its alias if the coin is not below the threshold.
  private struct Column {
    let threshold: UInt32
    let alias: Int32
  }

  /// Side by side, so that a draw looks at one place.
  private let columns: [Column]

  /// A table for these weights.
  /// - Throws: `EngineError` if a weight is negative or not finite, or none is positive.
  public init(weights: [Double]) throws {
    let total = weights.reduce(0, +)
    guard !weights.isEmpty, weights.allSatisfy({ $0 >= 0 && $0.isFinite }), total > 0,
      total.isFinite
    else {
      throw EngineError(
        "categorical", "weights must be finite, not negative and not all zero")
    }
    let n = weights.count
    var scaled = weights.map { $0 / total * Double(n) }
    var alias = [Int32](0..<Int32(n))
    var probability = [Double](repeating: 1, count: n)
    var small = [Int]()
    var large = [Int]()
    try StopToken.parts(n) { part in
      for i in part { if scaled[i] < 1 { small.append(i) } else { large.append(i) } }
    }
    while let s = small.last, let l = large.last {
      if small.count & 0xFFFF == 0 { try StopToken.checkpoint() }
      small.removeLast()
      probability[s] = scaled[s]
      alias[s] = Int32(l)
      scaled[l] -= 1 - scaled[s]
      if scaled[l] < 1 {
        large.removeLast()
        small.append(l)
      }
    }
    // What rounding left in `small` has probability 1, except that a zero weight must stay
    // impossible: it takes the most likely symbol as its alias.
    let heaviest = weights.indices.max { weights[$0] < weights[$1] } ?? 0
    for i in small where weights[i] == 0 {
      probability[i] = 0
      alias[i] = Int32(heaviest)
    }
    columns = zip(probability, alias).map { p, alias in
      Column(
        threshold: p >= 1 ? UInt32.max : UInt32((p * 0x1p32).rounded(.down)), alias: alias)
    }
  }

  /// Number of categories.
  public var count: Int { columns.count }

  /// Draws one category, counted from 0.
  @inline(__always)
  public func sample(using stream: inout RandomStream) -> Int {
    let place = Int(stream.below(UInt32(truncatingIfNeeded: columns.count)))
    let coin = stream.nextWord()
    let column = columns[place]
    // A threshold of all ones means "always this column": its alias is itself.
    return coin < column.threshold ? place : Int(column.alias)
  }
}
