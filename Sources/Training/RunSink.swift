import FoundationEssentials
import Settings
import Tensors

/// Where a run tells what happens: a folder of results, a bar of progress, a store of runs.
///
/// Every message has a default that does nothing. An error of `begin`, `record`, `rewind` or
/// `checkpoint` ends the run. Messages come on the thread that advances the run; of runs
/// ``SideBySide`` `updated` may come on others, for several runs at a time.
public protocol RunSink: AnyObject {
  /// Whether it keeps checkpoints, so that nothing is lost if the run is.
  var keepsModel: Bool { get }

  /// Steps are about to be made: at first, and each time the run goes on.
  func begin(_ run: RunDescription) throws

  /// An update was made.
  func updated(step: Int, loss: Double)

  /// A function of the script's is about to be called, which may write to the terminal.
  func pause()

  /// Something was measured.
  func record(_ record: Record) throws

  /// The run came back from a path that it does not go on; these records remain.
  func rewind(to history: [Record]) throws

  /// How things are is to be kept: what the run needs to go on from there.
  func checkpoint(_ state: RunState) throws

  /// An error has ended it; `end` follows.
  func failed(_ error: any Error)

  /// No more steps are made for now.
  func end(_ status: TrainingRun.Status)
}

extension RunSink {
  public var keepsModel: Bool { false }
  public func begin(_ run: RunDescription) throws {}
  public func updated(step: Int, loss: Double) {}
  public func pause() {}
  public func record(_ record: Record) throws {}
  public func rewind(to history: [Record]) throws {}
  public func checkpoint(_ state: RunState) throws {}
  public func failed(_ error: any Error) {}
  public func end(_ status: TrainingRun.Status) {}
}

/// What a run is about to do, and with what.
public struct RunDescription {
  /// The number of updates made before.
  public let first: Int
  /// The number of updates that there will be.
  public let last: Int
  /// The step of the last record that there is; nil if there is none.
  public let recorded: Int?
  /// The run's own settings, and its model, task and optimizer as they were made.
  public let parts: [(name: String, described: any Described)]
  /// The names of the probes, in order.
  public let probes: [String]
  /// The names of what was given and is not written down, such as `optimizer.lr`, a function.
  public let unwritten: [String]
  /// The names of the options that were given for each part, as far as they are known; the others
  /// have their defaults.
  public let given: [String: [String]]
  /// Asks who made the run.
  public let origin: () -> RunOrigin

  init(first: Int, last: Int, recorded: Int?, _ options: TrainingOptions) {
    (self.first, self.last, self.recorded) = (first, last, recorded)
    parts = [
      ("model", options.model), ("task", options.data.described), ("optimizer", options.optimizer),
      ("train", options.settings),
    ]
    (probes, unwritten) = (options.probes.map(\.name), options.unwritten)
    (given, origin) = (options.given, options.origin)
  }

  /// What computes.
  private var engine: [String: SettingValue] {
    ["backend": .text(Backends.current.name), "kernels": .text(KernelSet.name)]
  }

  /// The settings of each part by name, with its `kind`.
  var settings: [String: [String: SettingValue]] {
    let values = parts.map { name, described in
      let settings = described.settings + [("kind", .text(described.kind))]
      return (name, Dictionary(settings.map { ($0.name, $0.value) }) { _, last in last })
    }
    return Dictionary(values) { _, last in last }
  }

  /// All settings, and what computes, as JSON:
  /// `{"engine":{"kernels":"avx512",…},"model":{"kind":"simplified","dim":64,…},"task":{…},…}`.
  /// - Throws: an error for a number that JSON does not have.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var values = settings
    values["engine"] = engine
    return String(decoding: try encoder.encode(values), as: UTF8.self)
  }
}
