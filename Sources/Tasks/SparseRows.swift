import Tensors

/// Categorical distributions, one a row, of which only the categories of positive probability are
/// stored.
///
/// Immutable, so any thread may draw from it. Memory grows with the number of stored entries, a
/// draw takes constant time, a restricted draw the logarithm of the row's length.
struct SparseRows: Sendable {
  /// One category of a row and its weight.
  struct Entry {
    var column: Int32
    var weight: Double
  }

  /// Row r owns the entries `start[r]..<start[r + 1]`, by ascending column.
  private let start: [Int]
  private let columns: [Int32]
  private let probabilities: [Double]
  /// Sum of the probabilities of a row up to and including the entry.
  private let cumulative: [Double]
  /// Alias table of each row that is not empty.
  private let tables: [AliasTable?]

  /// Rows of these entries, by ascending column; probabilities of zero are left out.
  /// - Throws: `EngineError` if a row's weights are negative or not finite.
  init(rows: [[Entry]]) throws {
    var start = [0]
    var columns: [Int32] = []
    var probabilities: [Double] = []
    var cumulative: [Double] = []
    var tables: [AliasTable?] = []
    for (r, row) in rows.enumerated() {
      if r & 0xFFFF == 0 || row.count > 1 << 16 { try StopToken.checkpoint() }
      let total = row.reduce(0) { $0 + $1.weight }
      // A weight far below the others may round to a probability of zero.
      let kept = row.filter { $0.weight / total > 0 }
      var sum = 0.0
      for (e, entry) in kept.enumerated() {
        if e & 0xFFFF == 0 { try StopToken.checkpoint() }
        sum += entry.weight / total
        columns.append(entry.column)
        probabilities.append(entry.weight / total)
        cumulative.append(sum)
      }
      tables.append(kept.isEmpty ? nil : try AliasTable(weights: kept.map(\.weight)))
      start.append(columns.count)
    }
    self.start = start
    self.columns = columns
    self.probabilities = probabilities
    self.cumulative = cumulative
    self.tables = tables
  }

  /// Whether row `r` has no entries.
  func isEmpty(_ r: Int) -> Bool { start[r] == start[r + 1] }

  /// Number of categories of positive probability in row `r`.
  func count(_ r: Int) -> Int { start[r + 1] - start[r] }

  /// Calls `body(column, probability)` for every entry of row `r`.
  func forEach(_ r: Int, _ body: (Int, Double) -> Void) {
    for e in start[r]..<start[r + 1] { body(Int(columns[e]), probabilities[e]) }
  }

  /// Draws from row `r`, which must not be empty.
  @inline(__always)
  func sample(_ r: Int, using stream: inout RandomStream) -> Int32 {
    guard let table = tables[r] else { preconditionFailure("drawing from an empty row") }
    return columns[start[r] &+ table.sample(using: &stream)]
  }

  /// Whether row `r` has an entry in `range` other than `excluded`.
  func hasMass(_ r: Int, in range: ClosedRange<Int>, excluding excluded: Int?) -> Bool {
    let (before, after) = segments(r, in: range, excluding: excluded)
    return !before.isEmpty || !after.isEmpty
  }

  /// Draws from row `r` given that the category lies in `range` and is not `excluded`; nil if no
  /// such category has positive probability.
  func sample(
    _ r: Int, in range: ClosedRange<Int>, excluding excluded: Int?,
    using stream: inout RandomStream
  ) -> Int32? {
    let (before, after) = segments(r, in: range, excluding: excluded)
    if before.isEmpty && after.isEmpty { return nil }
    let (first, second) = (mass(before, row: r), mass(after, row: r))
    let u = stream.uniformDouble() * (first + second)
    return after.isEmpty || (u < first && !before.isEmpty)
      ? entry(in: before, above: u, row: r)
      : entry(in: after, above: u - first, row: r)
  }

  /// The entries of row `r` in `range` before and after the excluded column.
  private func segments(
    _ r: Int, in range: ClosedRange<Int>, excluding excluded: Int?
  ) -> (Range<Int>, Range<Int>) {
    let low = firstEntry(r, from: range.lowerBound)
    let high = max(low, firstEntry(r, from: range.upperBound + 1))
    guard let excluded, range.contains(excluded) else { return (low..<high, high..<high) }
    return (low..<firstEntry(r, from: excluded), firstEntry(r, from: excluded + 1)..<high)
  }

  /// The first entry of row `r` whose column is at least `column`.
  private func firstEntry(_ r: Int, from column: Int) -> Int {
    bisect(start[r]..<start[r + 1]) { Int(columns[$0]) >= column }
  }

  private func cumulated(before entry: Int, row r: Int) -> Double {
    entry == start[r] ? 0 : cumulative[entry - 1]
  }

  private func mass(_ entries: Range<Int>, row r: Int) -> Double {
    cumulated(before: entries.upperBound, row: r) - cumulated(before: entries.lowerBound, row: r)
  }

  /// The entry whose share of the cumulated probability of `entries` holds `u`.
  private func entry(in entries: Range<Int>, above u: Double, row r: Int) -> Int32 {
    let base = cumulated(before: entries.lowerBound, row: r)
    let found = bisect(entries) { cumulative[$0] - base > u }
    return columns[min(found, entries.upperBound - 1)]
  }

  /// The first place in `range` where `predicate` turns true, else its end.
  private func bisect(_ range: Range<Int>, _ predicate: (Int) -> Bool) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if predicate(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
