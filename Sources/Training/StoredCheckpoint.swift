import ByteStrings
import FoundationEssentials
import Settings
import TensorFiles
import Tensors
import Transformers

/// A checkpoint on disk; its tensors are read when they are wanted.
public struct StoredCheckpoint {
  /// The file.
  let path: String
  let notes: StateNotes
  /// The options that the model was made with, and its kind.
  let model: [String: SettingValue]

  /// Reads what a file says of itself.
  /// - Throws: `EngineError` if it cannot be read, or is no checkpoint of a run.
  init(_ path: String) throws {
    let metadata = try Safetensors.listing(path).metadata
    func failure(_ reason: String) -> EngineError { EngineError("run", "'\(path)' \(reason)") }
    guard let kind = metadata["kind"], let config = metadata["config"], let text = metadata["state"]
    else {
      throw failure("holds no state of a run; mnemo.model.load reads models")
    }
    struct Version: Decodable { let version: Int }
    let (decoder, data) = (JSONDecoder(), Data(text.utf8))
    guard let found = try? decoder.decode(Version.self, from: data) else {
      throw failure("holds a state that cannot be read")
    }
    guard found.version == StateNotes.version else {
      throw failure(
        "holds a state of version \(found.version) (this mnemo knows \(StateNotes.version))")
    }
    guard let notes = try? decoder.decode(StateNotes.self, from: data), notes.isSound,
      var model = try? decoder.decode([String: SettingValue].self, from: Data(config.utf8))
    else { throw failure("holds a state that cannot be read") }
    model["kind"] = .text(kind)
    (self.path, self.notes, self.model) = (path, notes, model)
  }

  /// Writes a run's state, of which these are the records that were made before its step.
  /// - Throws: `EngineError` if the file cannot be written.
  static func save(
    _ state: RunState, of run: String, records: ArraySlice<Record>, to path: String
  ) throws {
    let (notes, tensors) = try state.written(run: run, records: records)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(notes), as: UTF8.self)
    try Checkpoint.save(
      state.model, to: path, metadata: ["step": "\(state.step)", "state": text], state: tensors)
  }

  // MARK: Loading

  /// Copies parameters into a model, and freezes those that were frozen; all of it, or none on an
  /// error.
  /// - Throws: `EngineError` if the file cannot be read, or is of another model.
  func load(into model: any Model) throws {
    try Checkpoint.loadState(from: path, into: model)
    setTrained(in: model)
  }

  private func setTrained(in model: any Model) {
    let trained = Set(notes.trained.map { ByteName($0) })
    for (name, tensor) in model.parameters.all {
      // A parameter is a leaf, of which both may be said.
      _ = try? tensor.requireGrad(trained.contains(ByteName(name)))
    }
  }

  /// Copies parameters into a model, and what was remembered of them into an optimizer.
  ///
  /// All of it, or none on an error.
  /// - Returns: what the run returned to if it diverged.
  /// - Throws: `EngineError` if the file cannot be read, or is of another model or optimizer.
  func load(into model: any Model, _ optimizer: any Optimizer) throws -> GoodState? {
    guard notes.optimizer.buffers == optimizer.bufferNames else {
      throw failure("is of an optimizer with other buffers")
    }
    let tensors = try Checkpoint.state(from: path)
    var states: [(Tensor, OptimizerState?)] = []
    for (name, tensor) in model.parameters.all {
      let updates = notes.optimizer.updates[name]
      states.append(
        (tensor, try updates.map { try state(of: name, tensor, $0, tensors, "optimizer") }))
    }
    let good = try goodState(of: model, tensors)
    let script = try scriptState(tensors, for: optimizer)
    try load(into: model)
    if let script { try optimizer.load(script, model.parameters.all) }
    for (tensor, state) in states { optimizer.states[tensor] = state }
    optimizer.states.steps = notes.optimizer.steps
    return good
  }

  /// What the table of an optimizer of a script's remembered; nil for other optimizers.
  private func scriptState(
    _ tensors: [ByteName: Tensor], for optimizer: any Optimizer
  ) throws -> ScriptState? {
    guard optimizer.hasScriptState else { return nil }
    guard let tree = notes.optimizer.script else {
      throw failure(
        "does not hold what the optimizer remembers, which is a table: give it functions "
          + "state(self, parameters) and load_state(self, parameters, state)")
    }
    let state = ScriptState(tree) { tensors[ByteName("optimizer.script.\($0)")] }
    guard let state else { throw failure("lacks a tensor of the optimizer's") }
    return state
  }

  private func goodState(
    of model: any Model, _ tensors: [ByteName: Tensor]
  ) throws -> GoodState? {
    guard let stored = notes.good else { return nil }
    var good = GoodState(step: stored.step, loss: stored.loss)
    for name in stored.parameters {
      let tensor = try model.parameters.get(name)
      let values = try buffer("good.parameter.\(name)", tensors, like: tensor)
      let remembered = try stored.updates[name].map {
        try state(of: name, tensor, $0, tensors, "good.optimizer")
      }
      good.parameters.append((tensor, values, remembered))
    }
    return good
  }

  private func state(
    of name: String, _ tensor: Tensor, _ updates: Int, _ tensors: [ByteName: Tensor],
    _ prefix: String
  ) throws -> OptimizerState {
    OptimizerState(
      buffers: try notes.optimizer.buffers.map {
        try buffer("\(prefix).\($0).\(name)", tensors, like: tensor)
      }, updates: updates)
  }

  private func buffer(
    _ name: String, _ tensors: [ByteName: Tensor], like tensor: Tensor
  ) throws -> Tensor {
    guard let buffer = tensors[ByteName(name)] else {
      throw failure("has no tensor '\(name.printable)' of its state")
    }
    guard buffer.shape == tensor.shape else {
      throw failure(
        "has '\(name.printable)' of shape \(buffer.shape), the parameter has \(tensor.shape)")
    }
    return buffer
  }

  private func failure(_ reason: String) -> EngineError {
    EngineError("run", "'\(path)' \(reason)")
  }
}

extension StateNotes {
  /// Whether its numbers are such as a run has.
  fileprivate var isSound: Bool {
    let counts = Array(optimizer.updates.values) + Array(good?.updates.values ?? [:].values)
    return step >= 0 && step <= 1 << 40 && records >= 0 && optimizer.steps >= 0
      && (good?.step ?? 0) >= 0 && counts.allSatisfy { $0 >= 0 && $0 <= 1 << 53 }
  }
}
