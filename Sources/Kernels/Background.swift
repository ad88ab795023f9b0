import Dispatch
import Synchronization
import ThreadPool

/// Work that is begun ahead on a thread in the background, and otherwise done by who wants its
/// outcome.
package final class Background<R>: @unchecked Sendable {
  // Sendable: who finds that the body has not begun runs it, alone, and writes the outcome before
  // `done` is signalled; it is read after.
  private let hasBegun = Atomic<Bool>(false)
  private let done = DispatchSemaphore(value: 0)
  private let body: () throws -> R
  private var result: Result<R, any Error>?
  private let generation = thread_pool_generation()

  /// - Parameters:
  ///   - usesAllThreads: whether loops inside it may use other threads, too.
  ///   - body: the work; it runs on any thread, once at the most unless the process forks, and as
  ///     a rule everything inside it on that thread.
  package init(usesAllThreads: Bool = false, _ body: @escaping () throws -> R) {
    self.body = usesAllThreads ? body : { try Parallel.onOneThread(body) }
    let held = Unmanaged.passRetained(Errand(self))
    let isTaken = thread_pool_background(
      { argument in
        if let argument { Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue().run() }
      }, held.toOpaque())
    if !isTaken { held.release() }
  }

  /// Waits for the outcome, or works it out here if no thread has begun.
  /// - Throws: What the body throws.
  package func outcome() throws -> R {
    run()
    // A thread of the process before a fork does not end here.
    guard generation == thread_pool_generation() else { return try body() }
    done.wait()
    done.signal()
    return try (result ?? Result { try body() }).get()
  }

  /// Runs the body unless it has begun.
  fileprivate func run() {
    if hasBegun.exchange(true, ordering: .relaxed) { return }
    result = Result { try body() }
    done.signal()
  }
}

/// What the thread is given: C cannot name a generic class.
private final class Errand {
  private let work: () -> Void

  init<R>(_ background: Background<R>) { work = { background.run() } }

  func run() { work() }
}
