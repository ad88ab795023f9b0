import Dispatch
import Glibc
import Synchronization

/// Work that nothing can cut short, such as a call of LAPACK, for callers who may stop waiting.
///
/// It runs on a thread of its own, so it must own all it touches: an interrupted caller returns at
/// once, while the work goes on to its end, and what it holds is freed there. Of work left behind
/// little may go on at a time: who has more waits for a place first, and can be interrupted there.
package enum Abandonable {
  /// The most work that goes on at a time, that of the caller included.
  private static let mostRunning = 3
  private static let running = Atomic<Int>(0)
  private static let mostPatience = DispatchTimeInterval.milliseconds(5)

  /// Runs `body` and waits for it.
  ///
  /// Where nobody could interrupt, it runs on the calling thread.
  /// - Throws: What `body` throws, or `Interruption.error`.
  package static func run<R>(_ body: @escaping () throws -> R) throws -> R {
    guard Interruption.isHeard else { return try body() }
    endWithoutWaiting()
    while running.load(ordering: .relaxed) >= mostRunning {
      try Interruption.checkpoint()
      usleep(5000)
    }
    let work = Work(body)
    try start(work)
    while work.done.wait(timeout: .now() + mostPatience) == .timedOut {
      try Interruption.checkpoint()
    }
    return try work.outcome().get()
  }

  /// What a thread is given, and gives back.
  private class AnyWork { func run() {} }

  private final class Work<R>: AnyWork, @unchecked Sendable {
    // Sendable: the outcome is written before `done` is signalled and read after.
    private var body: (() throws -> R)?
    private var result: Result<R, any Error>?
    let done = DispatchSemaphore(value: 0)

    init(_ body: @escaping () throws -> R) { self.body = body }

    override func run() {
      result = body.map { body in Result { try body() } }
      // What the work held ends here, whoever still holds the outcome.
      body = nil
      done.signal()
    }

    func outcome() throws -> Result<R, any Error> {
      guard let result else { throw EngineError("engine", "a thread ended without an outcome") }
      return result
    }
  }

  private static func start(_ work: AnyWork) throws {
    running.wrappingAdd(1, ordering: .relaxed)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 16 << 20)
    var thread = pthread_t()
    let held = Unmanaged.passRetained(work)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<AnyWork>.fromOpaque(argument).takeRetainedValue().run() }
        Abandonable.running.wrappingSubtract(1, ordering: .relaxed)
        return nil
      }, held.toOpaque())
    guard status == 0 else {
      held.release()
      running.wrappingSubtract(1, ordering: .relaxed)
      throw EngineError("engine", "no thread: \(String(cString: strerror(status)))")
    }
  }

  /// Lets the process end while work goes on: OpenBLAS frees its memory at the end, under the hands
  /// of who still uses it.
  private static func endWithoutWaiting() { _ = leaving }

  private static let leaving: Int32 = on_exit(
    { status, _ in
      guard Abandonable.running.load(ordering: .relaxed) > 0 else { return }
      fflush(nil)
      _exit(status)
    }, nil)
}
