import FoundationEssentials
import Settings
import Tensors
import Transformers

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

  /// The model is to be kept as it is after `step` updates.
  func checkpoint(_ model: any Model, step: Int) throws

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
  public func checkpoint(_ model: any Model, step: Int) throws {}
  public func end(_ status: TrainingRun.Status) {}
}

/// What a run is about to do, and with what.
public struct RunDescription {
  /// The number of updates made before.
  public let first: Int
  /// The number of updates that there will be.
  public let last: Int
  /// The run's own settings, and its model, task and optimizer as they were made.
  public let parts: [(name: String, described: any Described)]
  /// The names of the probes, in order.
  public let probes: [String]

  /// What computes.
  private var engine: [String: SettingValue] {
    ["backend": .text(Backends.current.name), "kernels": .text(KernelSet.name)]
  }

  /// All settings, and what computes, as JSON:
  /// `{"engine":{"kernels":"avx512",…},"model":{"kind":"simplified","dim":64,…},"task":{…},…}`.
  /// - Throws: an error for a number that JSON does not have.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let values = parts.map { name, described in
      let settings = described.settings + [("kind", .text(described.kind))]
      return (name, Dictionary(settings.map { ($0.name, $0.value) }) { _, last in last })
    }
    let data = try encoder.encode(Dictionary(values + [("engine", engine)]) { _, last in last })
    return String(decoding: data, as: UTF8.self)
  }
}
