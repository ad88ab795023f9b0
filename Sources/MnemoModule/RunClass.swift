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
        "resume", "Goes on for more steps.",
        parameters: [LuaParameter("steps", .integer, "how many")],
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
        case let name:
          throw unknownMember("Run", name, members)
        }
      })
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
