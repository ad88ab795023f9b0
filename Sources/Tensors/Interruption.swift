import Synchronization

/// Ends operations that run long when whoever waits for them no longer wants to.
///
/// The engine asks a function, given once by the layer above, between the parts of its loops. Once
/// it says yes, loops hand out no more parts: what they leave is no result, and must not get out.
/// So an interruption stays until it is taken, and everything that keeps numbers for longer than a
/// call either runs under `suspended` or begins with `check()`.
public enum Interruption {
  /// The error of an operation that was cut short, in the words of Lua's own interrupts.
  public static let error = EngineError("engine", "interrupted!")

  // Written once, before the first operation.
  nonisolated(unsafe) private static var isWanted: @Sendable () -> Bool = { false }
  private static let wasCut = Atomic<Bool>(false)
  private static let suspensions = Atomic<Int>(0)

  /// Sets the function that says whether to stop; it is called often and from any thread.
  public static func connect(_ isWanted: @escaping @Sendable () -> Bool) {
    self.isWanted = isWanted
  }

  /// Whether a loop should hand out no more parts; if so, its operation counts as cut short.
  package static var shouldStop: Bool {
    guard suspensions.load(ordering: .relaxed) == 0 else { return false }
    if wasCut.load(ordering: .relaxed) { return true }
    guard isWanted() else { return false }
    wasCut.store(true, ordering: .relaxed)
    return true
  }

  /// Whether an operation was cut short since the last question.
  public static func take() -> Bool {
    wasCut.load(ordering: .relaxed) && wasCut.exchange(false, ordering: .relaxed)
  }

  /// - Throws: `error` if an operation was cut short, so that its numbers go no further.
  public static func check() throws {
    if wasCut.load(ordering: .relaxed) { throw error }
  }

  /// Runs `body` to its end: it changes numbers in place, or keeps them.
  public static func suspended<R>(_ body: () throws -> R) rethrows -> R {
    suspensions.wrappingAdd(1, ordering: .relaxed)
    defer { suspensions.wrappingSubtract(1, ordering: .relaxed) }
    return try body()
  }
}
