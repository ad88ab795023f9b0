import Tensors

/// What a module remembers between calls: the seed, and how many draws followed it.
final class Session {
  /// The seed that draws without one of their own follow.
  var seed: UInt64 = 0 {
    didSet { draws = 0 }
  }
  private var draws: UInt64 = 0

  /// A stream of its own for one call that draws numbers.
  func nextStream() -> RandomStream {
    defer { draws += 1 }
    return RandomStream(seed: seed, purpose: .tensor, index: draws)
  }

  private var aliasTables: [ObjectIdentifier: PreparedWeights] = [:]

  /// A tensor's weights, prepared for drawing.
  private struct PreparedWeights {
    weak var tensor: Tensor?
    let version: Int
    let table: AliasTable
  }

  /// The alias table of a vector of weights, made at its first use and when it has changed.
  func aliasTable(_ weights: Tensor) throws -> AliasTable {
    let key = ObjectIdentifier(weights)
    if let known = aliasTables[key], known.tensor === weights, known.version == weights.version {
      return known.table
    }
    guard weights.rank == 1 else {
      throw EngineError("categorical", "needs a vector of weights, got shape \(weights.shape)")
    }
    if aliasTables.count > 4096 { aliasTables = aliasTables.filter { $0.value.tensor != nil } }
    let table = try AliasTable(weights: weights.elements().map(Double.init))
    aliasTables[key] = PreparedWeights(tensor: weights, version: weights.version, table: table)
    return table
  }

  /// A seed for a task or model that was given none; small enough for any file format.
  func nextSeed() -> UInt64 {
    var stream = nextStream()
    return stream.next() >> 11
  }
}
