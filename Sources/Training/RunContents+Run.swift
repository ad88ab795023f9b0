import ByteStrings
import Settings
import Tasks
import Tensors
import Transformers

// A run made of what its folder holds, without its script.

extension RunContents {
  /// The stored run: its history, its model as it was at the last checkpoint, its settings.
  ///
  /// It goes on if all that it was made of is built in. Functions of a script are in no file: a run
  /// that had some refuses to make steps, and says so.
  /// - Parameter sinks: who is told what happens beside the folder.
  /// - Returns: the run, at the step of its last checkpoint.
  /// - Throws: `EngineError` if the folder's files cannot be read, or describe what there is not.
  public func makeRun(
    sinks: (TrainingSettings) -> [any RunSink] = { _ in [] }
  ) throws -> TrainingRun {
    var options = TrainingOptions(
      model: try model(), data: try data(), steps: file.steps, optimizer: try optimizer())
    options.settings = try configuration(TrainingSettings.self, "train")
    options.settings.steps = file.steps
    options.settings.folder = path
    (options.given, options.incomplete) = (file.given, incomplete)
    options.sinks = sinks(options.settings) + [ResultsFolder(of: self)]
    let run = try TrainingRun(options)
    try run.takeOver(self)
    return run
  }

  /// Why it does not go on; nil if it does.
  private var incomplete: EngineError? {
    let way = "mnemo.train{resume = \"\(path)\", …}"
    if !file.unwritten.isEmpty {
      return EngineError(
        "train",
        "the run in '\(path)' has what only its script can give "
          + "(\(file.unwritten.joined(separator: ", ").printable)); it goes on there, by \(way)")
    }
    guard checkpoint == nil else { return nil }
    return EngineError(
      "train", "the run in '\(path)' has no checkpoint yet; it begins anew in its script, by \(way)"
    )
  }

  /// Whether a part was made of nothing but what is written down.
  private func isBuiltIn(_ part: String) -> Bool {
    !file.unwritten.contains { $0.hasPrefix(part + ".") }
  }

  // MARK: Parts

  private func model() throws -> any Model {
    let kind = kind("model")
    if let type = ModelKinds.all.first(where: { $0.kind == kind }) {
      if let checkpoint { return try Checkpoint.load(from: checkpoint.path) }
      return try configuration(type, "model").makeModel()
    }
    return try StoredModel(kind: kind, settings: settings("model"), from: checkpoint?.path)
  }

  private func data() throws -> TrainingData {
    let kind = kind("task")
    let type = TaskKinds.all.first { $0.kind == kind }
    if let type, isBuiltIn("task") {
      return .task(try configuration(type, "task").makeTask())
    }
    let described = DescribedData(
      kind: kind, settings: settings("task"), declarations: type?.declarations ?? [],
      unwritten: ["batch"])
    let incomplete = incomplete
    return .function(described) { _, _ in
      throw incomplete ?? EngineError("train", "the run has no data")
    }
  }

  private func optimizer() throws -> any Optimizer {
    let kind = kind("optimizer")
    if let type = OptimizerKinds.all.first(where: { $0.kind == kind }), isBuiltIn("optimizer") {
      return try configuration(type, "optimizer").makeOptimizer()
    }
    return StoredOptimizer(
      kind: kind, settings: settings("optimizer"),
      bufferNames: checkpoint?.notes.optimizer.buffers ?? [])
  }

  /// An optimizer of which only what it remembered is known.
  private final class StoredOptimizer: Optimizer {
    let states = OptimizerStates()
    let kind: String
    let settings: [(name: String, value: SettingValue)]
    let bufferNames: [String]

    init(
      kind: String, settings: [(name: String, value: SettingValue)], bufferNames: [String]
    ) {
      (self.kind, self.settings, self.bufferNames) = (kind, settings, bufferNames)
    }

    func update(_ parameters: NamedTensors, _ rates: StepRates) throws {
      throw EngineError("optimizer", "its update is a script's, and in no file")
    }
  }

  // MARK: Settings

  private func kind(_ part: String) -> String {
    if case .text(let kind)? = file.settings[part]?["kind"] { kind } else { "" }
  }

  private func settings(_ part: String) -> [(name: String, value: SettingValue)] {
    file.settings[part, default: [:]].filter { $0.key != "kind" }.sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }

  private func configuration<C: Configuration>(_: C.Type, _ part: String) throws -> C {
    let values = file.settings[part, default: [:]].filter { $0.key != "kind" }
    do {
      return try C(settings: values)
    } catch let error as SettingError {
      throw EngineError(
        "run",
        "'\(path)/run.json' says of the \(part): "
          + "\(error.name.printable): \(error.reason.printable)")
    }
  }
}
