import Synchronization
import ThreadPool

/// Thrown by what ended early because whoever waits for it no longer wants to.
public struct Stopped: Error, Equatable, CustomStringConvertible {
  /// The words of Lua's own interrupts.
  public var description: String { "interrupted!" }

  /// An error of something that was stopped.
  public init() {}
}

/// What a session hands down to its operations, so that they end when it no longer wants them.
///
/// The session makes it the ``current`` one of its thread; loops that run long ask it between their
/// parts, and hand it as a value to the lanes that run their parts. Once it says yes, they hand out
/// no more: what they leave is no result, and must not get out. So a token stays cut until
/// ``takeCut()``, and everything that keeps numbers for longer than a call either runs under
/// ``suspended(_:)`` or begins with ``check()``.
///
/// A session works on one thread, and so does its token; lanes may ask on its behalf. Two sessions
/// on two threads know nothing of each other.
public final class StopToken: Sendable {
  private let isWanted: @Sendable () -> Bool
  private let isUrgent: @Sendable () -> Bool
  @usableFromInline let wasCut = Atomic<Bool>(false)
  private let suspensions = Atomic<Int>(0)

  /// A token that asks functions, which any thread may call, often.
  ///
  /// - Parameters:
  ///   - isWanted: whether to stop after what is being done.
  ///   - isUrgent: whether to stop at once, in the middle of it.
  public init(isWanted: @escaping @Sendable () -> Bool, isUrgent: @escaping @Sendable () -> Bool) {
    (self.isWanted, self.isUrgent) = (isWanted, isUrgent)
  }

  /// A token for work of its own on another thread, which is stopped when that of `token` is.
  ///
  /// What is cut short or suspended under the one is not under the other.
  public convenience init(following token: StopToken) {
    self.init(isWanted: token.isWanted, isUrgent: token.isUrgent)
  }

  // MARK: The session

  /// The token of the calling thread's work; nil if nothing stops it.
  public static var current: StopToken? {
    thread_value().map { Unmanaged<StopToken>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Runs `body` with a token, or none, as the current one of this thread.
  public static func with<R>(_ token: StopToken?, _ body: () throws -> R) rethrows -> R {
    let outer = exchange(token.map { Unmanaged.passUnretained($0) })
    defer { _ = exchange(outer) }
    return try withExtendedLifetime(token) { try body() }
  }

  /// Makes a token, or none, the current one of this thread, and returns the one of before: for
  /// those who keep it alive and put that one back.
  @inlinable public static func exchange(_ token: Unmanaged<StopToken>?) -> Unmanaged<StopToken>? {
    thread_value_exchange(token?.toOpaque()).map { Unmanaged.fromOpaque($0) }
  }

  /// Whether to stop after what is being done.
  public var isRequested: Bool { isWanted() }

  /// Whether an operation was cut short since the last question.
  @inlinable public func takeCut() -> Bool {
    wasCut.load(ordering: .relaxed) && wasCut.exchange(false, ordering: .relaxed)
  }

  /// Whether an error says that work was stopped, or came of numbers that were cut short; the stop
  /// counts as heard then.
  public static func takes(_ error: any Error) -> Bool {
    current?.takeCut() == true || error is Stopped
  }

  // MARK: Operations

  /// The current token, unless what runs has to come to its end; asked before lanes begin.
  package static var heard: StopToken? {
    guard let token = current, token.suspensions.load(ordering: .relaxed) == 0 else { return nil }
    return token
  }

  /// Whether a loop should hand out no more parts; if so, its operation counts as cut short.
  package var shouldStop: Bool {
    if wasCut.load(ordering: .relaxed) { return true }
    guard isUrgent() else { return false }
    wasCut.store(true, ordering: .relaxed)
    return true
  }

  /// Whether a loop on the calling thread should stop; to be asked every few thousand elements.
  package static var stopsHere: Bool { heard?.shouldStop == true }

  /// Runs `body` on one range of 0..<`count` after the other, unless the work is no longer wanted.
  /// - Throws: `Stopped` between two ranges, and what `body` throws.
  package static func parts(
    _ count: Int, of grain: Int = 1 << 16, _ body: (Range<Int>) throws -> Void
  ) throws {
    let stop = heard
    for start in stride(from: 0, to: count, by: grain) {
      if stop?.shouldStop == true { throw Stopped() }
      try body(start..<min(count, start + grain))
    }
  }

  /// - Throws: `Stopped` if an operation was cut short, so that its numbers go no further.
  public static func check() throws {
    // Asked by every operation, so without counting who holds the token.
    guard let address = thread_value() else { return }
    let token = Unmanaged<StopToken>.fromOpaque(address)
    if token._withUnsafeGuaranteedRef({ $0.wasCut.load(ordering: .relaxed) }) { throw Stopped() }
  }

  /// - Throws: `Stopped` if whoever waits for this thread's operation no longer wants to.
  package static func checkpoint() throws {
    if stopsHere { throw Stopped() }
  }

  /// Runs `body` to its end: it changes numbers in place, or keeps them.
  public static func suspended<R>(_ body: () throws -> R) rethrows -> R {
    guard let token = current else { return try body() }
    token.suspensions.wrappingAdd(1, ordering: .relaxed)
    defer { token.suspensions.wrappingSubtract(1, ordering: .relaxed) }
    return try body()
  }
}
