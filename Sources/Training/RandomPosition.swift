/// Where a session's random numbers stand: what is drawn next follows from it.
public struct RandomPosition: Codable, Equatable, Sendable {
  /// The seed that draws follow.
  public var seed: UInt64
  /// How many draws were made.
  public var draws: UInt64

  /// A place in the numbers of a seed.
  public init(seed: UInt64, draws: UInt64) { (self.seed, self.draws) = (seed, draws) }
}

/// Whose random numbers a run's functions draw.
public protocol RandomSession: AnyObject {
  /// Where they stand.
  var randomPosition: RandomPosition { get set }
}
