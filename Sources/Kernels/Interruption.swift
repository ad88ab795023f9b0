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
  nonisolated(unsafe) private static var isOnThread: @Sendable () -> Bool = { false }
  nonisolated(unsafe) private static var isWanted: @Sendable () -> Bool = { false }
  private static let wasCut = Atomic<Bool>(false)
  private static let suspensions = Atomic<Int>(0)

  /// Sets the functions that decide; they are called often.
  ///
  /// - Parameters:
  ///   - isOnThread: Whether the calling thread is the one whose operations may be interrupted.
  ///   - isWanted: Whether to stop; asked from any thread.
  public static func connect(
    isOnThread: @escaping @Sendable () -> Bool, isWanted: @escaping @Sendable () -> Bool
  ) {
    (self.isOnThread, self.isWanted) = (isOnThread, isWanted)
  }

  /// Whether operations of the calling thread may be interrupted now; asked before lanes begin.
  package static var isHeard: Bool {
    suspensions.load(ordering: .relaxed) == 0 && isOnThread()
  }

  /// Whether a loop should hand out no more parts; if so, its operation counts as cut short.
  ///
  /// Only for operations that are heard; lanes may ask on their behalf.
  package static var shouldStop: Bool {
    if wasCut.load(ordering: .relaxed) { return true }
    guard isWanted() else { return false }
    wasCut.store(true, ordering: .relaxed)
    return true
  }

  /// Whether a loop on the calling thread should stop; to be asked every few thousand elements.
  package static var stopsHere: Bool { isHeard && shouldStop }

  /// Runs `body` on one range of 0..<`count` after the other, unless the work is no longer wanted.
  /// - Throws: `error` between two ranges, and what `body` throws.
  package static func parts(
    _ count: Int, of grain: Int = 1 << 16, _ body: (Range<Int>) throws -> Void
  ) throws {
    let isHeard = isHeard
    for start in stride(from: 0, to: count, by: grain) {
      if isHeard && shouldStop { throw error }
      try body(start..<min(count, start + grain))
    }
  }

  /// Whether an operation was cut short since the last question.
  public static func take() -> Bool {
    wasCut.load(ordering: .relaxed) && isOnThread() && wasCut.exchange(false, ordering: .relaxed)
  }

  /// - Throws: `error` if an operation was cut short, so that its numbers go no further.
  public static func check() throws {
    if wasCut.load(ordering: .relaxed), isOnThread() { throw error }
  }

  /// - Throws: `error` if whoever waits for this thread's operation no longer wants to.
  package static func checkpoint() throws {
    if stopsHere { throw error }
  }

  /// Runs `body` to its end: it changes numbers in place, or keeps them.
  public static func suspended<R>(_ body: () throws -> R) rethrows -> R {
    suspensions.wrappingAdd(1, ordering: .relaxed)
    defer { suspensions.wrappingSubtract(1, ordering: .relaxed) }
    return try body()
  }
}
