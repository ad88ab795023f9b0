import Foundation
import GRDB

/// Writes what runs measure into a store, on a thread of its own: all that came within half a
/// second at once.
///
/// Whoever measures only notes it here. What could not be written is told to the next who notes
/// something, stays, and is tried again with what comes.
public final class MetricsWriter: @unchecked Sendable {
  // Sendable: what changes is touched under `condition`.
  private let store: RunStore
  private let condition = NSCondition()
  private var pending: [Change] = []
  /// Runs that go on.
  private var alive: Set<Int64> = []
  private var isWriting = false
  private var failure: StoreError?
  /// The thread's number, so that one that is to end is not taken for one that was begun after.
  private var generation = 0
  private var beat = 0.0

  /// The longest that something waits, in seconds.
  static let interval = 0.5
  /// Seconds between two signs of life.
  static let heartbeat = 5.0

  private enum Change {
    case value(run: Int64, step: Int, name: String, Double)
    case rewind(run: Int64, step: Int)
  }

  /// A writer into a store.
  public init(_ store: RunStore) { self.store = store }

  /// Begins a run and returns its number.
  /// - Throws: `StoreError`.
  public func begin(_ facts: RunFacts) throws -> Int64 {
    let run = try store.beginRun(facts)
    join(run)
    return run
  }

  /// Goes on with a run that had ended.
  /// - Throws: `StoreError`.
  public func resume(_ run: Int64) throws {
    try store.continueRun(run)
    join(run)
  }

  /// Notes what was measured at a step.
  /// - Throws: `StoreError` if what was noted before could not be written.
  public func add(run: Int64, step: Int, _ values: [(name: String, value: Double)]) throws {
    try note(values.map { .value(run: run, step: step, name: $0.name, $0.value) })
  }

  /// Notes that what was measured after a step is no longer the run's.
  /// - Throws: as `add`.
  public func rewind(run: Int64, after step: Int) throws {
    try note([.rewind(run: run, step: step)])
  }

  /// Writes what was noted.
  /// - Throws: `StoreError` if it cannot be written.
  public func flush() throws {
    drain()
    try condition.withLock { try throwFailure() }
  }

  /// Writes what a run measured and how it ended, as far as possible.
  ///
  /// That is `finished`, `stopped`, `interrupted` or `failed`. After the last run the thread ends.
  public func end(_ run: Int64, _ state: String) {
    drain()
    try? store.endRun(run, state)
    condition.withLock {
      alive.remove(run)
      if alive.isEmpty { generation += 1 }
      condition.broadcast()
    }
  }

  // MARK: Helpers

  private func join(_ run: Int64) {
    condition.withLock {
      if alive.isEmpty {
        generation += 1
        let number = generation
        let thread = Thread { self.work(number) }
        thread.name = "mnemo store"
        // The scripts' thread is the one that hears of signals.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        thread.start()
        pthread_sigmask(SIG_SETMASK, &before, nil)
      }
      alive.insert(run)
    }
  }

  private func note(_ changes: [Change]) throws {
    try condition.withLock {
      pending += changes
      try throwFailure()
    }
  }

  /// Throws what went wrong, once.
  private func throwFailure() throws {
    guard let failure else { return }
    self.failure = nil
    throw failure
  }

  /// The thread's loop.
  private func work(_ number: Int) {
    while condition.withLock({
      if generation == number {
        _ = condition.wait(until: Date(timeIntervalSinceNow: Self.interval))
      }
      return generation == number
    }) {
      drain()
    }
  }

  /// Writes what is pending; of two threads that want to, the second waits.
  private func drain() {
    condition.lock()
    while isWriting { condition.wait() }
    let now = RunStore.now
    let signs = now - beat >= Self.heartbeat ? alive : []
    guard !pending.isEmpty || !signs.isEmpty else { return condition.unlock() }
    let changes = pending
    (pending, isWriting) = ([], true)
    condition.unlock()
    let outcome = Result { try write(changes, signs, now) }
    condition.withLock {
      isWriting = false
      switch outcome {
      case .success:
        failure = nil
        if !signs.isEmpty { beat = now }
      case .failure(let error):
        failure = error as? StoreError ?? StoreError("store: \(error)")
        pending = changes + pending
      }
      condition.broadcast()
    }
  }

  private func write(_ changes: [Change], _ signs: Set<Int64>, _ now: Double) throws {
    try store.write { db in
      let insert = try db.cachedStatement(
        sql: "INSERT OR REPLACE INTO metrics (run, step, name, value) VALUES (?, ?, ?, ?)")
      for change in changes {
        switch change {
        case .value(let run, let step, let name, let value):
          // SQLite takes a NaN for NULL.
          try insert.execute(arguments: [run, step, name, value])
        case .rewind(let run, let step):
          try db.execute(
            sql: "DELETE FROM metrics WHERE run = ? AND step > ?", arguments: [run, step])
        }
      }
      for run in signs {
        try db.execute(
          sql: "UPDATE runs SET heartbeat = ? WHERE id = ?", arguments: [now, run])
      }
    }
  }
}
