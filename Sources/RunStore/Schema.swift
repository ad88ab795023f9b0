import GRDB

/// What a store's file is made of, version by version.
///
/// `user_version` is how many of the migrations were applied, `application_id` says whose file it
/// is. A released migration never changes; what is new comes as another one.
package enum Schema {
  /// Says that an SQLite file is a store of runs: the letters `mnmo`.
  package static let applicationID = 0x6D6E_6D6F

  /// The version that this mnemo writes.
  package static var version: Int { migrations.count }

  /// From version i to i + 1.
  package static let migrations = [tables, deathsAndViews, versionOfSweeps]

  private static let tables = """
    CREATE TABLE sweeps (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      created REAL NOT NULL,            -- seconds since 1970, as all times
      script TEXT,
      script_hash TEXT,                 -- SHA-256
      arguments TEXT NOT NULL           -- of the script, a JSON list
    );
    CREATE TABLE points (
      id INTEGER PRIMARY KEY,
      sweep INTEGER NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
      position INTEGER,                 -- in the grid, from 1; NULL if it is there no more
      parameters TEXT NOT NULL,         -- JSON, names in alphabetical order
      state TEXT NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'running', 'done', 'failed')),
      worker TEXT,                      -- host:process, for people
      process TEXT,                     -- which process that is, for programs
      heartbeat REAL,
      started REAL,
      ended REAL,
      result TEXT,                      -- JSON; NaN is null, infinity 1e999
      error TEXT,
      UNIQUE (sweep, parameters)
    );
    CREATE INDEX points_by_state ON points (sweep, state);
    CREATE TABLE runs (
      id INTEGER PRIMARY KEY,
      uid TEXT NOT NULL UNIQUE,         -- the same in every store that it is merged into
      point INTEGER REFERENCES points (id) ON DELETE SET NULL,
      state TEXT NOT NULL
        CHECK (state IN ('running', 'finished', 'stopped', 'interrupted', 'failed')),
      started REAL NOT NULL,
      ended REAL,
      heartbeat REAL NOT NULL,
      host TEXT NOT NULL,
      process TEXT NOT NULL,
      version TEXT NOT NULL,            -- of mnemo
      script TEXT,
      script_hash TEXT,
      command TEXT,
      folder TEXT,
      settings TEXT NOT NULL            -- JSON, by part: model, task, optimizer, train, engine
    );
    CREATE INDEX runs_by_point ON runs (point);
    CREATE TABLE metrics (
      run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      step INTEGER NOT NULL,
      name TEXT NOT NULL,
      value REAL,                       -- NULL is NaN
      PRIMARY KEY (run, name, step)
    ) WITHOUT ROWID;
    CREATE TABLE artifacts (
      id INTEGER PRIMARY KEY,
      run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      kind TEXT NOT NULL,               -- history, model
      path TEXT NOT NULL,
      hash TEXT NOT NULL,               -- SHA-256
      UNIQUE (run, path)
    );
    """

  /// Points whose workers died come last, so that one that kills its worker holds nobody up.
  private static let deathsAndViews = """
    ALTER TABLE points ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
    CREATE VIEW run_summary AS
    SELECT runs.id, runs.state, datetime(runs.started, 'unixepoch') AS started,
      round(coalesce(runs.ended, runs.heartbeat) - runs.started, 1) AS seconds,
      sweeps.name AS sweep, points.position, runs.script, runs.host, runs.folder,
      (SELECT max(step) FROM metrics WHERE run = runs.id AND name = 'loss') AS step,
      (SELECT value FROM metrics WHERE run = runs.id AND name = 'loss'
        ORDER BY step DESC LIMIT 1) AS loss,
      (WITH RECURSIVE names (name) AS (
          SELECT min(name) FROM metrics WHERE run = runs.id
          UNION ALL
          SELECT (SELECT min(m.name) FROM metrics m WHERE m.run = runs.id AND m.name > names.name)
          FROM names WHERE name IS NOT NULL)
        SELECT json_group_object(name, (
          SELECT CASE WHEN value = 9e999 THEN json('1e999') WHEN value = -9e999 THEN json('-1e999')
            ELSE value END
          FROM metrics m WHERE m.run = runs.id AND m.name = names.name
          ORDER BY step DESC LIMIT 1))
        FROM names WHERE name IS NOT NULL) AS last,
      runs.settings
    FROM runs LEFT JOIN points ON points.id = runs.point
      LEFT JOIN sweeps ON sweeps.id = points.sweep;
    CREATE VIEW sweep_results AS
    SELECT sweeps.name AS sweep, points.position, points.state, points.parameters, points.result,
      points.error, points.worker, round(points.ended - points.started, 3) AS seconds,
      points.id AS point
    FROM points JOIN sweeps ON sweeps.id = points.sweep
    WHERE points.position IS NOT NULL
    ORDER BY sweeps.id, points.position;
    """

  /// What a sweep measured with another mnemo is not taken for what this one measures.
  private static let versionOfSweeps = "ALTER TABLE sweeps ADD COLUMN version TEXT;"

  /// Brings a file to this version.
  ///
  /// The caller has begun a transaction. The path is for messages.
  /// - Throws: `StoreError` if it is another program's file or a later version's.
  static func migrate(_ db: Database, _ path: String) throws {
    let known = try check(db, path)
    guard known < version else { return }
    for migration in migrations[known...] { try db.execute(sql: migration) }
    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    try db.execute(sql: "PRAGMA user_version = \(version)")
  }

  /// The version that a file has; 0 if it is empty.
  /// - Throws: as `migrate`.
  @discardableResult
  static func check(_ db: Database, _ path: String) throws -> Int {
    let known = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let owner = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if tables == 0 && owner == 0 { return 0 }
    guard owner == applicationID, known > 0 else {
      throw StoreError(path, "is no store of runs: it is another program's SQLite file")
    }
    guard known <= version else {
      throw StoreError(
        path,
        "was written by a later mnemo: it has version \(known), this mnemo knows up to \(version)")
    }
    return known
  }
}
