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

  /// A seed for a task or model that was given none; small enough for any file format.
  func nextSeed() -> UInt64 {
    var stream = nextStream()
    return stream.next() >> 11
  }
}
