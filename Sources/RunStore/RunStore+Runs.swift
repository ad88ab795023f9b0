import Foundation
import GRDB
import JSONText

/// What is known of a run when it begins.
public struct RunFacts: Sendable {
  /// Its settings as JSON, by part: model, task, optimizer, train, engine.
  public var settings: String
  /// The version of mnemo.
  public var version: String
  /// The script, and its SHA-256.
  public var script: String?
  public var scriptHash: String?
  /// What was typed.
  public var command: String?
  /// The folder that its results go into.
  public var folder: String?
  /// The point of a sweep that it belongs to.
  public var point: Int64?

  /// Facts without a script.
  public init(settings: String, version: String) {
    (self.settings, self.version) = (settings, version)
  }
}

/// Which of a store's runs are asked for.
public struct RunFilter: Sendable {
  /// Those in this state alone: one of the table's, or `lost`.
  public var state: String?
  /// Those of this sweep alone.
  public var sweep: String?
  /// Those of scripts whose path ends so.
  public var script: String?
  /// That one alone.
  public var id: Int64?
  /// The latest so many.
  public var limit: Int?

  /// All runs.
  public init() {}
}

/// A run as a store knows it.
public struct RunSummary: Sendable {
  public let id: Int64
  /// `running`, `finished`, `stopped`, `interrupted`, `failed`; `lost` if its process ended without
  /// a word.
  public let state: String
  /// Seconds since 1970.
  public let started: Double
  /// When it ended, or was last heard of.
  public let ended: Double
  public let host: String
  public let version: String
  public let script: String?
  public let scriptHash: String?
  public let command: String?
  public let folder: String?
  /// The sweep that it belongs to, and the point's place in it.
  public let sweep: String?
  public let position: Int?
  /// JSON.
  public let settings: String
  /// What each metric was last, by name, and at which step.
  public let last: [(name: String, step: Int, value: Double)]

  /// The last step at which something was measured.
  public var step: Int? { last.map(\.step).max() }
}

extension RunStore {
  // MARK: Writing

  /// Notes that a run begins, and returns its number.
  public func beginRun(_ facts: RunFacts) throws -> Int64 {
    let me = ProcessIdentity.current
    return try write { db in
      try db.execute(
        sql: """
          INSERT INTO runs (uid, point, state, started, heartbeat, host, process, version, script,
            script_hash, command, folder, settings)
          VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          UUID().uuidString, facts.point, RunStore.now, RunStore.now, ProcessIdentity.host, me.text,
          facts.version, facts.script, facts.scriptHash, facts.command, facts.folder,
          facts.settings,
        ])
      return db.lastInsertedRowID
    }
  }

  /// Notes that a run goes on.
  func continueRun(_ run: Int64) throws {
    try write { db in
      try db.execute(
        sql:
          "UPDATE runs SET state = 'running', ended = NULL, heartbeat = ?, process = ? WHERE id = ?",
        arguments: [RunStore.now, ProcessIdentity.current.text, run])
    }
  }

  /// Notes how a run ended.
  func endRun(_ run: Int64, _ state: String) throws {
    try write { db in
      try db.execute(
        sql: "UPDATE runs SET state = ?, ended = ?, heartbeat = ? WHERE id = ?",
        arguments: [state, RunStore.now, RunStore.now, run])
    }
  }

  /// Notes a file of a run's; one of the same path takes the place of what was known of it.
  public func addArtifact(run: Int64, kind: String, path: String, hash: String) throws {
    try write { db in
      try db.execute(
        sql: "INSERT OR REPLACE INTO artifacts (run, kind, path, hash) VALUES (?, ?, ?, ?)",
        arguments: [run, kind, path, hash])
    }
  }

  // MARK: Reading

  /// The number of the run that was begun last in a folder; nil if there is none.
  /// - Throws: `StoreError`.
  public func lastRun(in folder: String) throws -> Int64? {
    try read { db in
      try Int64.fetchOne(
        db, sql: "SELECT id FROM runs WHERE folder = ? ORDER BY id DESC LIMIT 1",
        arguments: [folder])
    }
  }

  /// The runs in the order of their numbers.
  /// - Throws: `StoreError`.
  public func runs(_ filter: RunFilter = RunFilter()) throws -> [RunSummary] {
    try read { db in
      var (conditions, arguments) = ([String](), StatementArguments())
      func want(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
        guard let value else { return }
        conditions.append(condition)
        arguments += [value]
      }
      want("runs.id = ?", filter.id)
      want("sweeps.name = ?", filter.sweep)
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT runs.*, sweeps.name AS sweep, points.position AS position
          FROM runs LEFT JOIN points ON points.id = runs.point
            LEFT JOIN sweeps ON sweeps.id = points.sweep
          \(conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND "))
          ORDER BY runs.id DESC
          """, arguments: arguments)
      var found: [RunSummary] = []
      for row in rows {
        if found.count == filter.limit ?? .max { break }
        if let script = filter.script, !((row["script"] as String?)?.hasSuffix(script) ?? false) {
          continue
        }
        let state = RunStore.state(of: row)
        if let wanted = filter.state, wanted != state { continue }
        found.append(try RunStore.summary(row, state, db))
      }
      return found.reversed()
    }
  }

  private static func state(of row: Row) -> String {
    let state: String = row["state"]
    guard state == "running" else { return state }
    let silence = now - (row["heartbeat"] as Double)
    return ProcessIdentity.isGone(row["process"], silence: silence) ? "lost" : state
  }

  private static func summary(_ row: Row, _ state: String, _ db: Database) throws -> RunSummary {
    let id: Int64 = row["id"]
    let last = try names(of: id, db).compactMap { name in
      try Row.fetchOne(
        db,
        sql: """
          SELECT step, value FROM metrics WHERE run = ? AND name = ? ORDER BY step DESC LIMIT 1
          """, arguments: [id, name]
      ).map { (name: name, step: $0["step"] as Int, value: $0["value"] as Double? ?? .nan) }
    }
    return RunSummary(
      id: id, state: state, started: row["started"], ended: row["ended"] ?? row["heartbeat"],
      host: row["host"], version: row["version"], script: row["script"],
      scriptHash: row["script_hash"], command: row["command"], folder: row["folder"],
      sweep: row["sweep"], position: row["position"], settings: row["settings"], last: last)
  }

  /// The names of a run's metrics, by one look into the index for each.
  private static func names(of run: Int64, _ db: Database) throws -> [String] {
    try String.fetchAll(
      db,
      sql: """
        WITH RECURSIVE names (name) AS (
          SELECT min(name) FROM metrics WHERE run = ?1
          UNION ALL
          SELECT (SELECT min(m.name) FROM metrics m WHERE m.run = ?1 AND m.name > names.name)
          FROM names WHERE name IS NOT NULL)
        SELECT name FROM names WHERE name IS NOT NULL
        """, arguments: [run])
  }

  /// What a run measured, by step; each record has the metrics that were measured there, in
  /// alphabetical order.
  /// - Throws: `StoreError`.
  public func metrics(of run: Int64) throws -> [(
    step: Int, values: [(name: String, value: Double)]
  )] {
    try read { db in
      guard try Bool.fetchOne(db, sql: "SELECT 1 FROM runs WHERE id = ?", arguments: [run]) != nil
      else { throw StoreError(path, "has no run \(run)") }
      var records: [Int: [(name: String, value: Double)]] = [:]
      let rows = try Row.fetchCursor(
        db, sql: "SELECT step, name, value FROM metrics WHERE run = ? ORDER BY name, step",
        arguments: [run])
      while let row = try rows.next() {
        records[row[0], default: []].append((row[1], row[2] as Double? ?? .nan))
      }
      return records.sorted { $0.key < $1.key }.map { (step: $0.key, values: $0.value) }
    }
  }

  /// A metric of a run at so many steps from its first to its last, each the latest value by then.
  ///
  /// There are none if it was measured at one step alone. What it takes does not grow with the run.
  /// - Throws: `StoreError`.
  public func samples(of run: Int64, name: String, count: Int) throws -> [Double] {
    try read { db in
      let ends = try Row.fetchOne(
        db,
        sql: """
          SELECT (SELECT min(step) FROM metrics WHERE run = ?1 AND name = ?2),
            (SELECT max(step) FROM metrics WHERE run = ?1 AND name = ?2)
          """, arguments: [run, name])
      guard let ends, let first = ends[0] as Int?, let last = ends[1] as Int?, first < last,
        count > 1
      else { return [] }
      return try (0..<count).map { i in
        let step = first + Int(Double(last - first) * Double(i) / Double(count - 1))
        return try Double.fetchOne(
          db,
          sql: """
            SELECT value FROM metrics WHERE run = ? AND name = ? AND step <= ?
            ORDER BY step DESC LIMIT 1
            """, arguments: [run, name, step]) ?? .nan
      }
    }
  }

  /// The files of a run.
  /// - Throws: `StoreError`.
  public func artifacts(of run: Int64) throws -> [(kind: String, path: String, hash: String)] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT kind, path, hash FROM artifacts WHERE run = ? ORDER BY id",
        arguments: [run]
      ).map { (kind: $0[0], path: $0[1], hash: $0[2]) }
    }
  }

  /// A question in SQL.
  /// - Parameters:
  ///   - query: one statement that only reads.
  ///   - parameters: what stands for its question marks, or by name for `:name`.
  /// - Returns: the names of the columns, and the rows.
  /// - Throws: `StoreError` if it is no such statement.
  public func rows(
    _ query: String, _ parameters: QueryParameters = .inOrder([])
  ) throws -> (columns: [String], rows: [[JSON]]) {
    try read { db in
      do {
        let statement = try db.makeStatement(sql: query)
        guard statement.isReadonly, !statement.columnNames.isEmpty else {
          throw StoreError("sql: a query that reads is expected, such as SELECT")
        }
        let columns = statement.columnNames
        try statement.setArguments(parameters.arguments)
        let cursor = try Row.fetchCursor(statement)
        var rows: [[JSON]] = []
        while let row = try cursor.next() {
          rows.append(columns.indices.map { JSON(row[$0] as DatabaseValue) })
        }
        return (columns, rows)
      } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
        throw StoreError("sql: \(error.message ?? "SQLite cannot read the query")")
      } catch let error as DatabaseError where error.resultCode == .SQLITE_MISUSE {
        throw StoreError(
          "sql: \(error.message ?? "one statement, with all its parameters, expected")")
      } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
        throw StoreError("sql: a query that reads is expected, such as SELECT")
      }
    }
  }
}

/// What is put into a question in SQL.
public enum QueryParameters: Sendable {
  case inOrder([JSON])
  case named([(name: String, value: JSON)])

  fileprivate var arguments: StatementArguments {
    switch self {
    case .inOrder(let values): StatementArguments(values.map(\.databaseValue))
    case .named(let fields):
      StatementArguments(
        Dictionary(fields.map { ($0.name, $0.value.databaseValue) }) { _, last in last })
    }
  }
}

extension JSON {
  /// A value of SQLite's.
  fileprivate init(_ value: DatabaseValue) {
    switch value.storage {
    case .null: self = .null
    case .int64(let integer): self = .integer(Int(integer))
    case .double(let number): self = .number(number)
    case .string(let text): self = .text(text)
    case .blob(let data): self = .text(String(decoding: data, as: UTF8.self))
    }
  }

  /// The value as SQLite has it; lists and objects as text.
  fileprivate var databaseValue: DatabaseValue {
    switch self {
    case .null: .null
    case .boolean(let flag): flag.databaseValue
    case .integer(let integer): integer.databaseValue
    case .number(let number): number.databaseValue
    case .text(let text): text.databaseValue
    case .list, .object: text.databaseValue
    }
  }
}
