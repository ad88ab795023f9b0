import LuaBridge
import Settings
import Tasks
import Tensors
import Training
import Transformers

/// `mnemo.train`: the training loop, with probes called back in Lua.
enum TrainFunctions {
  // MARK: The run

  private static var members: [String] { methods.map(\.shortName) + fields.map(\.name) }

  private static let fields = [
    Parameter("history", .list(.table), "one record for each measured step: step, loss, probes"),
    Parameter("step", .integer, "number of updates made"),
    Parameter("status", .string, "\"finished\", \"interrupted\" or \"failed\""),
    Parameter("model", .object("Model"), "the model"),
  ]

  /// The beginning of examples.
  private static let trained = """
    local task = mnemo.data.bigram{seq_len = 16, seed = 1}
    local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
    local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
      optimizer = mnemo.optim.sgd{lr = 0.1}}

    """

  private static func run(_ call: Call) throws -> TrainingRun {
    try call.object(1, TrainingRun.self)
  }

  private static var methods: [Function] {
    [
      Function(
        "series", "The values of one column of the history, as a list.",
        parameters: [Parameter("name", .string, "\"step\", \"loss\" or a probe's name")],
        returns: [.list(.number)],
        example: trained + "print(table.concat(run:series(\"loss\"), \" \"))"
      ) { call in
        let run = try run(call)
        let name = try call.string(2)
        let columns = columns(run)
        guard columns.contains(name) else {
          let hint = nearest(name, among: columns).map { "; did you mean '\($0)'?" } ?? ""
          throw EngineError(
            "series", "no column '\(name)' (there are \(columns.joined(separator: ", ")))\(hint)")
        }
        if name == "step" { return call.returns(run.history.map(\.step)) }
        return call.returns(run.history.map { $0[name] ?? .nan })
      },
      Function(
        "table", "The history as a text table.",
        parameters: [Parameter("names", .list(.string), "columns beside step", default: "all")],
        returns: [.string], example: trained + "print(run:table{\"loss\"})"
      ) { call in
        let run = try run(call)
        let names = try call.has(2) ? call.strings(2) : Array(columns(run).dropFirst())
        var rows = [["step"] + names]
        rows += run.history.map { record in
          ["\(record.step)"] + names.map { record[$0].map(shortNumber) ?? "-" }
        }
        let widths = (0...names.count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
          zip(row, widths).map { text, width in
            String(repeating: " ", count: width - text.count) + text
          }.joined(separator: "  ")
        }
        return call.returns(lines.joined(separator: "\n"))
      },
      Function(
        "save", "Writes history.jsonl and model.safetensors into a folder.",
        parameters: [
          Parameter("dir", .string, "the folder; made if it is not there", default: "the run's own")
        ],
        returns: [LuaResult(.object("Run"), "the run itself")],
        example: trained + "run:save(\"first\")"
      ) { call in
        let run = try run(call)
        guard let path = try call.optionalString(2) ?? run.options.settings.folder else {
          throw EngineError("save", "needs a folder: this run was made without dir")
        }
        try run.save(to: path)
        return call.returns(argument: 1)
      },
      Function(
        "plot", "A figure of columns of the history over the steps.",
        parameters: [
          Parameter("names", .list(.string), "The columns.", default: "loss and all probes")
        ],
        returns: [.object("Figure")], example: trained + "run:plot():save(\"loss.svg\")"
      ) { call in
        let chunk = try call.lua.load(
          "local run, names = ... return require('mnemo').plot.history(run, names)",
          chunkName: "=(mnemo)")
        let arguments = [.object(try run(call)), call.value(2)] as [LuaValue]
        return call.returns(all: try call.lua.run(chunk, arguments))
      },
      Function(
        "resume", "Goes on for more steps.", parameters: [Parameter("steps", .integer, "how many")],
        returns: [LuaResult(.object("Run"), "the run itself")],
        example: trained + "print(run:resume(2).step)"
      ) { call in
        let run = try run(call)
        let steps = try call.integer(2)
        try untilStopped(call.lua) { try run.advance(steps) }
        return call.returns(argument: 1)
      },
    ]
  }

  static var runClass: LuaClass {
    LuaClass(
      "Run", for: TrainingRun.self, "A training run and what it measured.", isIdentified: true,
      methods: methods, fields: fields,
      metamethods: [
        "__tostring": { call in
          let run = try run(call)
          let last = run.history.last.map { ", loss \(shortNumber($0.loss))" } ?? ""
          return call.returns("Run \(run.status.rawValue) at step \(run.step)\(last)")
        }
      ],
      index: { call in
        let run = try run(call)
        switch try call.string(2) {
        case "history": return call.returns(run.history.map(record))
        case "step": return call.returns(run.step)
        case "status": return call.returns(run.status.rawValue)
        case "model": return call.returns(run.options.model as AnyObject)
        case let name:
          throw unknownMember("Run", name, members)
        }
      })
  }

  /// Runs a loop that ends by itself when an interrupt waits, which is taken then.
  private static func untilStopped(_ lua: Lua, _ body: () throws -> Void) throws {
    try lua.deferringInterrupts {
      try body()
      _ = lua.takeInterrupt()
    }
  }

  private static func columns(_ run: TrainingRun) -> [String] {
    ["step", "loss"] + run.options.probes.map(\.name)
  }

  private static func record(_ record: Record) -> LuaRecord {
    LuaRecord(
      [("step", record.step), ("loss", record.loss)] + record.values.map { ($0.name, $0.value) })
  }

  private static func shortNumber(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
    let thousandths = Int((abs(value) * 10000).rounded())
    let fraction = String(thousandths % 10000)
    let sign = value < 0 && thousandths > 0 ? "-" : ""
    return "\(sign)\(thousandths / 10000)."
      + String(repeating: "0", count: 4 - fraction.count) + fraction
  }

  // MARK: The context of probes

  /// A probe's context as Lua sees it: ids from 1, made once for all probes of a record.
  final class Context {
    let context: ProbeContext
    private var madeBatch: LuaRecord?
    init(_ context: ProbeContext) { self.context = context }

    func batch() throws -> LuaRecord {
      let batch = try madeBatch ?? context.batch.luaRecord()
      madeBatch = batch
      return batch
    }
  }

  static var contextClass: LuaClass {
    LuaClass(
      "ProbeContext", for: Context.self, "What a probe sees of a step.",
      isIdentified: true,
      fields: [
        Parameter("model", .object("Model"), "the model"),
        Parameter("batch", .object("Batch"), "the batch of the step"),
        Parameter("logits", .object("Tensor"), "the logits at every position, [B, T, V]"),
        Parameter("step", .integer, "number of updates made"),
        Parameter("run", .object("Run"), "the run so far"),
      ],
      index: { call in
        let context = try call.object(1, Context.self)
        switch try call.string(2) {
        case "model": return call.returns(context.context.model as AnyObject)
        case "batch": return call.returns(try context.batch())
        case "logits": return call.returns(try context.context.logits())
        case "step": return call.returns(context.context.step)
        case "run": return call.returns(context.context.run.map(LuaObject.init))
        default: return call.returns(LuaValue.nil)
        }
      })
  }

  // MARK: mnemo.train

  static func functions(_ session: ModuleState) -> [Function] {
    [
      Function(
        "train",
        "Trains a model. A record (step, loss, every probe) is made every eval_every steps, counted "
          + "from 0, and after the last. Ctrl-C ends the loop after the current step and returns the "
          + "run. If the loss is no longer a number, or more than 100 times both the first loss and "
          + "that of a uniform guess, log vocab, training has diverged: it stops with an error, and the "
          + "model returns to the last record whose loss was below the first, or to the beginning.",
        options: TrainingSettings.declarations.map { Option($0) }, returns: [.object("Run")],
        example: """
          local task = mnemo.data.bigram{seq_len = 32, seed = 1}
          local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 32, seed = 1}
          local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
            optimizer = mnemo.optim.sgd{lr = 0.1}, loss_on = "repeats"}
          print(run:table())
          """
      ) { call in
        let options = try call.options()
        let settings = try options.configuration(TrainingSettings.self, session)
        var training = TrainingOptions(
          model: try options.object("model", (any Model).self),
          task: try options.object("data", (any TokenTask).self), steps: settings.steps,
          optimizer: try options.object("optimizer", (any Optimizer).self))
        training.settings = settings
        let callbacks = Callbacks(call.lua)
        if case .function = options.value("loss_on") {
          training.lossOn = .custom(lossWeights(callbacks))
        }
        training.probes = try probes(options, callbacks)
        training.schedule = try schedule(options, callbacks)
        if options.has("on_record") {
          training.onRecord = { made in
            let table = callbacks.lua.value(of: record(made))
            try callbacks.call("on_record", label: "on_record", [table])
          }
        }
        if settings.showsProgress { training.sinks.append(Progress()) }
        if let folder = settings.folder { training.sinks.append(try ResultsFolder(folder)) }
        let run = try TrainingRun(training)
        session.liveRuns.note(run)
        callbacks.run = run
        let held = call.lua.reference(to: run)
        call.lua.setUserValue(of: run, try call.table(1).reference)
        try untilStopped(call.lua) { try run.run() }
        return call.returns(held)
      }
    ]
  }

  /// The functions a run calls, found in the options that its userdata keeps.
  ///
  /// Held by the run itself they would be roots for the collector, and a probe that mentions its
  /// run would keep both for ever.
  private final class Callbacks {
    unowned let lua: Lua
    weak var run: TrainingRun?

    init(_ lua: Lua) { self.lua = lua }

    /// Calls the option of that name, or a field of it; an error in it says which it was.
    @discardableResult
    func call(
      _ option: String, _ key: LuaKey? = nil, label: String, _ arguments: [LuaValue]
    ) throws -> [LuaValue] {
      guard let run, let options = lua.userValue(of: run).asTable else {
        throw EngineError(label, "its Lua function is gone; keep the run that it belongs to")
      }
      let function =
        try key.map { try options.table(.name(option)).function($0) }
        ?? options.function(.name(option))
      return try lua.calling(label, function, arguments)
    }
  }

  private static func lossWeights(_ callbacks: Callbacks) -> (Batch) throws -> Tensor {
    { batch in
      let table = callbacks.lua.value(of: try batch.luaRecord())
      let result = try callbacks.call("loss_on", label: "loss_on", [table])
      guard let mask = result.first?.asObject(Tensor.self) else {
        throw EngineError(
          "train", "loss_on must return a Tensor, got \(result.first?.typeName ?? "nothing")")
      }
      return mask.detach()
    }
  }

  private static func probes(
    _ options: Options, _ callbacks: Callbacks
  ) throws -> [(name: String, function: (ProbeContext) throws -> Double)] {
    guard let table = try options.optionalTable("probes") else { return [] }
    // All probes of a record share one context, so that the batch is converted once and what they
    // keep for it is found again; Lua would collect it between two probes.
    var shared: (context: Context, held: LuaReference)?
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
            let made = Context(context)
            shared = (made, callbacks.lua.reference(to: made))
          }
          let arguments = shared.map { [LuaValue.object($0.context)] } ?? []
          let result = try noGrad {
            try callbacks.call("probes", .name(name), label: label, arguments)
          }
          guard let value = result.first?.asNumber else {
            throw EngineError(
              label, "must return a number, got \(result.first?.typeName ?? "nothing")")
          }
          return value
        }
      )
    }
  }

  private static func schedule(
    _ options: Options, _ callbacks: Callbacks
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
