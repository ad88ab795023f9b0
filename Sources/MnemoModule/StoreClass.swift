import JSONText
import LuaBridge
import RunStore
import Tensors

/// `mnemo.store`: a file of runs and sweeps, to be asked.
enum StoreClass {
  private static func store(_ call: LuaCall) throws -> RunStore {
    try call.object(1, RunStore.self)
  }

  /// The beginning of examples.
  private static let written = """
    local task = mnemo.data.bigram{seq_len = 16, seed = 1}
    local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
    mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
      optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
    local store = mnemo.store "first.sqlite"

    """

  static var functions: [LuaFunction] {
    [
      LuaFunction(
        "store",
        "Opens a store of runs and sweeps, an SQLite file that mnemo.train{store = …} or mnemo.sweep "
          + "wrote, also while they write. docs/runs.md shows what is in it.",
        parameters: [LuaParameter("path", .string, "the file, which is there")],
        returns: [.object("Store")],
        example: written + "print(#store:runs())"
      ) { call in call.returns(try RunStore(try call.string(1), for: .using)) }
    ]
  }

  static var declaration: LuaClass {
    LuaClass(
      "Store", for: RunStore.self, "A file of runs and sweeps.",
      methods: [
        runs, metrics, samples, artifacts, sql, export, sweeps, results, merge,
      ],
      fields: [LuaParameter("path", .string, "the file")],
      metamethods: [
        "__tostring": { call in call.returns("Store \(try store(call).path)") }
      ],
      index: { call in
        let name = try call.string(2)
        guard name == "path" else {
          throw unknownMember(
            "Store", name,
            [
              "runs", "metrics", "samples", "artifacts", "sql", "export", "sweeps", "results",
              "merge", "path",
            ])
        }
        return call.returns(try store(call).path)
      })
  }

  private static let states = ["running", "finished", "stopped", "interrupted", "failed", "lost"]

  private static var runs: LuaFunction {
    LuaFunction(
      "runs",
      "The runs in the order in which they began. Each is a table: id, state (as a run's status, "
        + "\"running\", or \"lost\" if its process ended without a word), started and ended in "
        + "seconds since 1970, host, version, script, script_hash, command, folder, sweep and "
        + "position in it, settings by part (model, task, optimizer, train, engine), step, and "
        + "last, which has what each metric was last.",
      options: [
        LuaOption("id", .integer, .none, "that run alone"),
        LuaOption("state", .choice(states), .none, "those in this state alone"),
        LuaOption("sweep", .string, .none, "those of this sweep alone"),
        LuaOption("script", .string, .none, "those of scripts whose path ends so"),
        LuaOption("limit", .integer, .described("all"), "the latest so many"),
      ],
      returns: [.list(.table)],
      example: written + """
        for _, run in ipairs(store:runs{state = "finished"}) do
          print(run.id, run.settings.optimizer.lr, run.last.loss)
        end
        """
    ) { call in
      let (store, options) = (try store(call), try call.options())
      var filter = RunFilter()
      filter.id = try options.optionalInteger("id").map(Int64.init)
      filter.state = try options.optionalString("state")
      filter.sweep = try options.optionalString("sweep")
      filter.script = try options.optionalString("script")
      filter.limit = try options.optionalInteger("limit")
      if let limit = filter.limit, limit < 0 {
        throw options.failure("limit", "0 or more expected, got \(limit)")
      }
      return call.returns(try store.runs(filter).map(record))
    }
  }

  private static func record(_ run: RunSummary) -> LuaRecord {
    var fields: [(String, any LuaPushable)] = [
      ("id", Int(run.id)), ("state", run.state), ("started", run.started), ("ended", run.ended),
      ("host", run.host), ("version", run.version),
      ("settings", (try? JSON(run.settings)) ?? .object([])),
      ("last", LuaRecord(run.last.map { ($0.name, $0.value) })),
    ]
    let texts = [
      ("script", run.script), ("script_hash", run.scriptHash), ("command", run.command),
      ("folder", run.folder), ("sweep", run.sweep),
    ]
    for (name, text) in texts { if let text { fields.append((name, text)) } }
    if let position = run.position { fields.append(("position", position)) }
    if let step = run.step { fields.append(("step", step)) }
    return LuaRecord(fields)
  }

  private static let id = LuaParameter("id", .integer, "the run's number")

  private static var metrics: LuaFunction {
    LuaFunction(
      "metrics",
      "What a run measured: a record for each step, like a run's history, so that mnemo.runs takes "
        + "{history = store:metrics(id)}.",
      parameters: [id], returns: [.list(.table)],
      example: written
        + "for _, record in ipairs(store:metrics(1)) do print(record.step, record.loss) end"
    ) { call in
      let records = try store(call).metrics(of: Int64(try call.integer(2)))
      return call.returns(
        records.map { record in
          LuaRecord([("step", record.step)] + record.values.map { ($0.name, $0.value) })
        })
    }
  }

  private static var samples: LuaFunction {
    LuaFunction(
      "samples",
      "A metric of a run at some steps from the first to the last, each the latest value measured by "
        + "then: for a small curve of a long run. Empty if it was measured at one step or none.",
      parameters: [
        id, LuaParameter("name", .string, "the metric"),
        LuaParameter("count", .integer, "how many, 2 to 10000"),
      ],
      returns: [.list(.number)],
      example: written + "print(#store:samples(1, \"loss\", 8))"
    ) { call in
      let count = try call.integer(4)
      guard count >= 2, count <= 10_000 else {
        throw call.failure(4, "2 to 10000 expected, got \(count)")
      }
      return call.returns(
        try store(call).samples(
          of: Int64(try call.integer(2)), name: try call.string(3), count: count))
    }
  }

  private static var artifacts: LuaFunction {
    LuaFunction(
      "artifacts",
      "The files that a run left in its folder: tables with kind (\"history\" or \"model\"), path and "
        + "hash, the file's SHA-256 when the run ended.",
      parameters: [id], returns: [.list(.table)],
      example: written + "print(#store:artifacts(1))"
    ) { call in
      let files = try store(call).artifacts(of: Int64(try call.integer(2)))
      return call.returns(
        files.map { ["kind": $0.kind, "path": $0.path, "hash": $0.hash] as LuaRecord })
    }
  }

  private static var sql: LuaFunction {
    LuaFunction(
      "sql",
      "Asks a question in SQL that only reads. The tables are runs, metrics, artifacts, sweeps and "
        + "points, the views run_summary and sweep_results. NULL, which a NaN is there, is nil.",
      parameters: [
        LuaParameter("query", .string, "one statement"),
        LuaParameter(
          "parameters", .table, "what its ? stand for, or :name by name", default: "none"),
      ],
      returns: [
        LuaResult(.list(.table), "a table with the columns' names for each row"),
        LuaResult(.list(.string), "the columns' names in order"),
      ],
      example: written + """
        local rows = store:sql("SELECT step, value FROM metrics WHERE name = ? ORDER BY step", {"loss"})
        print(rows[1].step, rows[1].value)
        """
    ) { call in
      var parameters = QueryParameters.inOrder([])
      if call.has(3) {
        switch try JSON(.table(try call.table(3).reference), "parameters", isExact: false) {
        case .object(let fields): parameters = .named(fields)
        case .list(let values): parameters = .inOrder(values)
        default: break
        }
      }
      let (columns, rows) = try store(call).rows(try call.string(2), parameters)
      let records = rows.map { row in
        LuaRecord(
          zip(columns, row).compactMap { name, value in
            if case .null = value { nil } else { (name, value) }
          })
      }
      return call.returns(records, columns)
    }
  }

  private static var export: LuaFunction {
    LuaFunction(
      "export",
      "Writes every measured value into a file, with the columns run, step, name and value: CSV, or "
        + "JSON lines, by its ending. An earlier file is replaced at once.",
      parameters: [LuaParameter("path", .string, "the file, ending in .csv or .jsonl")],
      returns: [LuaResult(.integer, "how many values there are")],
      example: written + "print(store:export(\"first.csv\"))"
    ) { call in call.returns(try store(call).export(to: try call.string(2))) }
  }

  private static var sweeps: LuaFunction {
    LuaFunction(
      "sweeps",
      "The sweeps: tables with name, script, and how many points there are, done, failed, running "
        + "and open.",
      returns: [.list(.table)],
      example: written + "print(#store:sweeps())"
    ) { call in
      call.returns(
        try store(call).sweeps().map { sweep in
          LuaRecord(
            [("name", sweep.name)] + (sweep.script.map { [("script", $0)] } ?? []) + [
              ("points", sweep.counts.all), ("done", sweep.counts.done),
              ("failed", sweep.counts.failed), ("running", sweep.counts.running),
              ("open", sweep.counts.open),
            ])
        })
    }
  }

  private static var results: LuaFunction {
    LuaFunction(
      "results",
      "The points of a sweep in the order of its grid, as far as they are, also while it runs: "
        + "tables with the parameters, what run returned, state (\"open\", \"running\", \"done\" or "
        + "\"failed\") and the error of one that failed.",
      parameters: [LuaParameter("sweep", .string, "its name")],
      returns: [.list(.table)],
      example: """
        mnemo.sweep{name = "squares", grid = {x = {1, 2, 3}}, store = "squares.sqlite",
          progress = false, run = function(point) return {y = point.x ^ 2} end}
        for _, point in ipairs(mnemo.store("squares.sqlite"):results("squares")) do
          print(point.x, point.state, point.y)
        end
        """
    ) { call in call.returns(try store(call).points(of: try call.string(2)).map(record)) }
  }

  /// A point as a table: parameters and results side by side.
  static func record(_ point: SweepPoint) -> LuaRecord {
    var fields: [(String, any LuaPushable)] = []
    for text in [point.parameters, point.result ?? "{}"] {
      guard case .object(let values)? = try? JSON(text) else { continue }
      fields += values.map { ($0.name, $0.value) }
    }
    fields.append(("state", point.state))
    if let error = point.error { fields.append(("error", error)) }
    return LuaRecord(fields)
  }

  private static var merge: LuaFunction {
    LuaFunction(
      "merge",
      "Brings in the runs and sweeps of another store, which stays as it is: those of tasks that had "
        + "a share of the points each. What is there already is not brought in twice.",
      parameters: [LuaParameter("path", .string, "the other store")],
      returns: [
        LuaResult(.integer, "how many runs came"),
        LuaResult(.integer, "of how many points a result, or an error, came"),
      ],
      example: """
        for task = 1, 2 do
          mnemo.sweep{name = "squares", grid = {x = {1, 2, 3}}, store = "task" .. task .. ".sqlite",
            progress = false, run = function(point) return {y = point.x ^ 2} end}
        end
        print(mnemo.store("task1.sqlite"):merge("task2.sqlite"))
        """
    ) { call in
      let merged = try store(call).merge(RunStore(try call.string(2), for: .reading))
      return call.returns(merged.runs, merged.points)
    }
  }
}
