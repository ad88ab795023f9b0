import ByteStrings
import Glibc
import TensorFiles
import Tensors
import Transformers

/// The folder that a run writes its results into as they come.
///
/// `history.jsonl` grows by a line with each record, so that whatever ends a run, what was measured
/// is on disk; `model.safetensors` is the last checkpoint. A folder belongs to one run: it is
/// locked while the run goes on, a run that it holds is replaced only if that was asked for, and
/// then as a whole, and a run that goes on finds its own results or is refused.
public final class ResultsFolder: RunSink {
  /// The folder's path.
  public let path: String
  private var lock: FolderLock?
  private let history: RecordsFile
  /// What was measured, also what is not on disk yet.
  private var records: [Record] = []
  /// Whether what the folder holds is this run's.
  private var isOurs = false
  /// The run that this one may replace.
  private var replaced: StoredRun?
  /// Where the folder really is.
  private let place: String?

  /// Makes the folder, locks it, and checks that it can be written, before any work is done.
  ///
  /// What processes that were killed have left there half-written is removed.
  /// - Parameters:
  ///   - path: the folder.
  ///   - overwrites: whether a run that it holds is replaced, when this one has a record.
  /// - Throws: `EngineError` if it is in use, holds a run that is not to be replaced, or with the
  ///   system's reason.
  public init(_ path: String, overwrites: Bool = false) throws {
    try WritableFolder.make(path)
    (self.path, place) = (path, ResultsFolder.place(path))
    history = RecordsFile(in: path)
    lock = try FolderLock(path)
    TemporaryFile.removeAbandoned(in: path)
    replaced = StoredRun(in: path)
    if let replaced, !overwrites {
      throw EngineError(
        "results folder", "'\(path)' holds \(replaced); overwrite = true replaces it")
    }
  }

  /// Where the checkpoint is.
  public var checkpointPath: String { "\(path)/model.safetensors" }
  /// Where the history is.
  public var historyPath: String { "\(path)/history.jsonl" }

  public var keepsModel: Bool { true }

  /// Locks the folder again if the run had ended, and writes what could not be written then.
  /// - Throws: `EngineError` if it is in use or holds another run by now, or with the system's
  ///   reason.
  public func begin(_ run: RunDescription) throws {
    try hold()
    if isOurs { try writeHistory() }
  }

  /// Writes the history anew.
  /// - Throws: `EngineError` with the system's reason.
  public func rewind(to records: [Record]) throws {
    self.records = records
    history.invalidate()
    try hold()
    if isOurs { try writeHistory() }
  }

  /// Adds a record to the history; the first of a run replaces what the folder holds.
  /// - Throws: `EngineError` with the system's reason; the record is written with the next one, or
  ///   when the run goes on.
  public func record(_ record: Record) throws {
    records.append(record)
    try hold()
    try writeHistory()
  }

  /// Brings the history to the disk, then writes the model, with the step in its metadata.
  ///
  /// So the history reaches as far as the model, whatever happens. A run that ended before its
  /// first record leaves the one that it was to replace.
  /// - Throws: `EngineError` if a file cannot be written; the model is also if the history cannot.
  public func checkpoint(_ model: any Model, step: Int) throws {
    try hold()
    guard isOurs || !records.isEmpty || step > 0 || replaced == nil else { return }
    let outcome = Result {
      try writeHistory()
      try history.sync()
    }
    if isOurs { try Checkpoint.save(model, to: checkpointPath, metadata: ["step": "\(step)"]) }
    try outcome.get()
  }

  public func end(_ status: TrainingRun.Status) { letGo() }

  /// Gives the folder up until the run goes on.
  public func letGo() {
    history.close()
    lock = nil
  }

  /// Writes a whole run: the history, then the model, each replaced at once.
  ///
  /// Of another run the model goes first, so that it never stands beside this one's history, and at
  /// any time there is one whole history.
  /// - Throws: `EngineError` if the folder is in use or holds another run that is not to be
  ///   replaced, or with the system's reason.
  func save(
    _ records: [Record], _ model: any Model, step: Int, overwrites: Bool
  ) throws {
    try hold(overwrites: overwrites)
    self.records = records
    history.invalidate()
    try writeHistory()
    try Checkpoint.save(model, to: checkpointPath, metadata: ["step": "\(step)"])
  }

  /// Whether a path leads to this folder.
  func isAt(_ path: String) -> Bool {
    path == self.path || place != nil && place == ResultsFolder.place(path)
  }

  // MARK: Helpers

  /// Makes sure that the folder is locked, and holds what this run left or may replace.
  private func hold(overwrites: Bool = false) throws {
    if lock?.isHeld == true { return }
    letGo()
    // It may have been removed.
    try WritableFolder.make(path)
    let taken = try FolderLock(path)
    let found = StoredRun(in: path)
    if let found, isOurs ? !history.isAsLeft(records) : found != replaced {
      guard overwrites else {
        throw EngineError(
          "results folder",
          "'\(path)' was taken by another run meanwhile and holds \(found); run:save with "
            + "overwrite = true replaces it")
      }
      isOurs = false
    }
    if !isOurs { replaced = found }
    lock = taken
  }

  /// Brings the history up to the records.
  ///
  /// The first time what is there goes, when all is ready to take its place: its model before its
  /// history.
  private func writeHistory() throws {
    if !isOurs, replaced != nil {
      func removeModel() throws {
        try remove(checkpointPath)
        syncFolder(path)
      }
      if records.isEmpty {
        try removeModel()
        try remove(historyPath)
      } else {
        try history.replace(with: records, after: removeModel)
      }
    } else if !records.isEmpty {
      try history.write(records)
    }
    (isOurs, replaced) = (true, nil)
  }

  private func remove(_ file: String) throws {
    guard file.withCBytes({ unlink($0) }) != 0, errno != ENOENT else { return }
    throw WritableFolder.failure(file)
  }

  private static func place(_ path: String) -> String? {
    guard let resolved = path.withCBytes({ realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return String(cBytes: resolved)
  }
}
