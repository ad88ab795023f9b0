import Foundation
import GRDB
import JSONText
import RunStore
import TestSupport
import Testing

/// Checks that `body` throws a `StoreError` of exactly this text.
func expectStoreError<R>(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R
) {
  do {
    _ = try body()
    Issue.record("no error; expected \(text)", sourceLocation: sourceLocation)
  } catch {
    #expect("\(error)" == text, sourceLocation: sourceLocation)
  }
}

/// What a store's file is, and what is refused.
struct OpeningTests {
  @Test func newStoreIsWALAndHasItsVersion() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a/b/store.sqlite"
      let store = try RunStore(path)
      #expect(try store.runs().isEmpty)
      let mode = try store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
      let version = try store.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
      #expect(mode == "wal" && version == Schema.version)
    }
  }

  /// A file as the first version left it, made by hand.
  private func firstVersion(_ path: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: Schema.migrations[0])
      try db.execute(
        sql: """
          INSERT INTO sweeps VALUES (1, 'old', 0, 'a.lua', 'h', '[]');
          INSERT INTO points (sweep, position, parameters, state, result)
            VALUES (1, 1, '{"x":1}', 'done', '{"y":2}'), (1, 2, '{"x":2}', 'open', NULL);
          INSERT INTO runs VALUES (7, 'u', 1, 'finished', 1, 2, 2, 'h', 'p', '0', 'a.lua', 'h', 'c',
            NULL, '{}');
          INSERT INTO metrics VALUES (7, 0, 'loss', 1.5);
          PRAGMA application_id = \(Schema.applicationID);
          PRAGMA user_version = 1;
          """)
    }
    try queue.close()
  }

  @Test func firstVersionIsBroughtUp() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      try firstVersion(path)
      expectStoreError(
        "store: '\(path)' has version 1, which only becomes \(Schema.version) by writing"
      ) {
        try RunStore(path, for: .reading)
      }
      let store = try RunStore(path)
      let runs = try store.runs()
      #expect(runs.map(\.id) == [7])
      #expect(runs.first?.last.map(\.value) == [1.5])
      #expect(runs.first?.sweep == "old")
      let results = try store.rows("SELECT position, state, result FROM sweep_results")
      #expect(
        results.rows.map { JSON.list($0).text } == [
          #"[1,"done","{\"y\":2}"]"#, #"[2,"open",null]"#,
        ])
      #expect(try store.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == Schema.version)
      #expect(try RunStore(path, for: .reading).runs().count == 1)
    }
  }

  @Test func laterVersionIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      try firstVersion(path)
      let queue = try DatabaseQueue(path: path)
      try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
      try queue.close()
      expectStoreError(
        "store: '\(path)' was written by a later mnemo: it has version 99, this mnemo knows up to "
          + "\(Schema.version)"
      ) { try RunStore(path) }
    }
  }

  @Test func otherFilesAreRefused() throws {
    try withTemporaryFolder { folder in
      let text = folder + "/text"
      try "no database at all, but a longer text".write(
        toFile: text, atomically: true, encoding: .utf8)
      expectStoreError("store: '\(text)' is no store of runs: it is no SQLite file") {
        try RunStore(text)
      }
      expectStoreError("store: '\(folder)' is no store of runs: it is no file") {
        try RunStore(folder)
      }
      let other = folder + "/other.sqlite"
      let queue = try DatabaseQueue(path: other)
      try queue.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
      try queue.close()
      expectStoreError("store: '\(other)' is no store of runs: it is another program's SQLite file")
      {
        try RunStore(other)
      }
      expectStoreError("store: '' is no path of a file") { try RunStore("") }
      let missing = folder + "/missing"
      expectStoreError("store: '\(missing)' cannot be opened: there is no such file") {
        try RunStore(missing, for: .using)
      }
      #expect(!FileManager.default.fileExists(atPath: missing))
    }
  }

  @Test func damagedFileIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      var bytes = Data("SQLite format 3\0".utf8)
      bytes.append(Data(repeating: 0xFF, count: 8000))
      try bytes.write(to: URL(fileURLWithPath: path))
      do {
        _ = try RunStore(path)
        Issue.record("opened")
      } catch {
        #expect("\(error)".hasPrefix("store: '\(path)' is "))
      }
    }
  }

  @Test func whatIsOpenedForReadingIsNotWritten() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      _ = try RunStore(path).beginRun(RunFacts(settings: "{}", version: "0"))
      let store = try RunStore(path, for: .reading)
      #expect(try store.runs().count == 1)
      expectStoreError("store: '\(path)' cannot be written: it is read-only") {
        try store.beginRun(RunFacts(settings: "{}", version: "0"))
      }
    }
  }

  /// The permissions of a file say nothing to root.
  @Test(.enabled(if: getuid() != 0)) func readOnlyFileIsRefusedForWriting() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      _ = try RunStore(path)
      chmod(path, 0o444)
      expectStoreError("store: '\(path)' cannot be written: it is read-only") {
        try RunStore(path)
      }
      #expect(try RunStore(path, for: .using).isReadOnly)
    }
  }

  @Test func lockedStoreIsWaitedFor() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      let store = try RunStore(path, patience: 0.2)
      let other = try DatabaseQueue(path: path)
      try other.writeWithoutTransaction { db in
        try db.execute(sql: "BEGIN IMMEDIATE")
        let start = ContinuousClock.now
        expectStoreError(
          "store: '\(path)' has been locked by another process for 0.2 seconds; "
            + "MNEMO_STORE_SECONDS sets how long to wait"
        ) { try store.beginRun(RunFacts(settings: "{}", version: "0")) }
        #expect(ContinuousClock.now - start >= .milliseconds(200))
        try db.execute(sql: "COMMIT")
      }
      #expect(try store.beginRun(RunFacts(settings: "{}", version: "0")) == 1)
    }
  }

  @Test func manyOpenANewStoreAtOnce() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/store.sqlite"
      DispatchQueue.concurrentPerform(iterations: 12) { i in
        do {
          _ = try RunStore(path).beginRun(RunFacts(settings: "{}", version: "\(i)"))
        } catch {
          Issue.record(error)
        }
      }
      let count = try RunStore(path).runs().count
      #expect(count == 12)
    }
  }
}
