import Foundation
import GRDB

/// A file of runs and sweeps that several processes read and write at a time: SQLite, in WAL mode.
///
/// What was written is kept when the process is killed; the system's own end may cost the last
/// seconds. A store belongs on a disk of this machine: over a network the locks that it lives on
/// do not hold.
public final class RunStore: Sendable {
  /// The file.
  public let path: String
  /// Whether nothing can be written.
  public let isReadOnly: Bool
  /// How many seconds to wait for other processes.
  let patience: Double
  private let queue: DatabaseQueue
  private let process = getpid()

  /// The environment variable that sets how many seconds to wait for a locked store.
  public static let waitVariable = "MNEMO_STORE_SECONDS"
  /// How many seconds that are unless it is set.
  public static let usualPatience = 10.0

  /// What a store is opened for.
  public enum Purpose: Sendable {
    /// To write; the file, and its folder, are made if they are not there.
    case writing
    /// To read, and to write where that is possible; the file is there.
    case using
    /// To read alone; the file is there.
    case reading
  }

  /// Opens a store, and brings one of an earlier version to this one.
  /// - Parameters:
  ///   - path: the file.
  ///   - purpose: what it is opened for.
  ///   - patience: how many seconds to wait for other processes.
  /// - Throws: `StoreError` if it is no store, is a later version's, is locked, or cannot be
  ///   opened.
  public init(_ path: String, for purpose: Purpose = .writing, patience: Double? = nil) throws {
    self.path = path
    let patience = try patience ?? RunStore.patience()
    self.patience = patience
    try RunStore.prepare(path, isMade: purpose == .writing)
    let isWritable = purpose != .reading && access(path, W_OK) == 0
    isReadOnly = FileManager.default.fileExists(atPath: path) && !isWritable
    if isReadOnly && purpose == .writing {
      throw StoreError(path, "cannot be written: it is read-only")
    }
    var configuration = Configuration()
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(patience)
    if !isReadOnly {
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
    }
    let (isReadOnly, prepared) = (isReadOnly, configuration)
    // What several processes do at once when a store is new, SQLite's own patience does not cover.
    queue = try RunStore.retrying(path, patience) {
      // SQLite has names that are no files, such as :memory:.
      let file = path.hasPrefix("/") ? path : "./" + path
      let queue = try DatabaseQueue(path: file, configuration: prepared)
      try RunStore.bringUp(queue, path, isReadOnly: isReadOnly)
      return queue
    }
  }

  /// Reads and compares versions; makes or changes tables where that is needed.
  private static func bringUp(_ queue: DatabaseQueue, _ path: String, isReadOnly: Bool) throws {
    let version = try queue.read { try Schema.check($0, path) }
    guard version < Schema.version || !isReadOnly else { return }
    if isReadOnly {
      throw StoreError(
        path,
        version == 0
          ? "is empty" : "has version \(version), which only becomes \(Schema.version) by writing")
    }
    try queue.writeWithoutTransaction { db in
      if try String.fetchOne(db, sql: "PRAGMA journal_mode") != "wal" {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
          throw StoreError(path, "lies where SQLite's WAL mode does not work; use a local disk")
        }
      }
      guard version < Schema.version else { return }
      try db.inTransaction(.immediate) {
        try Schema.migrate(db, path)
        return .commit
      }
    }
  }

  // MARK: Reading and writing

  /// Reads, from one moment's state.
  /// - Throws: `StoreError`.
  package func read<R>(_ body: (Database) throws -> R) throws -> R {
    try translated { try queue.read(body) }
  }

  /// Brings what SQLite keeps in a file beside this one into it, so that it is whole by itself.
  ///
  /// What another process reads at the moment stays there.
  public func settle() {
    _ = try? queue.writeWithoutTransaction { try $0.checkpoint(.passive) }
  }

  /// Writes all or nothing.
  /// - Throws: `StoreError`.
  package func write<R>(_ body: (Database) throws -> R) throws -> R {
    guard !isReadOnly else { throw StoreError(path, "cannot be written: it is read-only") }
    return try translated {
      try queue.writeWithoutTransaction { db in
        var result: Result<R, any Error> = .failure(StoreError(path, "was not written"))
        try db.inTransaction(.immediate) {
          result = .success(try body(db))
          return .commit
        }
        return try result.get()
      }
    }
  }

  /// Sets how many pages the file may have, so that tests can fill it.
  package func limit(pages: Int) throws {
    try translated {
      try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
    }
  }

  private func translated<R>(_ body: () throws -> R) throws -> R {
    // SQLite's connections do not survive a fork.
    guard getpid() == process else {
      throw StoreError(path, "was opened before this process was forked; open it again")
    }
    do {
      return try body()
    } catch let error as DatabaseError {
      throw StoreError(error, path, waited: patience)
    }
  }

  // MARK: Opening

  /// Makes the folder of a new store, and refuses what is no SQLite file.
  private static func prepare(_ path: String, isMade: Bool) throws {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw StoreError(path.isEmpty ? "" : "\\0", "is no path of a file")
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard isMade else { throw StoreError(path, "cannot be opened: there is no such file") }
      // NSString's deletingLastPathComponent traps on paths of one character.
      guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
      do {
        try FileManager.default.createDirectory(
          atPath: String(path[..<slash]), withIntermediateDirectories: true)
      } catch {
        throw StoreError(path, "cannot be made: its folder cannot")
      }
      return
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(path, "is no store of runs: it is no file")
    }
    guard status.st_size > 0 else { return }
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw StoreError(path, "cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { try? file.close() }
    guard try file.read(upToCount: 16) == Data("SQLite format 3\0".utf8) else {
      throw StoreError(path, "is no store of runs: it is no SQLite file")
    }
  }

  /// Tries again for as long as the store is locked.
  private static func retrying<R>(
    _ path: String, _ patience: Double, _ body: () throws -> R
  ) throws -> R {
    let end = ContinuousClock.now + .seconds(patience)
    while true {
      do {
        return try body()
      } catch let error as DatabaseError {
        guard [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode), .now < end else {
          throw StoreError(error, path, waited: patience)
        }
        usleep(20_000)
      }
    }
  }

  private static func patience() throws -> Double {
    guard let text = getenv(waitVariable).map({ String(cString: $0) }) else { return usualPatience }
    guard let seconds = Double(text), seconds >= 0, seconds <= 86_400 else {
      throw StoreError("\(waitVariable) is '\(text)'; a number of seconds, 0 or more, is expected")
    }
    return seconds
  }

  /// Seconds since 1970.
  package static var now: Double { Date().timeIntervalSince1970 }
}
