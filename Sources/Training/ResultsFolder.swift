import ByteStrings
import Glibc
import TensorFiles
import Tensors
import Transformers

/// The folder that a run writes its results into as they come.
///
/// `run.json` says what run it is; `history.jsonl` grows by a line with each record, so that
/// whatever ends a run, what was measured is on disk; `model.safetensors` is the last checkpoint,
/// with all that the run needs to go on, and those of `checkpoints` stay. A folder belongs to one
/// run: it is locked while the run goes on, a run that it holds is replaced only if that was asked
/// for, and then as a whole, and a run that goes on finds its own results or is refused.
public final class ResultsFolder: RunSink {
  /// The folder's path.
  public let path: String
  /// The stored run that goes on; nil for one that begins.
  public let resumed: RunContents?
  private var lock: FolderLock?
  private let history: RecordsFile
  /// What is said of the run; nil before it has begun.
  private var file: RunFile?
  /// The error that ended it.
  private var reason: String?
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
    lock = try Self.taken(path)
    (self.path, place, history) = (path, Self.place(path), RecordsFile(in: path))
    resumed = nil
    replaced = StoredRun(in: path)
    if let replaced, !overwrites {
      throw EngineError(
        "results folder", "'\(path)' holds \(replaced); overwrite = true replaces it")
    }
  }

  /// Makes the folder and locks it as for a run that begins; if it holds one, that one goes on.
  /// - Throws: `EngineError` if it is in use, what it holds cannot be read, or with the system's
  ///   reason.
  public init(resuming path: String) throws {
    let lock = try Self.taken(path)
    (self.path, place, history) = (path, Self.place(path), RecordsFile(in: path))
    self.lock = lock
    resumed = RunContents.isThere(in: path) ? try RunContents(of: path) : nil
    if let resumed { adopt(resumed) }
  }

  /// The folder that a stored run was read from, which is locked when the run goes on.
  init(of contents: RunContents) {
    (path, place) = (contents.path, Self.place(contents.path))
    (resumed, history) = (contents, RecordsFile(in: path))
    adopt(contents)
  }

  private func adopt(_ contents: RunContents) {
    (isOurs, records) = (true, contents.records)
    history.adopt(contents.history)
  }

  private static func taken(_ path: String) throws -> FolderLock {
    try WritableFolder.make(path)
    let lock = try FolderLock(path)
    TemporaryFile.removeAbandoned(in: path)
    TemporaryFile.removeAbandoned(in: keptFolder(path))
    return lock
  }

  /// Where the newest checkpoint is.
  public var checkpointPath: String { RunContents.modelPath(path) }
  /// Where the history is.
  public var historyPath: String { RunContents.historyPath(path) }
  /// Where it is said what run it is.
  public var filePath: String { RunContents.filePath(path) }
  /// Where checkpoints are that stay, each under the number of its step.
  private static func keptFolder(_ path: String) -> String { "\(path)/checkpoints" }

  public var keepsModel: Bool { true }

  /// Locks the folder again if the run had ended, and writes what could not be written then.
  /// - Throws: `EngineError` if it is in use or holds another run by now, or with the system's
  ///   reason.
  public func begin(_ run: RunDescription) throws {
    try hold()
    note(run)
    if isOurs { try writeHistory() }
    if mayDescribe { try describe() }
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
  public func checkpoint(_ state: RunState) throws {
    try hold()
    guard isOurs || !records.isEmpty || state.step > 0 || replaced == nil else { return }
    let outcome = Result {
      try writeHistory()
      try history.sync()
      if FileMark(filePath) == nil { try describe() }
    }
    if isOurs { try write(state) }
    try outcome.get()
  }

  public func failed(_ error: any Error) { reason = "\(error)" }

  /// Says how the run ended, and gives the folder up until it goes on.
  public func end(_ status: TrainingRun.Status) {
    file?.end(status, reason)
    reason = nil
    // What there was to lose is written; a folder that is another's by now is left alone.
    if lock?.isHeld == true, mayDescribe { try? describe() }
    letGo()
  }

  /// Gives the folder up until the run goes on.
  public func letGo() {
    history.close()
    lock = nil
  }

  /// Writes a whole run: the history, what is said of it, then the model, each replaced at once.
  ///
  /// Of another run the model goes first, so that it never stands beside this one's history, and at
  /// any time there is one whole history.
  /// - Throws: `EngineError` if the folder is in use or holds another run that is not to be
  ///   replaced, or with the system's reason.
  func save(
    _ records: [Record], _ state: RunState, _ run: RunDescription, _ status: TrainingRun.Status,
    isGoingOn: Bool, overwrites: Bool
  ) throws {
    try hold(overwrites: overwrites)
    note(run)
    if !isGoingOn { file?.end(status, reason) }
    self.records = records
    history.invalidate()
    try writeHistory()
    try describe()
    try write(state)
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
        for checkpoint in kept { try remove(checkpoint.path) }
        Self.keptFolder(path).withCBytes { _ = rmdir($0) }
        try remove(filePath)
        syncFolder(path)
      }
      if records.isEmpty {
        try removeModel()
        try remove(historyPath)
      } else {
        try history.replace(with: records, after: removeModel)
      }
      (isOurs, replaced) = (true, nil)
      try describe()
    } else if !records.isEmpty {
      try history.write(records)
    }
    (isOurs, replaced) = (true, nil)
  }

  private func remove(_ file: String) throws {
    guard file.withCBytes({ unlink($0) }) != 0, errno != ENOENT else { return }
    throw WritableFolder.failure(file)
  }

  // MARK: What is said of the run

  /// Takes notice of what a run is about to do.
  private func note(_ run: RunDescription) {
    if file == nil { file = RunFile(run, goingOnFrom: resumed?.file) }
    file?.goOn(to: run.last)
  }

  /// Whether nothing of another run would be described.
  private var mayDescribe: Bool { isOurs || replaced == nil }

  private func describe() throws {
    try StopToken.suspended { try file?.write(to: filePath) }
  }

  // MARK: Checkpoints

  /// Writes the newest checkpoint; one that stays is the same file under two names.
  ///
  /// The name that stays comes first: a run that is killed in between makes it anew.
  private func write(_ state: RunState) throws {
    guard state.isKept else { return try write(state, to: checkpointPath) }
    let folder = Self.keptFolder(path)
    if folder.withCBytes({ mkdir($0, 0o777) }) != 0 && errno != EEXIST {
      throw WritableFolder.failure(folder)
    }
    let kept = "\(folder)/\(state.step).safetensors"
    try write(state, to: kept)
    let temporary = TemporaryFile.path(in: path)
    // Gone already once it has been renamed.
    defer { temporary.withCBytes { _ = unlink($0) } }
    let isLinked = kept.withCBytes { kept in temporary.withCBytes { link(kept, $0) == 0 } }
    let isRenamed = temporary.withCBytes { new in
      checkpointPath.withCBytes { rename(new, $0) == 0 }
    }
    if isLinked && isRenamed {
      syncFolder(path)
    } else {
      // Not every file system has files of two names.
      try write(state, to: checkpointPath)
    }
  }

  private func write(_ state: RunState, to path: String) throws {
    guard let file else { return }
    let before = records.prefix { $0.step < state.step }
    try StoredCheckpoint.save(state, of: file.run, records: before, to: path)
  }

  /// The steps of the checkpoints that there are, and where they are; each step once.
  var checkpoints: [(step: Int, path: String)] {
    let newest = try? StoredCheckpoint(checkpointPath)
    let (kept, step) = (kept, newest?.notes.step)
    guard let step, !kept.contains(where: { $0.step == step }) else { return kept }
    return kept + [(step, checkpointPath)]
  }

  /// The checkpoints that stay.
  private var kept: [(step: Int, path: String)] {
    let folder = Self.keptFolder(path)
    return WritableFolder.names(in: folder).compactMap { name in
      let ending = ".safetensors"
      guard name.hasSuffix(ending), let step = Int(name.dropLast(ending.count)) else { return nil }
      return "\(step)\(ending)" == name ? (step, "\(folder)/\(name)") : nil
    }.sorted { $0.step < $1.step }
  }

  private static func place(_ path: String) -> String? {
    guard let resolved = path.withCBytes({ realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return String(cBytes: resolved)
  }
}
