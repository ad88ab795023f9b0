import ByteStrings
import FoundationEssentials
import Glibc
import Settings
import Tensors

/// What a run's folder holds, read and found to belong together.
public struct RunContents {
  /// The folder.
  public let path: String
  /// What it says of the run.
  public let file: RunFile
  /// What was measured, also after the last checkpoint.
  public let records: [Record]
  /// The last checkpoint; nil if there is none yet.
  let checkpoint: StoredCheckpoint?
  /// The file that the records are from.
  let history: FileMark?

  /// The names of the files in the folder `path`.
  static func filePath(_ path: String) -> String { "\(path)/run.json" }
  static func historyPath(_ path: String) -> String { "\(path)/history.jsonl" }
  static func modelPath(_ path: String) -> String { "\(path)/model.safetensors" }

  /// Whether a folder holds anything of a run.
  public static func isThere(in path: String) -> Bool {
    FileMark(filePath(path)) != nil || StoredRun(in: path) != nil
  }

  /// Reads a folder.
  ///
  /// Of two files that belong together the one that is written first is read last.
  /// - Throws: `EngineError` if there is no run, a file cannot be read, or two disagree.
  public init(of path: String) throws {
    self.path = path
    guard Self.isThere(in: path) else {
      throw EngineError("run", "there is no run in '\(path)'")
    }
    guard FileMark(Self.filePath(path)) != nil else {
      throw EngineError(
        "run",
        "'\(path)' has no run.json, which says what run it holds; its history.jsonl and "
          + "model.safetensors can be read by themselves")
    }
    file = try RunFile(from: Self.filePath(path))
    let model = Self.modelPath(path)
    checkpoint = FileMark(model) == nil ? nil : try StoredCheckpoint(model)
    (records, history) = try Self.records(in: Self.historyPath(path))
    if let checkpoint { try check(checkpoint) }
    try checkEnd()
  }

  /// The records of a history; a last line that is not whole counts as not written.
  private static func records(in path: String) throws -> ([Record], FileMark?) {
    guard let mark = FileMark(path) else { return ([], nil) }
    func failure(_ reason: String) -> EngineError { EngineError("run", "'\(path)' \(reason)") }
    guard let bytes = RecordsFile.bytes(path) else { throw failure("cannot be read") }
    let newline = UInt8(ascii: "\n")
    guard let end = bytes.lastIndex(of: newline) else { return ([], mark) }
    let lines = bytes[..<end].split(separator: newline, omittingEmptySubsequences: false)
    var records: [Record] = []
    for (place, line) in lines.enumerated() {
      guard let record = RecordReader.record(line) else {
        let start = String(decoding: line.prefix(40), as: UTF8.self)
        throw failure("line \(place + 1) is no record: \(start.printable)")
      }
      if let last = records.last, last.step >= record.step {
        throw failure("line \(place + 1) is of step \(record.step), after one of step \(last.step)")
      }
      records.append(record)
    }
    return (records, mark)
  }

  // MARK: Agreement

  private func failure(_ reason: String) -> EngineError {
    EngineError("run", "the files in '\(path)' disagree: \(reason)")
  }

  /// Checks that the files reach as far as the run did.
  private func checkEnd() throws {
    if let last = records.last, last.step > file.steps {
      throw failure(
        "history.jsonl has a record of step \(last.step), and run.json asks for \(file.steps) "
          + "steps")
    }
    guard file.state == TrainingRun.Status.finished.rawValue else { return }
    guard let step = checkpoint?.notes.step else {
      throw failure("run.json says that the run is finished, and there is no model.safetensors")
    }
    guard step == file.steps else {
      throw failure(
        "run.json says that the run has made its \(file.steps) steps, and model.safetensors is of "
          + "step \(step)")
    }
  }

  /// Checks that the checkpoint goes with the other files.
  private func check(_ checkpoint: StoredCheckpoint) throws {
    let notes = checkpoint.notes
    guard notes.run == file.run else {
      throw failure(
        "run.json is of run \(file.run.printable), model.safetensors of \(notes.run.printable)")
    }
    let names = Set(checkpoint.model.keys).union(file.settings["model", default: [:]].keys).sorted()
    for name in names {
      let (stored, described) = (checkpoint.model[name], file.settings["model"]?[name])
      guard stored != described else { continue }
      throw failure(
        "model \(name.printable) is \(described?.description ?? "nothing") in run.json, "
          + "\(stored?.description ?? "nothing") in model.safetensors")
    }
    guard notes.step <= file.steps else {
      throw failure(
        "model.safetensors is of step \(notes.step), and run.json asks for \(file.steps) steps")
    }
    let before = records.prefix { $0.step < notes.step }
    guard before.count == notes.records else {
      throw failure(
        "history.jsonl has \(before.count) records before step \(notes.step), of which "
          + "model.safetensors is, and there were \(notes.records)")
    }
    guard before.last?.json == notes.lastRecord else {
      throw failure(
        "line \(before.count) of history.jsonl is \(before.last?.json.printable ?? ""), and "
          + "model.safetensors knows it as \(notes.lastRecord?.printable ?? "")")
    }
  }

  /// Checks that a run has the settings that this one began with.
  /// - Throws: `EngineError` that names each that differs, and both values.
  func check(against given: RunDescription) throws {
    let stored = (settings: file.settings, unwritten: Set(file.unwritten))
    let now = (settings: try Self.decoded(given.settings), unwritten: Set(given.unwritten))
    let names = [stored, now].reduce(into: Set<String>()) { names, side in
      for (part, settings) in side.settings {
        names.formUnion(settings.keys.map { "\(part).\($0)" })
      }
      names.formUnion(side.unwritten)
    }
    func value(
      _ name: String, _ side: (settings: [String: [String: SettingValue]], unwritten: Set<String>)
    ) -> String? {
      let words = name.split(separator: ".", maxSplits: 1).map(String.init)
      guard words.count == 2, let value = side.settings[words[0]]?[words[1]] else {
        return side.unwritten.contains(name) ? "the script's own" : nil
      }
      let declarations = given.parts.first { $0.name == words[0] }?.described.declarations
      let type = declarations?.first { $0.name == words[1] }?.type
      return "\(type.map { value.counted(as: $0, by: 1) } ?? value)"
    }
    let differences = names.subtracting(RunFile.free).sorted().compactMap { name -> String? in
      let (stored, given) = (value(name, stored), value(name, now))
      guard stored != given else { return nil }
      return "\(name): \(stored ?? "none") in the folder, \(given ?? "none") given"
    }
    guard differences.isEmpty else {
      throw EngineError(
        "train",
        "the run in '\(path)' began with other settings: "
          + differences.joined(separator: "; ").printable)
    }
  }

  /// Settings as they come back from a file.
  private static func decoded(
    _ settings: [String: [String: SettingValue]]
  ) throws -> [String: [String: SettingValue]] {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = RunFile.floats
    return try JSONDecoder().decode(
      [String: [String: SettingValue]].self, from: encoder.encode(settings))
  }
}
