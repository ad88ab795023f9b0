import Testing

/// Pearson's χ² over any number of independent tables of counts.
public struct ChiSquare {
  private var statistic = 0.0
  private var freedom = 0.0

  /// Over no table yet.
  public init() {}

  /// Adds a table of counts and the probabilities (or weights) of its cells.
  ///
  /// Cells that expect less than 5 are merged.
  public mutating func add(_ counts: [Int], _ weights: [Double]) {
    let (n, total) = (Double(counts.reduce(0, +)), weights.reduce(0, +))
    var cells = 0.0
    var rest = (count: 0.0, expected: 0.0)
    for (count, weight) in zip(counts, weights) {
      let expected = n * weight / total
      if expected >= 5 {
        addCell(Double(count), expected)
        cells += 1
      } else {
        rest = (rest.count + Double(count), rest.expected + expected)
      }
    }
    if rest.expected >= 5 || rest.count > 0 {
      // Impossible counts make the statistic infinite.
      addCell(rest.count, rest.expected)
      cells += 1
    }
    freedom += max(cells - 1, 0)
  }

  private mutating func addCell(_ count: Double, _ expected: Double) {
    statistic += (count - expected) * (count - expected) / expected
  }

  /// Expects the counts to fit, at p ≈ 1e-4 by Wilson and Hilferty's approximation.
  public func expectFit(
    atLeast least: Double = 1, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(freedom >= least, "too few counts to test anything", sourceLocation: sourceLocation)
    guard freedom > 0 else { return }
    let spread = 2 / (9 * freedom)
    let root = 1 - spread + 3.719 * spread.squareRoot()
    let critical = freedom * root * root * root
    #expect(
      statistic < critical, "χ² = \(statistic) with \(freedom) degrees of freedom",
      sourceLocation: sourceLocation)
  }
}

/// Expects the counts of one table to fit the weights of its cells.
public func expectFit(
  _ counts: [Int], _ weights: [Double], sourceLocation: SourceLocation = #_sourceLocation
) {
  var test = ChiSquare()
  test.add(counts, weights)
  test.expectFit(atLeast: 0, sourceLocation: sourceLocation)
}
