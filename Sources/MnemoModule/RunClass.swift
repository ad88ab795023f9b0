import LuaBridge
import Tensors
import Training

/// What `mnemo.train` returns: a run, and what it measured.
enum RunClass {
  private static var members: [String] { methods.map(\.shortName) + fields.map(\.name) }

  private static let fields = [
    LuaParameter("history", .list(.table), "one record for each measured step: step, loss, probes"),
    LuaParameter("step", .integer, "number of updates made"),
    LuaParameter(
      "status", .string,
      "\"finished\", \"stopped\" by stop or on_record, \"interrupted\" or \"failed\""),
    LuaParameter("model", .object("Model"), "the model"),
    LuaParameter(
      "settings", .table,
      "the options, with defaults, of its model, task, optimizer and train, in tables of these names "
        + "with kind, the constructor"),
    LuaParameter(
      "checkpoints", .list(.integer), "the steps of which its folder has a checkpoint, in order"),
  ]

  /// The beginning of examples.
  private static let trained = """
    local task = mnemo.data.bigram{seq_len = 16, seed = 1}
    local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
    local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
      optimizer = mnemo.optim.sgd{lr = 0.1}}

    """

  private static func run(_ call: LuaCall) throws -> TrainingRun {
    try call.object(1, TrainingRun.self)
  }

  private static var methods: [LuaFunction] {
    [
      LuaFunction(
        "series", "The values of one column of the history, as a list.",
        parameters: [
          LuaParameter(
            "name", .string,
            "\"step\", \"loss\", a probe's name, or name.key of one that returns tables")
        ],
        returns: [.list(.number)],
        example: trained + "print(table.concat(run:series(\"loss\"), \" \"))"
      ) { call in
        let run = try run(call)
        let name = try call.string(2)
        let columns = run.columns
        guard columns.contains(name) else {
          let hint = nearest(name, among: columns).map { "; did you mean '\($0)'?" } ?? ""
          throw EngineError(
            "series", "no column '\(name)' (there are \(columns.joined(separator: ", ")))\(hint)")
        }
        if name == "step" { return call.returns(run.history.map(\.step)) }
        return call.returns(run.history.map { $0[name] ?? .nan })
      },
      LuaFunction(
        "table", "The history as a text table.",
        parameters: [LuaParameter("names", .list(.string), "columns beside step", default: "all")],
        returns: [.string], example: trained + "print(run:table{\"loss\"})"
      ) { call in
        let run = try run(call)
        let names = try call.has(2) ? call.strings(2) : Array(run.columns.dropFirst())
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
      LuaFunction(
        "save",
        "Writes history.jsonl and model.safetensors into a folder, each at once or not at all. A "
          + "folder that holds another run is refused.",
        parameters: [
          LuaParameter(
            "dir", .string, "the folder; made if it is not there", default: "the run's own")
        ],
        options: [
          LuaOption("overwrite", .boolean, false, "Whether another run in the folder is replaced.")
        ],
        returns: [LuaResult(.object("Run"), "the run itself")],
        example: trained + "run:save(\"first\")"
      ) { call in
        let run = try run(call)
        guard let path = try call.optionalString(2) ?? run.options.settings.folder else {
          throw EngineError("save", "needs a folder: this run was made without dir")
        }
        try run.save(to: path, overwrites: call.options().boolean("overwrite"))
        return call.returns(argument: 1)
      },
      LuaFunction(
        "plot", "A figure of columns of the history over the steps.",
        parameters: [
          LuaParameter(
            "names", .list(.string), "The columns, and options of plot.lines by name.",
            default: "loss and all probes")
        ],
        returns: [.object("Figure")], example: trained + "run:plot():save(\"loss.svg\")"
      ) { call in
        let chunk = try call.lua.load(
          "local run, names = ... return require('mnemo').plot.history(run, names)",
          chunkName: "=(mnemo)")
        let arguments = [.object(try run(call)), call.value(2)] as [LuaValue]
        return call.returns(all: try call.lua.run(chunk, arguments))
      },
      LuaFunction(
        "model_at",
        "A copy of the model as it was after so many updates, from a checkpoint in the run's folder: "
          + "the newest, or one that was kept (checkpoints = \"log\").",
        parameters: [LuaParameter("step", .integer, "the number of updates")],
        returns: [.object("Model")],
        example: """
          local task = mnemo.data.bigram{seq_len = 16, seed = 1}
          local run = mnemo.train{
            model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1},
            data = task, steps = 5, batch_size = 4, optimizer = mnemo.optim.sgd{lr = 0.1},
            dir = "run", checkpoints = "log",
          }
          for _, step in ipairs(run.checkpoints) do
            print(step, run:model_at(step):loss(task:held_out(8)):item())
          end
          """
      ) { call in
        let (run, step) = (try run(call), try call.integer(2))
        // A stored custom model has no forward pass, its copies neither.
        return call.returns(try run.model(at: step) as AnyObject)
      },
      LuaFunction(
        "resume",
        "Goes on for more steps; also a run that mnemo.runs.load gave, if all that it was made of is "
          + "built in.",
        parameters: [
          LuaParameter(
            "steps", .integer, "how many", default: "those that are left of what was asked for")
        ],
        returns: [LuaResult(.object("Run"), "the run itself")],
        example: trained + "print(run:resume(2).step)"
      ) { call in
        let run = try run(call)
        let steps = try call.optionalInteger(2) ?? run.stepsLeft
        try untilStopped(call.lua) { try run.advance(steps) }
        return call.returns(argument: 1)
      },
    ]
  }

  static var declaration: LuaClass {
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
        case "settings": return call.returns(settings(of: run))
        case "checkpoints": return call.returns(run.checkpointSteps)
        case let name:
          throw unknownMember("Run", name, members)
        }
      })
  }

  private static func settings(of run: TrainingRun) -> LuaRecord {
    LuaRecord(run.parts.map { ($0.name, $0.described.luaRecordWithKind) })
  }

  /// Runs a loop that ends by itself when an interrupt waits, which is taken then.
  static func untilStopped(_ lua: Lua, _ body: () throws -> Void) throws {
    try lua.hearingInterrupts {
      try lua.deferringInterrupts {
        try body()
        _ = lua.takeInterrupt()
      }
    }
  }

  static func record(_ record: Record) -> LuaRecord {
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
}
