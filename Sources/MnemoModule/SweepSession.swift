import Foundation
import JSONText
import LuaBridge
import RunStore
import Tensors
import Training

/// One process's part in a sweep, for `lua/mnemo/sweep.lua`: it calls the script's function for one
/// point after the other.
///
/// It is closed when the loop that it is in ends, however that does: the point at hand is given
/// back, and the processes that were started end.
final class SweepSession {
  private unowned let lua: Lua
  private let state: ModuleState
  private let store: RunStore
  private let worker: SweepWorker
  private var processes: [WorkerProcess] = []
  private var line: ProgressLine?
  private let began = ProgressLine.now()
  private let endedBefore: Int
  private let name: String
  /// The threads that the engine had before they were shared out.
  private var threads: Int?

  init(
    _ lua: Lua, _ state: ModuleState, _ store: RunStore, _ plan: SweepPlan, showsProgress: Bool
  ) throws {
    (self.lua, self.state, self.store, name) = (lua, state, store, plan.name)
    worker = try SweepWorker(store, plan)
    let counts = try worker.counts()
    endedBefore = counts.ended
    line = showsProgress ? ProgressLine(every: 60) : nil
    guard showsProgress else { return }
    if let reason = worker.replaced {
      tell("sweep '\(name)': begun anew: \(reason)")
    } else if endedBefore > 0 {
      let failed = counts.failed > 0 ? ", \(counts.failed) of them failed" : ""
      tell("sweep '\(name)': \(endedBefore) of \(counts.all) points were measured before\(failed)")
    }
    // A point may take long, and nothing is shown anew before its end.
    if ProgressLine.isTerminal { show(counts, at: ProgressLine.now()) }
  }

  deinit { close() }

  /// Ends this process's part; the processes that were started end by themselves if there is
  /// nothing left to do, and otherwise are asked to.
  func close() {
    line?.hide()
    worker.stop()
    let isOver = (try? worker.counts()).map { $0.ended == $0.all } == true
    for process in processes { if !isOver { process.interrupt() } }
    for process in processes {
      if let words = process.end() { WorkerProcess.tell(words) }
    }
    processes = []
    store.settle()
    if let threads { Parallel.threads = threads }
    threads = nil
  }

  /// Starts further processes of this script and shares the threads out among all.
  func start(_ count: Int, script: ScriptFacts) throws {
    // One that was started so starts none.
    guard count > 0, getenv(WorkerProcess.sweepVariable) == nil else { return }
    guard script.path != nil else {
      throw EngineError("sweep", "workers wants a script in a file, which they can run, too")
    }
    threads = Parallel.threads
    let share = max(1, Parallel.threads / (count + 1))
    Parallel.threads = share
    for _ in 0..<count {
      processes.append(try WorkerProcess(script.words, sweep: name, threads: share))
    }
  }

  /// Takes a point and calls the function for it.
  /// - Returns: `worked` or `failed` after a point, `wait` if others have what is left, `done` if
  ///   there is nothing left to do.
  /// - Throws: `Stopped` if an interrupt came: the point is given back then.
  func work(_ function: LuaReference) throws -> String {
    guard let claim = try worker.claim() else {
      let counts = try worker.counts()
      show(counts)
      if counts.ended == counts.all { return "done" }
      for process in processes { if let words = process.lastWords() { tell(words) } }
      usleep(50_000)
      return "wait"
    }
    let counts = try worker.counts()
    show(counts)
    let progress = line == nil ? nil : "\(name) \(counts.ended)/\(counts.all)"
    return try measure(claim, function, progress: progress) ? "worked" : "failed"
  }

  /// - Returns: false if the function raised an error, which is kept.
  private func measure(
    _ claim: SweepWorker.Claim, _ function: LuaReference, progress: String?
  ) throws -> Bool {
    let outer = state.sweepPoint
    state.sweepPoint = (store, claim.id, progress)
    defer { state.sweepPoint = outer }
    let interrupts = lua.interruptCount
    do {
      let parameters = try JSON(claim.parameters)
      let values = try lua.hearingInterrupts {
        try function.call([lua.value(of: parameters)], label: "run")
      }
      // A training that heard of it ended early, and what it measured is no result.
      if isInterrupted(since: interrupts) { throw Stopped() }
      let result = try result(values.first ?? .nil, parameters)
      if try !worker.finish(claim, result: result.text) {
        tell(
          "sweep '\(name)': point \(claim.position) was taken by another process meanwhile, as this "
            + "one gave no sign of life; its result is dropped")
      }
      return true
    } catch let error as LuaError where !error.isInterrupt && !isInterrupted(since: interrupts) {
      try worker.fail(claim, error: error.message)
      return false
    } catch {
      try worker.release(claim)
      throw isInterrupted(since: interrupts) ? Stopped() : error
    }
  }

  private func isInterrupted(since count: Int) -> Bool {
    lua.interruptCount != count || lua.isInterruptPending || Lua.endingSignal != nil
  }

  /// What the function returned, as JSON.
  private func result(_ value: LuaValue, _ parameters: JSON) throws -> JSON {
    guard case .table = value else {
      let given = value.isNil ? "nothing" : value.typeName
      throw EngineError("sweep", "run must return a table with names, got \(given)")
    }
    let result = try JSON(value, "sweep: result of run", isExact: false)
    switch result {
    case .object(let fields):
      for (name, _) in fields {
        let isParameter = parameters[name] != nil
        guard isParameter || name == "state" || name == "error" else { continue }
        let what = isParameter ? "a parameter" : "what a point has besides"
        throw EngineError("sweep", "run returns '\(name)', which is \(what); choose another name")
      }
      return result
    case .list(let values) where values.isEmpty: return .object([])
    default: throw EngineError("sweep", "run must return a table with names, got a list")
    }
  }

  /// The points in their order, and what came of them so far.
  func results() throws -> [SweepPoint] { try worker.points() }

  // MARK: Progress

  /// Shows how far it is, if it is time to.
  private func show(_ counts: SweepCounts) {
    let now = ProgressLine.now()
    if line?.isDue(at: now) == true { show(counts, at: now) }
  }

  private func show(_ counts: SweepCounts, at now: Double) {
    var words = ["\(name) \(counts.ended)/\(counts.all)"]
    if counts.failed > 0 { words.append("\(counts.failed) failed") }
    let isMany = counts.running > 1
    if isMany { words.append("\(counts.running) at work") }
    let made = counts.ended - endedBefore
    if made > 0 {
      let left = Double(counts.all - counts.ended) * (now - began) / Double(made)
      words.append("\(ProgressLine.duration(left)) left")
    }
    line?.show(Double(counts.ended) / Double(max(1, counts.all)), words, at: now)
  }

  /// Says something on standard error, beside the bar.
  private func tell(_ words: String) {
    line?.hide()
    WorkerProcess.tell(words)
  }
}

/// What the Lua files of sweeps and of the command ask of the engine, as
/// `require "mnemo.sweep.engine"`.
///
/// What is wrong with a sweep is returned as a sentence, to which they add the caller's line.
enum SweepFunctions {
  static var declaration: LuaClass {
    LuaClass(
      "SweepSession", for: SweepSession.self, "",
      methods: [
        LuaFunction("work", "", parameters: [LuaParameter("run", .function)]) { call in
          let (session, function) = (try call.object(1, SweepSession.self), try call.function(2))
          return try sentence(call) { try session.work(function) }
        },
        LuaFunction("start", "", parameters: [LuaParameter("count", .integer)]) { call in
          let session = try call.object(1, SweepSession.self)
          return try sentence(call) {
            try session.start(call.integer(2), script: ScriptFacts(call.lua))
            return true
          }
        },
        LuaFunction("results", "") { call in
          call.returns(try call.object(1, SweepSession.self).results().map(StoreClass.record))
        },
      ])
  }

  static func functions(_ state: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "json", "A value as JSON; nil and what cannot be written.",
        parameters: [LuaParameter("value", .any), LuaParameter("path", .string)]
      ) { call in
        try sentence(call) {
          try JSON(call.value(1), try call.string(2), isExact: true).text
        }
      },
      LuaFunction(
        "decode", "The value of a JSON text; nil if it is none.",
        parameters: [LuaParameter("text", .string)]
      ) { call in call.returns(try? JSON(try call.string(1))) },
      LuaFunction(
        "open", "Joins or begins a sweep; nil and what is wrong with it.",
        options: [
          LuaOption("store", .string, .required), LuaOption("name", .string, .required),
          LuaOption("points", .list(.string), .required),
          LuaOption("positions", .list(.integer), .required),
          LuaOption("arguments", .string, .required),
          LuaOption("force", .boolean, false), LuaOption("overwrite", .boolean, false),
          LuaOption("retry", .boolean, false), LuaOption("progress", .boolean, true),
        ]
      ) { call in
        let options = try call.options()
        return try sentence(call) {
          let positions = try options.integers("positions")
          let points = Array(zip(positions, try options.strings("points")))
          var plan = SweepPlan(
            name: try options.string("name"),
            points: points.map { (position: $0.0, parameters: $0.1) })
          let script = ScriptFacts(call.lua)
          (plan.script, plan.scriptHash) = (script.path, script.hash)
          plan.arguments = try options.string("arguments")
          plan.version = MnemoModule.version
          plan.isForced = try options.boolean("force")
          plan.isOverwriting = try options.boolean("overwrite")
          plan.retriesFailed = try options.boolean("retry")
          let store = try RunStore(try options.string("store"))
          return LuaObject(
            try SweepSession(
              call.lua, state, store, plan, showsProgress: try options.boolean("progress")))
        }
      },
      LuaFunction(
        "make", "Opens a store to write into; it is made if it is not there.",
        parameters: [LuaParameter("path", .string)]
      ) { call in call.returns(try RunStore(try call.string(1))) },
      LuaFunction(
        "sleep", "Waits for a second, or until a signal comes."
      ) { call in
        usleep(1_000_000)
        return call.returns()
      },
      LuaFunction("is_terminal", "Whether somebody sees what is printed.") { call in
        call.returns(isatty(STDOUT_FILENO) == 1)
      },
      LuaFunction(
        "threads", "Sets the number of threads.", parameters: [LuaParameter("count", .integer)]
      ) { call in
        Parallel.threads = min(max(1, try call.integer(1)), Parallel.mostThreads)
        return call.returns()
      },
    ]
  }

  /// Returns what `body` makes, or nil and the sentence of its error.
  private static func sentence(
    _ call: LuaCall, _ body: () throws -> any LuaPushable
  ) throws -> Int {
    do {
      let value = try body()
      return call.returns(value, LuaValue.nil)
    } catch let error as StoreError {
      return call.returns(LuaValue.nil, error.description)
    } catch let error as EngineError {
      return call.returns(LuaValue.nil, error.description)
    }
  }
}
