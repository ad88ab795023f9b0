import Foundation
import GRDB

/// What is wrong with a store of runs, as one sentence.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The sentence, without a final period.
  public let description: String

  /// An error about the store at a path: `store: 'runs/store.sqlite' …`.
  public init(_ path: String, _ message: String) { description = "store: '\(path)' \(message)" }

  /// An error about what was asked of a store.
  public init(_ message: String) { description = message }
}

extension StoreError {
  /// SQLite's error in words that say what to do.
  init(_ error: DatabaseError, _ path: String, waited seconds: Double) {
    let words =
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        "has been locked by another process for \(seconds.short) seconds; "
          + "\(RunStore.waitVariable) sets how long to wait"
      case .SQLITE_FULL: "cannot be written: the disk is full; it holds all that was written before"
      case .SQLITE_READONLY: "cannot be written: it is read-only"
      case .SQLITE_NOTADB: "is no store of runs: it is no SQLite file"
      case .SQLITE_CORRUPT: "is damaged: \(error.message ?? "SQLite cannot read it")"
      case .SQLITE_CANTOPEN: "cannot be opened; its folder has to be writable, too"
      case .SQLITE_IOERR: "cannot be read or written: the system reports an error of the disk"
      default: "cannot be used: \(error.message ?? "SQLite's error \(error.resultCode)")"
      }
    self.init(path, words)
  }
}

extension Double {
  /// A number of seconds as messages write it: 10, 0.5.
  var short: String { self == rounded() && magnitude < 1e9 ? "\(Int(self))" : "\(self)" }
}
