import Foundation
import GRDB

/// One process's part in a sweep: takes points, one at a time, and brings results.
///
/// A point is taken in a transaction, so that no two processes have it, and kept by a heartbeat
/// from a thread of its own. One whose process has ended, or was not heard of for a minute, is
/// taken again; a result of whoever had it before is not written any more.
public final class SweepWorker: @unchecked Sendable {
  // Sendable: what changes is touched under `condition`.
  private let store: RunStore
  private let sweep: Int64
  private let me = ProcessIdentity.current
  private let condition = NSCondition()
  private var held: Int64?
  private var isStopped = false
  private let heartbeat: Double
  /// Why what was there before was removed; nil if it was not.
  public let replaced: String?

  /// A point that this worker has.
  public struct Claim: Sendable {
    public let id: Int64
    /// Its place in the grid, from 1.
    public let position: Int
    /// JSON.
    public let parameters: String
  }

  /// Joins a sweep, or begins it.
  /// - Parameters:
  ///   - store: where it is.
  ///   - plan: what it is to do.
  ///   - heartbeat: seconds between two signs of life.
  /// - Throws: `StoreError` if the sweep there is another one.
  public init(_ store: RunStore, _ plan: SweepPlan, heartbeat: Double = 5) throws {
    self.store = store
    self.heartbeat = heartbeat
    (sweep, replaced) = try store.openSweep(plan)
    let thread = Thread { [weak self, condition] in
      while true {
        condition.lock()
        _ = condition.wait(until: Date(timeIntervalSinceNow: heartbeat))
        condition.unlock()
        guard let self, self.beat() else { return }
      }
    }
    thread.name = "mnemo sweep"
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    thread.start()
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  deinit { stop() }

  /// Gives back the point at hand, and gives no sign of life any more.
  public func stop() {
    let point = condition.withLock {
      isStopped = true
      condition.broadcast()
      return held
    }
    if let point { try? giveBack(point) }
  }

  /// Takes the next point: in the order of the grid, those whose workers died last.
  /// - Returns: nil if there is none that nobody has.
  /// - Throws: `StoreError`.
  public func claim() throws -> Claim? {
    let now = RunStore.now
    let claim: Claim? = try store.write { db in
      try takeBackFromTheDead(now, db)
      guard
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT id, position, parameters FROM points
            WHERE sweep = ? AND state = 'open' AND position IS NOT NULL
            ORDER BY deaths, position LIMIT 1
            """, arguments: [sweep])
      else { return nil }
      let claim = Claim(id: row[0], position: row[1], parameters: row[2])
      try db.execute(
        sql: """
          UPDATE points SET state = 'running', worker = ?, process = ?, heartbeat = ?, started = ?,
            ended = NULL WHERE id = ?
          """, arguments: [me.name, me.text, now, now, claim.id])
      return claim
    }
    condition.withLock { held = claim?.id }
    return claim
  }

  private func takeBackFromTheDead(_ now: Double, _ db: Database) throws {
    let rows = try Row.fetchAll(
      db,
      sql: "SELECT id, process, heartbeat FROM points WHERE sweep = ? AND state = 'running'",
      arguments: [sweep])
    for row in rows {
      let silence = now - (row["heartbeat"] as Double? ?? 0)
      let process = row["process"] as String? ?? ""
      guard ProcessIdentity.isGone(process, silence: silence) else { continue }
      try db.execute(
        sql: """
          UPDATE points SET state = 'open', worker = NULL, process = NULL, deaths = deaths + 1
          WHERE id = ?
          """, arguments: [row["id"] as Int64])
    }
  }

  /// Writes what came of a point.
  /// - Returns: false if another process has it meanwhile: the result is not written.
  /// - Throws: `StoreError`.
  public func finish(_ claim: Claim, result: String) throws -> Bool {
    try end(claim, "state = 'done', result = ?, error = NULL", result)
  }

  /// Writes what went wrong with a point.
  /// - Returns: as `finish`.
  /// - Throws: `StoreError`.
  @discardableResult
  public func fail(_ claim: Claim, error: String) throws -> Bool {
    try end(claim, "state = 'failed', error = ?, result = NULL", error)
  }

  /// Gives a point back undone.
  /// - Throws: `StoreError`.
  public func release(_ claim: Claim) throws {
    defer { condition.withLock { held = nil } }
    try giveBack(claim.id)
  }

  private func giveBack(_ point: Int64) throws {
    try store.write { db in
      try db.execute(
        sql: """
          UPDATE points SET state = 'open', worker = NULL, process = NULL, heartbeat = NULL
          WHERE id = ? AND state = 'running' AND process = ?
          """, arguments: [point, me.text])
    }
  }

  private func end(_ claim: Claim, _ change: String, _ text: String) throws -> Bool {
    defer { condition.withLock { held = nil } }
    return try store.write { db in
      try db.execute(
        sql: """
          UPDATE points SET \(change), ended = ?, heartbeat = NULL
          WHERE id = ? AND state = 'running' AND process = ?
          """, arguments: [text, RunStore.now, claim.id, me.text])
      return db.changesCount == 1
    }
  }

  /// Gives a sign of life; false when there is no need for another.
  private func beat() -> Bool {
    let (point, goesOn) = condition.withLock { (held, !isStopped) }
    guard goesOn, let point else { return goesOn }
    // One that cannot be written now may be the next time.
    try? store.write { db in
      try db.execute(
        sql: "UPDATE points SET heartbeat = ? WHERE id = ? AND process = ? AND state = 'running'",
        arguments: [RunStore.now, point, me.text])
    }
    return true
  }

  /// How far the sweep is, over all workers.
  /// - Throws: `StoreError`.
  public func counts() throws -> SweepCounts {
    try store.read { try SweepCounts(of: sweep, $0) }
  }

  /// The points in their order, and what came of them so far.
  /// - Throws: `StoreError`.
  public func points() throws -> [SweepPoint] {
    try store.read { try RunStore.points(of: sweep, $0) }
  }
}
