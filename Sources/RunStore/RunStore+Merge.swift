import GRDB

extension RunStore {
  /// What a merge brought.
  public struct Merged: Sendable, Equatable {
    /// Runs that were not there before.
    public var runs = 0
    /// Points that have a result, or an error, which they had not before.
    public var points = 0
  }

  /// Brings in the runs and sweeps of another store, which stays as it is; what is there already is
  /// not brought in twice.
  ///
  /// Of a point that both know, a result counts more than an error, and that more than nothing; of
  /// two results the one that is here stays.
  /// - Throws: `StoreError` if a sweep of the same name was begun by another script or mnemo,
  ///   or with other arguments; nothing of that store is brought in then.
  public func merge(_ other: RunStore) throws -> Merged {
    let content = try other.read { try Content($0) }
    return try write { db in
      var merged = Merged()
      var points: [Int64: Int64] = [:]
      for sweep in content.sweeps {
        let here = try self.sweep(like: sweep, of: other, db)
        for point in content.points where point["sweep"] as Int64 == sweep["id"] {
          points[point["id"]] = try bring(point, into: here, &merged, db)
        }
      }
      for run in content.runs {
        guard let here = try bring(run, points, db) else { continue }
        merged.runs += 1
        try copyRows(of: run["id"], to: here, from: other, db)
      }
      return merged
    }
  }

  /// What another store holds, but for the metrics.
  private struct Content {
    let sweeps: [Row]
    let points: [Row]
    let runs: [Row]

    init(_ db: Database) throws {
      sweeps = try Row.fetchAll(db, sql: "SELECT * FROM sweeps ORDER BY id")
      points = try Row.fetchAll(db, sql: "SELECT * FROM points ORDER BY id")
      runs = try Row.fetchAll(db, sql: "SELECT * FROM runs ORDER BY id")
    }
  }

  private func sweep(like sweep: Row, of other: RunStore, _ db: Database) throws -> Int64 {
    let name: String = sweep["name"]
    guard
      let known = try Row.fetchOne(
        db, sql: "SELECT * FROM sweeps WHERE name = ?", arguments: [name])
    else {
      try db.execute(
        sql: """
          INSERT INTO sweeps (name, created, script, script_hash, arguments, version)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          name, sweep["created"] as Double, sweep["script"] as String?,
          sweep["script_hash"] as String?, sweep["arguments"] as String,
          sweep["version"] as String?,
        ])
      return db.lastInsertedRowID
    }
    let (hash, knownHash): (String?, String?) = (sweep["script_hash"], known["script_hash"])
    let (version, knownVersion): (String?, String?) = (sweep["version"], known["version"])
    let isSameMnemo = version == nil || knownVersion == nil || version == knownVersion
    guard hash == knownHash, isSameMnemo, sweep["arguments"] as String == known["arguments"] else {
      throw StoreError(
        path,
        "cannot take in '\(other.path)': its sweep '\(name)' was begun by another version of the "
          + "script or of mnemo, or with other arguments")
    }
    return known["id"]
  }

  private func bring(
    _ point: Row, into sweep: Int64, _ merged: inout Merged, _ db: Database
  ) throws -> Int64 {
    let parameters: String = point["parameters"]
    let known = try Row.fetchOne(
      db, sql: "SELECT id, state FROM points WHERE sweep = ? AND parameters = ?",
      arguments: [sweep, parameters])
    let id: Int64
    if let known {
      id = known["id"]
    } else {
      try db.execute(
        sql: "INSERT INTO points (sweep, position, parameters) VALUES (?, ?, ?)",
        arguments: [sweep, point["position"] as Int?, parameters])
      id = db.lastInsertedRowID
    }
    let worth = ["failed": 1, "done": 2]
    let state: String = point["state"]
    guard worth[state, default: 0] > worth[known?["state"] ?? "open", default: 0] else { return id }
    merged.points += 1
    try db.execute(
      sql: """
        UPDATE points SET state = ?, worker = ?, process = NULL, heartbeat = NULL, started = ?,
          ended = ?, result = ?, error = ? WHERE id = ?
        """,
      arguments: [
        state, point["worker"] as String?, point["started"] as Double?, point["ended"] as Double?,
        point["result"] as String?, point["error"] as String?, id,
      ])
    return id
  }

  /// Brings in a run; nil if it is there.
  private func bring(_ run: Row, _ points: [Int64: Int64], _ db: Database) throws -> Int64? {
    let uid: String = run["uid"]
    let isKnown = try Bool.fetchOne(db, sql: "SELECT 1 FROM runs WHERE uid = ?", arguments: [uid])
    if isKnown != nil { return nil }
    let names = run.columnNames.filter { $0 != "id" }
    let values = names.map { name -> DatabaseValue in
      guard name == "point" else { return run[name] }
      return (run["point"] as Int64?).flatMap { points[$0] }?.databaseValue ?? .null
    }
    let marks = names.map { _ in "?" }.joined(separator: ", ")
    try db.execute(
      sql: "INSERT INTO runs (\(names.joined(separator: ", "))) VALUES (\(marks))",
      arguments: StatementArguments(values))
    return db.lastInsertedRowID
  }

  private func copyRows(
    of run: Int64, to here: Int64, from other: RunStore, _ db: Database
  ) throws {
    let metric = try db.cachedStatement(
      sql: "INSERT INTO metrics (run, step, name, value) VALUES (?, ?, ?, ?)")
    try other.read { source in
      let rows = try Row.fetchCursor(
        source, sql: "SELECT step, name, value FROM metrics WHERE run = ? ORDER BY name, step",
        arguments: [run])
      while let row = try rows.next() {
        try metric.execute(
          arguments: [here, row[0] as Int, row[1] as String, row[2] as Double?])
      }
      for row in try Row.fetchAll(
        source, sql: "SELECT kind, path, hash FROM artifacts WHERE run = ?", arguments: [run])
      {
        try db.execute(
          sql: "INSERT INTO artifacts (run, kind, path, hash) VALUES (?, ?, ?, ?)",
          arguments: [here, row[0] as String, row[1] as String, row[2] as String])
      }
    }
  }
}
