import Glibc
import Tensors
import Transformers

/// The folder that a run writes its results into as they come.
///
/// `history.jsonl` grows by a line with each record, so that whatever ends a run, what was measured
/// is on disk; `model.safetensors` is the last checkpoint.
public final class ResultsFolder: RunSink {
  /// The folder's path.
  public let path: String
  private var history: UnsafeMutablePointer<FILE>?

  /// Makes the folder and checks that it can be written, before any work is done.
  /// - Throws: `EngineError` with the system's reason.
  public init(_ path: String) throws {
    try WritableFolder.make(path)
    self.path = path
  }

  deinit { if let history { fclose(history) } }

  /// Where the checkpoint is.
  public var checkpointPath: String { "\(path)/model.safetensors" }
  /// Where the history is.
  public var historyPath: String { "\(path)/history.jsonl" }

  public var keepsModel: Bool { true }

  /// Writes the history anew.
  /// - Throws: `EngineError` with the system's reason.
  public func rewind(to records: [Record]) throws {
    if let history { fclose(history) }
    history = nil
    for record in records { try self.record(record) }
  }

  /// Writes the model, with the step in its metadata; an earlier one is replaced at once.
  /// - Throws: `EngineError` if the file cannot be written.
  public func checkpoint(_ model: any Model, step: Int) throws {
    try Checkpoint.save(model, to: checkpointPath, metadata: ["step": "\(step)"])
  }

  /// Adds a record to the history, which begins anew with a run's first record.
  /// - Throws: `EngineError` with the system's reason.
  public func record(_ record: Record) throws {
    if history == nil { history = fopen(historyPath, "w") }
    guard let history, fputs(record.json + "\n", history) >= 0, fflush(history) == 0 else {
      throw WritableFolder.failure(historyPath)
    }
  }
}
