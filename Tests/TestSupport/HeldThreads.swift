import Dispatch
import Tensors

/// The right to set the number of threads, which is the process's: one test has it at a time, and
/// leaves the number as it was.
public struct HeldThreads {
  private static let turn = DispatchSemaphore(value: 1)
  private let before: Int

  /// Waits until no other test holds it.
  public init() {
    Self.turn.wait()
    before = Parallel.threads
  }

  /// Gives it up.
  public func end() {
    Parallel.threads = before
    Self.turn.signal()
  }
}
