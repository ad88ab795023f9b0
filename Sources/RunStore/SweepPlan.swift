import Foundation
import GRDB

/// What a sweep is to do, as a script says it.
public struct SweepPlan: Sendable {
  /// The sweep's name, by which later starts find it.
  public var name: String
  /// The points: each with its place in the grid, from 1, and its parameters as JSON.
  public var points: [(position: Int, parameters: String)]
  /// The script's path, and its SHA-256.
  public var script: String?
  public var scriptHash: String?
  /// The script's arguments, as JSON.
  public var arguments = "[]"
  /// The version of mnemo.
  public var version = ""
  /// Whether to go on, with the results that there are, although script, arguments, points or mnemo
  /// are others than those before.
  public var isForced = false
  /// Whether to begin anew in that case, without the results that there are.
  public var isOverwriting = false
  /// Whether points that failed are tried again.
  public var retriesFailed = false

  /// A plan of points.
  public init(name: String, points: [(position: Int, parameters: String)]) {
    (self.name, self.points) = (name, points)
  }
}

extension RunStore {
  /// Finds or makes a sweep with its points.
  /// - Returns: its number; and if what was there before was removed, why in a few words.
  /// - Throws: `StoreError` if what is there was begun by another script, with other arguments,
  ///   points or another mnemo, and the plan is neither forced nor overwriting; or if others work
  ///   on what is to be removed.
  func openSweep(_ plan: SweepPlan) throws -> (id: Int64, replaced: String?) {
    try write { db in
      let known = try Row.fetchOne(
        db, sql: "SELECT * FROM sweeps WHERE name = ?", arguments: [plan.name])
      var difference: Difference?
      if let known, !plan.isForced { difference = try self.difference(plan, known, db) }
      let sweep: Int64
      if let known, difference == nil {
        sweep = known["id"]
        if plan.isForced { try describe(plan, in: sweep, db) }
      } else {
        if let known, let difference { try remove(plan, known, because: difference, db) }
        try db.execute(
          sql: "INSERT INTO sweeps (name, created, arguments) VALUES (?, ?, '')",
          arguments: [plan.name, RunStore.now])
        sweep = db.lastInsertedRowID
        try describe(plan, in: sweep, db)
      }
      try place(plan, in: sweep, db)
      if plan.retriesFailed {
        try db.execute(
          sql:
            "UPDATE points SET state = 'open', error = NULL WHERE sweep = ? AND state = 'failed'",
          arguments: [sweep])
      }
      return (sweep, difference?.short)
    }
  }

  /// Writes what a sweep is begun with.
  private func describe(_ plan: SweepPlan, in sweep: Int64, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE sweeps SET script = ?, script_hash = ?, arguments = ?, version = ? WHERE id = ?
        """,
      arguments: [plan.script, plan.scriptHash, plan.arguments, plan.version, sweep])
  }

  /// What a sweep was begun with that a plan has not: in short, and with what is known of it.
  private struct Difference {
    let short: String
    let long: String
  }

  /// Says what a sweep was begun with that the plan has not; nil if it is the same.
  private func difference(_ plan: SweepPlan, _ known: Row, _ db: Database) throws -> Difference? {
    if let hash = plan.scriptHash, let before = known["script_hash"] as String?, hash != before {
      return Difference(
        short: "the script has changed",
        long: "the script '\(plan.script ?? "")' has changed")
    }
    let before: String = known["arguments"]
    if before != plan.arguments {
      return Difference(
        short: "the script's arguments are others",
        long: "the script's arguments are \(plan.arguments), and were \(before),")
    }
    if let before = known["version"] as String?, before != plan.version {
      return Difference(
        short: "mnemo is another", long: "mnemo is \(plan.version), and was \(before),")
    }
    var places: [String: Int] = [:]
    for point in plan.points { places[point.parameters] = point.position }
    let rows = try Row.fetchCursor(
      db,
      sql: "SELECT position, parameters FROM points WHERE sweep = ? AND position IS NOT NULL",
      arguments: [known["id"] as Int64])
    while let row = try rows.next() {
      let (position, parameters): (Int, String) = (row[0], row[1])
      guard places[parameters] != position else { continue }
      return Difference(
        short: "the points are others",
        long: "the points have changed (point \(position) was \(parameters))")
    }
    return nil
  }

  /// Removes a sweep, its points and their runs, if the plan says so.
  private func remove(
    _ plan: SweepPlan, _ known: Row, because difference: Difference, _ db: Database
  ) throws {
    guard plan.isOverwriting else {
      let began = Date(timeIntervalSince1970: known["created"])
      throw StoreError(
        "sweep: \(difference.long) since the sweep '\(plan.name)' was begun "
          + "(\(began.formatted(.iso8601))); overwrite = true begins anew, as does another name; "
          + "force = true goes on with the results that there are")
    }
    let sweep: Int64 = known["id"]
    let now = RunStore.now
    let atWork = try Row.fetchAll(
      db,
      sql: """
        SELECT worker, process, heartbeat FROM points WHERE sweep = ? AND state = 'running'
        """, arguments: [sweep])
    for row in atWork {
      let silence = now - (row["heartbeat"] as Double? ?? 0)
      guard !ProcessIdentity.isGone(row["process"] ?? "", silence: silence) else { continue }
      throw StoreError(
        "sweep: \(difference.long) since the sweep '\(plan.name)' was begun, and it cannot be begun anew "
          + "while \(row["worker"] as String? ?? "another process") works on it")
    }
    try db.execute(
      sql: "DELETE FROM runs WHERE point IN (SELECT id FROM points WHERE sweep = ?)",
      arguments: [sweep])
    try db.execute(sql: "DELETE FROM sweeps WHERE id = ?", arguments: [sweep])
  }

  /// Adds the points that are not there, and gives all their places.
  private func place(_ plan: SweepPlan, in sweep: Int64, _ db: Database) throws {
    if plan.isForced {
      try db.execute(sql: "UPDATE points SET position = NULL WHERE sweep = ?", arguments: [sweep])
    }
    let add = try db.cachedStatement(
      sql: """
        INSERT INTO points (sweep, position, parameters) VALUES (?, ?, ?)
        ON CONFLICT (sweep, parameters) DO UPDATE SET position = excluded.position
          WHERE position IS NOT excluded.position
        """)
    for point in plan.points {
      try add.execute(arguments: [sweep, point.position, point.parameters])
    }
  }

  /// The points of a sweep in their order.
  /// - Throws: `StoreError` if there is no such sweep.
  public func points(of sweep: String) throws -> [SweepPoint] {
    try read { db in
      guard
        let id = try Int64.fetchOne(
          db, sql: "SELECT id FROM sweeps WHERE name = ?", arguments: [sweep])
      else {
        let names = try String.fetchAll(db, sql: "SELECT name FROM sweeps ORDER BY id")
        throw StoreError(
          path,
          "has no sweep '\(sweep)'"
            + (names.isEmpty ? "" : "; there are \(names.joined(separator: ", "))"))
      }
      return try RunStore.points(of: id, db)
    }
  }

  static func points(of sweep: Int64, _ db: Database) throws -> [SweepPoint] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM points WHERE sweep = ? AND position IS NOT NULL ORDER BY position
        """, arguments: [sweep]
    ).map { row in
      SweepPoint(
        id: row["id"], position: row["position"], parameters: row["parameters"],
        state: row["state"], result: row["result"], error: row["error"], worker: row["worker"])
    }
  }

  /// The sweeps, and how many of their points are in which state.
  /// - Throws: `StoreError`.
  public func sweeps() throws -> [(name: String, script: String?, counts: SweepCounts)] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT id, name, script FROM sweeps ORDER BY id").map { row in
        (name: row[1], script: row[2], counts: try SweepCounts(of: row[0], db))
      }
    }
  }
}

/// A point of a sweep, and what came of it.
public struct SweepPoint: Sendable {
  public let id: Int64
  /// Its place in the grid, from 1.
  public let position: Int
  /// JSON.
  public let parameters: String
  /// `open`, `running`, `done` or `failed`.
  public let state: String
  /// JSON; nil if there is none.
  public let result: String?
  public let error: String?
  /// Who works on it, or did last.
  public let worker: String?
}

/// How many points of a sweep are in which state.
public struct SweepCounts: Sendable, Equatable {
  public var (open, running, done, failed) = (0, 0, 0, 0)

  /// Those on which nothing remains to be done.
  public var ended: Int { done + failed }
  /// All of them.
  public var all: Int { open + running + ended }

  init(of sweep: Int64, _ db: Database) throws {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT state, count(*) FROM points WHERE sweep = ? AND position IS NOT NULL GROUP BY state
        """, arguments: [sweep])
    for row in rows {
      let count: Int = row[1]
      switch row[0] as String {
      case "open": open = count
      case "running": running = count
      case "done": done = count
      default: failed = count
      }
    }
  }
}
