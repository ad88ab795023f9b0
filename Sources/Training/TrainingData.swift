import Settings
import Tasks
import Tensors

/// Where the batches of a run come from.
public enum TrainingData {
  /// A task; step s takes batch s of its training stream.
  case task(any TokenTask)
  /// A function of the number of sequences wanted and the step, counted from 0; asked on the thread
  /// that advances the run. It is described so where runs are.
  case function(DescribedData, (_ size: Int, _ step: Int) throws -> StepBatch)

  /// Whether batches are drawn on the thread that advances the run.
  var needsCaller: Bool {
    if case .task(let task) = self { !(task is any ConcurrentTask) } else { true }
  }

  /// What is written down of it.
  var described: any Described {
    switch self {
    case .task(let task): task
    case .function(let described, _): described
    }
  }
}

/// What is known of data that a function gives.
public struct DescribedData: Described {
  public let kind: String
  public let settings: [(name: String, value: SettingValue)]
  public let declarations: [Setting]
  public let unwritten: [String]

  /// Data of a kind.
  public init(
    kind: String, settings: [(name: String, value: SettingValue)] = [],
    declarations: [Setting] = [], unwritten: [String]
  ) {
    (self.kind, self.settings) = (kind, settings)
    (self.declarations, self.unwritten) = (declarations, unwritten)
  }
}

/// What one step learns from.
public struct StepBatch {
  /// Its sequences; nil if only a loss of one's own knows what it is.
  public let sequences: Batch?
  /// The batch as whoever drew it knows it; nil if it is no more than its sequences.
  public let source: AnyObject?

  /// A batch with sequences, a source, or both.
  public init(_ sequences: Batch?, source: AnyObject? = nil) {
    (self.sequences, self.source) = (sequences, source)
  }
}
