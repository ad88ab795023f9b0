import ByteStrings
import FoundationEssentials
import Glibc
import Settings
import TensorFiles
import Tensors

/// What a run's folder says of it beside what was measured: `run.json`.
public struct RunFile: Codable {
  /// The version of the format.
  static let version = 1
  /// The state of a run that goes on, or that nobody has ended.
  static let running = "running"

  private(set) var version = Self.version
  /// The run's own number, by which its checkpoints know it: what it was made of, hashed, so that
  /// the same run has the same checkpoints, byte for byte.
  let run: String
  /// "running", or how it ended.
  private(set) var state = Self.running
  /// The error that ended it.
  private(set) var reason: String?
  /// When it began, and last ended.
  let started: String
  private(set) var ended: String?
  /// The number of updates that were asked for.
  public private(set) var steps: Int
  /// The settings of each part by name, with its `kind`; ids of tokens count from 0.
  let settings: [String: [String: SettingValue]]
  /// The names of the options that were given for each part, as far as they are known; the others
  /// have their defaults.
  let given: [String: [String]]
  /// The names of what was given and is not written down.
  let unwritten: [String]
  /// The names of the probes.
  let probes: [String]
  /// The processes that it went on in.
  private(set) var sessions: [Session]

  /// Where and by whom steps were made.
  struct Session: Codable {
    /// The number of updates made before.
    let first: Int
    let started: String
    var ended: String?
    let host: String
    let process: Int32
    let threads: Int
    let backend: String
    /// Which inner loops computed.
    let kernels: String
    let origin: RunOrigin
  }

  /// A run that begins, or a stored one that goes on.
  init(_ description: RunDescription, goingOnFrom earlier: RunFile? = nil) {
    let now = Self.now
    let origin = description.origin()
    run = earlier?.run ?? Self.number(description, origin)
    started = earlier?.started ?? now
    (steps, settings) = (description.last, description.settings)
    given = description.given
    (unwritten, probes) = (description.unwritten, description.probes)
    sessions = earlier?.sessions ?? []
    sessions.append(
      Session(
        first: description.first, started: now, host: Self.host, process: getpid(),
        threads: Parallel.threads, backend: Backends.current.name, kernels: KernelSet.name,
        origin: origin))
  }

  /// What may differ in a run that goes on.
  static let free: Set<String> = [
    "train.steps", "train.checkpoint_every", "train.checkpoints", "train.dir", "train.overwrite",
    "train.progress", "train.store", "train.on_record", "train.stop",
  ]

  private static func number(_ description: RunDescription, _ origin: RunOrigin) -> String {
    var made = [origin.script?.sha256 ?? ""] + description.unwritten + description.probes
    for (part, settings) in description.settings {
      made += settings.filter { !free.contains("\(part).\($0.key)") }
        .map { "\(part).\($0.key) = \($0.value)" }
    }
    let text = made.sorted().joined(separator: "\n")
    return String(SHA256.hexadecimal(of: Array(text.utf8)).prefix(16))
  }

  /// The same run, in the same process, that goes on.
  mutating func goOn(to steps: Int) {
    (state, reason, ended) = (Self.running, nil, nil)
    self.steps = steps
  }

  /// How it ended.
  mutating func end(_ status: TrainingRun.Status, _ reason: String?) {
    (state, self.reason, ended) = (status.rawValue, status == .failed ? reason : nil, Self.now)
    if !sessions.isEmpty { sessions[sessions.count - 1].ended = ended }
  }

  /// How it ended; one whose process was killed was interrupted.
  var status: TrainingRun.Status { TrainingRun.Status(rawValue: state) ?? .interrupted }

  private static var now: String { Date.now.formatted(.iso8601) }

  private static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(cBytes: name)
  }

  // MARK: On disk

  /// How numbers are written that JSON does not have.
  static var floats: JSONEncoder.NonConformingFloatEncodingStrategy {
    .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  }

  /// Writes the file, as a whole.
  /// - Throws: `EngineError` with the system's reason.
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = Self.floats
    let bytes = Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    func failure(_ reason: String) -> EngineError {
      EngineError("results folder", "'\(path)' cannot be written: \(reason)")
    }
    try File.replace(path, failure) { file in
      try bytes.withUnsafeBytes { try file.write($0, failure) }
    }
  }

  /// Reads a file.
  /// - Throws: `EngineError` if it cannot be read, or is of another version.
  init(from path: String) throws {
    func failure(_ reason: String) -> EngineError {
      EngineError("run", "'\(path)' \(reason)")
    }
    guard let bytes = RecordsFile.bytes(path) else { throw failure("cannot be read") }
    struct Version: Decodable { let version: Int }
    let decoder = JSONDecoder()
    guard let found = try? decoder.decode(Version.self, from: Data(bytes)) else {
      throw failure("is cut short, or describes no run")
    }
    guard found.version == Self.version else {
      throw failure("is of version \(found.version) (this mnemo knows \(Self.version))")
    }
    do {
      self = try decoder.decode(Self.self, from: Data(bytes))
    } catch let DecodingError.keyNotFound(key, _) {
      throw failure("has no '\(key.stringValue.printable)'")
    } catch let DecodingError.typeMismatch(_, context) {
      throw failure("has another kind of value at \(Self.place(context))")
    } catch let DecodingError.valueNotFound(_, context) {
      throw failure("has no value at \(Self.place(context))")
    } catch {
      throw failure("cannot be read as JSON")
    }
    guard steps >= 0 else { throw failure("asks for \(steps) steps") }
  }

  private static func place(_ context: DecodingError.Context) -> String {
    "'\(context.codingPath.map(\.stringValue).joined(separator: ".").printable)'"
  }
}
