import Dispatch
import Glibc
import Synchronization

/// Work that nothing can cut short, such as a call of LAPACK, for callers who may stop waiting.
///
/// It runs on a thread of its own, so it must own all it touches: an interrupted caller returns at
/// once, while the work goes on to its end, and what it holds is freed there. Of work left behind
/// little may go on at a time: who has more waits for a place first, and can be interrupted there.
/// Task-local values of the caller, such as whether gradients are recorded, are not those of the
/// thread.
package enum Abandonable {
  /// Places for the work that goes on at a time, that of the caller included.
  private static let places = DispatchSemaphore(value: 3)
  private static let running = Atomic<Int>(0)
  private static let mostPatience = DispatchTimeInterval.milliseconds(5)

  /// Runs `body` and waits for it.
  ///
  /// Where nobody could interrupt, or no thread can be had, it runs on the calling thread.
  /// - Throws: What `body` throws, or `Stopped`.
  package static func run<R>(_ body: @escaping () throws -> R) throws -> R {
    guard StopToken.heard != nil else { return try body() }
    endWithoutWaiting()
    try wait(for: places)
    let work = Work(body)
    guard start(work) else { return try body() }
    try wait(for: work.done)
    return try work.outcome().get()
  }

  private static func wait(for semaphore: DispatchSemaphore) throws {
    while semaphore.wait(timeout: .now() + mostPatience) == .timedOut {
      try StopToken.checkpoint()
    }
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

  /// Runs work on a thread of its own, if there is one to be had.
  private static func start(_ work: AnyWork) -> Bool {
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
        Abandonable.leave()
        return nil
      }, held.toOpaque())
    guard status == 0 else {
      held.release()
      leave()
      return false
    }
    return true
  }

  private static func leave() {
    running.wrappingSubtract(1, ordering: .relaxed)
    places.signal()
  }

  /// Lets the process end while work goes on: OpenBLAS frees its memory at the end, under the hands
  /// of who still uses it.
  ///
  /// Only the command hears interrupts: nothing is left running, or registered here, in a program
  /// that has the library.
  private static func endWithoutWaiting() { _ = leaving }

  private static let leaving: Int32 = on_exit(
    { status, _ in
      guard Abandonable.running.load(ordering: .relaxed) > 0 else { return }
      fflush(nil)
      _exit(status)
    }, nil)
}
