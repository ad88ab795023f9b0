import LuaBridge
import Settings
import Tasks
import Tensors
import Training
import Transformers

/// `mnemo.train`: the training loop, with probes called back in Lua.
enum TrainFunctions {
  static func functions(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "train",
        "Trains a model. A record (step, loss, every probe) is made every eval_every steps, counted "
          + "from 0, and after the last. Ctrl-C ends the loop after the current step and returns the "
          + "run; a second one, whenever it comes, ends the script. If the loss is no longer a "
          + "number, or more than 100 times both the first loss and that of a uniform guess, log "
          + "vocab, training has diverged: it stops with an error, and the model returns to the last "
          + "record whose loss was below the first, or to the beginning; a loss of one's own may grow "
          + "without bound. Models of a list are trained side by side, each step on one thread where "
          + "there are enough of them; what is written in Lua is called for one after the other. "
          + "Each gives the numbers that it gives alone. An error in one ends all, and says which "
          + "model it was. What is in dir goes on in another process by resume. "
          + "docs/training.md shows all of it, and loops without mnemo.train.",
        options: TrainingSettings.declarations.map { LuaOption($0) },
        returns: [
          LuaResult(
            .union([.object("Run"), .list(.object("Run"))]),
            "the run; for a list of models the list of their runs")
        ],
        example: """
          local task = mnemo.data.bigram{seq_len = 32, seed = 1}
          local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 32, seed = 1}
          local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
            optimizer = mnemo.optim.sgd{lr = 0.1}, loss_on = "repeats"}
          print(run:table())

          local models = {}
          for seed = 1, 2 do
            models[seed] = mnemo.model.simplified{vocab = 65, dim = 16, max_len = 32, seed = seed}
          end
          local runs = mnemo.train{model = models, data = task, steps = 3, batch_size = 4,
            optimizer = mnemo.optim.sgd{lr = 0.1}, loss_on = "repeats"}
          print(mnemo.runs.spread(mnemo.runs.last(runs, "loss")))
          """
      ) { call in
        let (lua, options) = (call.lua, try call.options())
        let settings = try options.configuration(TrainingSettings.self, session)
        let trained = try TrainedModels(options)
        let store = try StoreOfCall(options, session)
        let progress = progress(settings, session)
        var held: [LuaReference] = []
        var folders: [ResultsFolder] = []
        // What keeps the runs from beginning leaves no folder in use.
        defer { for folder in folders { folder.letGo() } }
        let origin = ScriptOrigin.origin(lua, session)
        let runs = try trained.models.indices.map { place in
          let callbacks = Callbacks(
            lua, place: place, hasOwnProbes: trained.hasOwnProbes, hasOwnData: trained.hasOwnData)
          let run = try trained.naming(place, in: lua) {
            var training = TrainingOptions(
              model: trained.models[place], data: try TrainingSource.data(options, callbacks),
              steps: settings.steps, optimizer: try optimizer(options, callbacks))
            training.settings = settings
            training.settings.folder = trained.folders[place]
            try addCallbacks(to: &training, options, callbacks)
            (training.sinks, training.random, training.origin) = (progress, session, origin)
            training.given = given(options, training, session)
            // First, so that no checkpoint is of a step whose records the store lacks.
            if let store {
              training.sinks.append(
                try store.sink(folder: training.folder, isResumed: trained.isResumed))
            }
            if let path = training.folder {
              folders.append(
                trained.isResumed
                  ? try ResultsFolder(resuming: path)
                  : try ResultsFolder(
                    path, overwrites: settings.overwrites || session.sweepPoint != nil))
              training.sinks += folders.suffix(1)
            }
            return try TrainingRun(training)
          }
          session.liveRuns.note(run)
          callbacks.run = run
          held.append(lua.reference(to: run))
          lua.setUserValue(of: run, try call.table(1).reference)
          try trained.naming(place, in: lua) { try run.restore() }
          return run
        }
        guard trained.isList else {
          try RunClass.untilStopped(lua) { try runs[0].run() }
          return call.returns(held[0])
        }
        let together = try SideBySide(runs)
        try RunClass.untilStopped(lua) {
          do {
            try together.run()
          } catch let failure as RunFailure {
            try trained.naming(failure.place, in: lua) { throw failure.reason }
          }
        }
        return call.returns(held)
      }
    ]
  }

  /// What tells how far runs are; in a sweep's point, if the sweep shows progress.
  private static func progress(_ settings: TrainingSettings, _ session: ModuleState) -> [Progress] {
    guard settings.showsProgress else { return [] }
    guard let point = session.sweepPoint else { return [Progress()] }
    return point.progress.map { [Progress(prefix: $0)] } ?? []
  }

  /// The names of the options that were given for each part, as far as they are known.
  private static func given(
    _ options: LuaOptions, _ training: TrainingOptions, _ session: ModuleState
  ) -> [String: [String]] {
    let parts: [(String, AnyObject?)] = [
      ("model", training.model), ("task", training.task), ("optimizer", training.optimizer),
    ]
    let known = parts.compactMap { name, part in
      part.flatMap { session.options(of: $0) }.map { (name, $0) }
    }
    return Dictionary(known + [("train", options.given)]) { first, _ in first }
  }

  private static func addCallbacks(
    to training: inout TrainingOptions, _ options: LuaOptions, _ callbacks: Callbacks
  ) throws {
    if case .function = options.value("loss_on") {
      training.lossOn = .custom(lossWeights(callbacks))
    }
    if options.has("loss") {
      guard !options.isGiven("loss_on") else {
        throw options.failure("loss_on", "loss takes its place; give one of them")
      }
      training.loss = TrainingSource.loss(callbacks)
    }
    training.probes = try probes(options, callbacks)
    training.schedule = try schedule(options, callbacks)
    addRecordCallbacks(to: &training, options, callbacks)
  }

  /// What is called with each record: `on_record`, which ends the run by false, and `stop`, which
  /// does by true.
  private static func addRecordCallbacks(
    to training: inout TrainingOptions, _ options: LuaOptions, _ callbacks: Callbacks
  ) {
    func call(_ name: String, _ made: Record) throws -> LuaValue {
      let table = callbacks.lua.value(of: RunClass.record(made))
      let run = callbacks.run.map { LuaValue.object($0) } ?? .nil
      return try callbacks.call(name, label: name, [table, run]).first ?? .nil
    }
    var isEnough = false
    if options.has("on_record") {
      training.onRecord = { isEnough = try call("on_record", $0) == .boolean(false) }
      training.isEnough = { _ in isEnough }
    }
    if options.has("stop") {
      training.isEnough = { try isEnough || call("stop", $0).isTrue }
    }
  }

  private static func optimizer(
    _ options: LuaOptions, _ callbacks: Callbacks
  ) throws -> any Optimizer {
    guard case .table(let table) = options.value("optimizer") else {
      return try options.object("optimizer", (any RuleOptimizer).self)
    }
    return try ScriptOptimizer(callbacks.lua, table) { try callbacks.table("optimizer") }
  }

  /// The functions a run calls, found in the options that its userdata keeps.
  ///
  /// Held by the run itself they would be roots for the collector, and a probe that mentions its
  /// run would keep both for ever.
  final class Callbacks {
    unowned let lua: Lua
    weak var run: TrainingRun?
    /// Where the run's probes are in a list of tables; nil for one table.
    private let probes: Int?
    /// Where its data are in a list; nil for one for all.
    private let data: Int?

    init(_ lua: Lua, place: Int, hasOwnProbes: Bool, hasOwnData: Bool) {
      self.lua = lua
      (probes, data) = (hasOwnProbes ? place : nil, hasOwnData ? place : nil)
    }

    /// Calls the option of that name, or a field of it; an error in it says which it was.
    @discardableResult
    func call(
      _ option: String, _ key: LuaKey? = nil, label: String, _ arguments: [LuaValue]
    ) throws -> [LuaValue] {
      let options = try options(for: label)
      let function =
        try key.map { try options.table(.name(option)).function($0) }
        ?? options.function(.name(option))
      return try lua.calling(label, function, arguments)
    }

    /// Calls a probe.
    func callProbe(_ name: String, label: String, _ arguments: [LuaValue]) throws -> [LuaValue] {
      let table = try own(try options(for: label).table("probes"))
      return try lua.calling(label, table.function(.name(name)), arguments)
    }

    /// The table of the run's own probes in what was given as `probes`.
    func own(_ table: TableReader) throws -> TableReader {
      try probes.map { try table.table(.index($0 + 1)) } ?? table
    }

    /// The table that an option is.
    func table(_ option: String) throws -> LuaReference {
      try options(for: option).table(.name(option)).reference
    }

    /// What was given as the run's `data`.
    func ownData(_ options: LuaOptions) throws -> LuaValue {
      try data.map { try options.table("data").value(.index($0 + 1)) } ?? options.value("data")
    }

    /// The table that is the run's `data`.
    func dataTable() throws -> LuaReference {
      let options = try options(for: "data")
      let table = try data.map { try options.table("data").table(.index($0 + 1)) }
      return try (table ?? options.table("data")).reference
    }

    private func options(for label: String) throws -> TableReader {
      guard let run, let options = lua.userValue(of: run).asTable else {
        throw EngineError(label, "its Lua function is gone; keep the run that it belongs to")
      }
      return options
    }
  }

  private static func lossWeights(_ callbacks: Callbacks) -> (StepBatch) throws -> Tensor {
    { batch in
      let table = callbacks.lua.value(of: try batch.luaValue())
      let result = try callbacks.call("loss_on", label: "loss_on", [table])
      guard let mask = result.first?.asObject(Tensor.self) else {
        throw EngineError(
          "train", "loss_on must return a Tensor, got \(result.first?.typeName ?? "nothing")")
      }
      return mask.detach()
    }
  }

  private static func probes(
    _ options: LuaOptions, _ callbacks: Callbacks
  ) throws -> [(name: String, function: (ProbeContext) throws -> any ProbeResult)] {
    guard let table = try options.optionalTable("probes").map(callbacks.own) else { return [] }
    // All probes of a record share one context, so that the batch is converted once and what they
    // keep for it is found again; Lua would collect it between two probes.
    var shared: (context: ProbeView, held: LuaReference)?
    return try table.fields().map { name, _ in
      guard name != "step", name != "loss" else {
        throw options.failure(
          "probes", "'\(name)' is a column of every record; choose another name")
      }
      _ = try table.function(.name(name))
      let label = "probe '\(name)'"
      return (
        name,
        { context in
          if shared?.context.context !== context {
            let made = ProbeView(context)
            shared = (made, callbacks.lua.reference(to: made))
          }
          let arguments = shared.map { [LuaValue.object($0.context)] } ?? []
          let result = try noGrad {
            try callbacks.callProbe(name, label: label, arguments)
          }
          return try probeResult(result.first, label)
        }
      )
    }
  }

  /// What a probe returned: a number, a 0-dimensional tensor, or a table of them.
  private static func probeResult(_ value: LuaValue?, _ label: String) throws -> any ProbeResult {
    if let number = try value.flatMap(number) { return number }
    guard let table = value?.asTable else {
      let given = value?.asObject(Tensor.self).map { "Tensor of shape \($0.shape)" }
      throw EngineError(
        label,
        "must return a number, a 0-dimensional Tensor or a table of them, got "
          + (given ?? value?.typeName ?? "nothing"))
    }
    let entries = try table.entries()
    guard !entries.isEmpty else { throw EngineError(label, "returned an empty table") }
    return ProbeTable(
      try entries.map { key, value in
        guard let name = key.asString ?? key.asInteger.map({ "\($0)" }) else {
          throw EngineError(label, "names expected as keys of its table, got \(key)")
        }
        guard let number = try number(value) else {
          throw EngineError(
            label, "[\(key)] must be a number or a 0-dimensional Tensor, got \(value.typeName)")
        }
        return (name, number)
      })
  }

  /// A number, or a 0-dimensional tensor's; nil for anything else.
  private static func number(_ value: LuaValue) throws -> Double? {
    if let number = value.asNumber { return number }
    guard let tensor = value.asObject(Tensor.self), tensor.shape.isEmpty else { return nil }
    return Double(try tensor.item())
  }

  private static func schedule(
    _ options: LuaOptions, _ callbacks: Callbacks
  ) throws -> [Int: (any Model) throws -> Void] {
    guard let table = try options.optionalTable("at") else { return [:] }
    var result: [Int: (any Model) throws -> Void] = [:]
    for (key, value) in try table.entries() {
      guard let step = key.asInteger, step >= 0 else {
        throw options.failure("at", "keys are steps, counted from 0, got \(key)")
      }
      guard case .function = value else {
        throw options.failure("at", "[\(step)]: function expected, got \(value.typeName)")
      }
      result[step] = { model in
        try callbacks.call("at", .index(step), label: "at[\(step)]", [.object(model)])
      }
    }
    return result
  }
}
