import Tensors
import Transformers

/// Everything that a run needs to go on as if it had never stopped, at the beginning of a step.
public struct RunState {
  /// The model after ``step`` updates.
  public let model: any Model
  /// Number of updates made.
  public let step: Int
  /// Whether a checkpoint of it stays when later ones are written.
  public let isKept: Bool
  /// The update rule, which remembers something of each parameter.
  let optimizer: any Optimizer
  /// The first loss of the run.
  let firstLoss: Double?
  /// What the run returns to if it diverges.
  let good: GoodState?
  /// Where the random numbers of the run's functions stand.
  let random: RandomPosition?
}

/// What a run returns to: how things were when a record was made whose loss was below the first.
struct GoodState {
  let step: Int
  let loss: Double
  /// Parameters, copies of their values, and what the optimizer remembered of them.
  var parameters: [(tensor: Tensor, values: Tensor, state: OptimizerState?)] = []
}

// MARK: - On disk

/// What a checkpoint says of a run's state beside its tensors.
///
/// Tensors are `optimizer.BUFFER.NAME`, and of the good state `good.parameter.NAME` and
/// `good.optimizer.BUFFER.NAME`.
struct StateNotes: Codable {
  /// The version of this format.
  static let version = 1

  var version = Self.version
  /// Which run it belongs to, as its run.json says.
  let run: String
  /// Number of updates made.
  let step: Int
  /// How many records were made before this step, and the last of them as it stands in the history.
  let records: Int
  let lastRecord: String?
  /// The names of the parameters that are trained.
  let trained: [String]
  let optimizer: Remembered
  let firstLoss: Double?
  let good: Good?
  let random: RandomPosition?

  /// What an optimizer remembers.
  struct Remembered: Codable {
    /// The constructor.
    let kind: String
    /// How many steps of a loop of one's own were made.
    let steps: Int
    let buffers: [String]
    /// How often each parameter was updated.
    let updates: [String: Int]
    /// What a script's table remembers, with tensors `optimizer.script.PLACE`.
    let script: ScriptState.Tree?
  }

  /// The good state.
  struct Good: Codable {
    let step: Int
    let loss: Double
    /// The names of the parameters whose values it has.
    let parameters: [String]
    let updates: [String: Int]
  }
}

extension RunState {
  /// What is written of it.
  /// - Parameters:
  ///   - run: which run it belongs to.
  ///   - records: those made before its step.
  /// - Returns: what is text, and the tensors by their names.
  /// - Throws: errors of a script's optimizer that is asked what it remembers.
  func written(
    run: String, records: ArraySlice<Record>
  ) throws -> (notes: StateNotes, tensors: NamedTensors) {
    let buffers = optimizer.bufferNames
    var tensors: NamedTensors = []
    var names: [ObjectIdentifier: String] = [:]
    func add(_ state: OptimizerState, of name: String, under prefix: String) {
      for (buffer, tensor) in zip(buffers, state.buffers) {
        tensors.append(("\(prefix).\(buffer).\(name)", tensor))
      }
    }
    var updates: [String: Int] = [:]
    for (name, tensor) in model.parameters.all {
      names[ObjectIdentifier(tensor)] = name
      guard let state = optimizer.states[tensor] else { continue }
      updates[name] = state.updates
      add(state, of: name, under: "optimizer")
    }
    let good = good.map { good in
      var (changed, updates) = ([String](), [String: Int]())
      for (tensor, values, state) in good.parameters {
        guard let name = names[ObjectIdentifier(tensor)] else { continue }
        changed.append(name)
        tensors.append(("good.parameter.\(name)", values))
        updates[name] = state?.updates
        if let state { add(state, of: name, under: "good.optimizer") }
      }
      return StateNotes.Good(
        step: good.step, loss: good.loss, parameters: changed, updates: updates)
    }
    var own: [Tensor] = []
    let script = try optimizer.scriptState(model.parameters.all)?.tree(&own)
    tensors += own.enumerated().map { ("optimizer.script.\($0)", $1) }
    let notes = StateNotes(
      run: run, step: step, records: records.count, lastRecord: records.last?.json,
      trained: model.parameters.trained.map(\.name),
      optimizer: .init(
        kind: optimizer.kind, steps: optimizer.states.steps, buffers: buffers, updates: updates,
        script: script),
      firstLoss: firstLoss, good: good, random: random)
    return (notes, tensors)
  }
}
