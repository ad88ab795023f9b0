import LuaBridge
import Tensors

/// The engine as a Lua module: the only place that knows both Lua and tensors.
///
/// Everything that counts from 0 in the engine counts from 1 in Lua; the files of this target
/// convert at the call (``Conversions``).
public enum MnemoModule {
  /// The version of engine and module.
  public static let version = "0.1.0"

  /// When `mnemo.clock` began to count.
  private static let start = ContinuousClock.now

  /// Builds the module's table in a Lua state and makes `require "mnemo"` find it.
  ///
  /// - Parameters:
  ///   - lua: the state.
  ///   - scripts: the folder that holds `mnemo/probes.lua` and the other submodules; nil if
  ///     `package.path` finds them already.
  /// - Returns: the module's table and its declarations.
  /// - Throws: `EngineError` if `MNEMO_BACKEND` names no backend, `LuaError` if Lua code of the
  ///   module cannot be loaded.
  @discardableResult
  public static func open(
    in lua: Lua, scripts: String?
  ) throws -> (table: LuaReference, registry: Registry) {
    try Backends.check()
    let session = ModuleState()
    let registry = Registry()
    registry.add([
      TensorClass.declaration(session), IntTensorClass.declaration(session),
      CorpusFunctions.corpusClass,
      TaskFunctions.taskClass(session), TaskFunctions.batchClass, RandomSource.declaration,
      ModelFunctions.modelClass(session), Visitor.declaration,
      OptimizerClass.declaration, LoopProgress.declaration,
      RunClass.declaration, ProbeView.declaration, StoreClass.declaration,
      TokenizerFunctions.tokenizerClass,
    ])
    registry.add(topFunctions(session, registry))
    registry.add(PrintFunctions.functions(session))
    registry.add(TensorFunctions.functions(session))
    registry.add(CorpusFunctions.functions)
    registry.add(TaskFunctions.functions(session))
    registry.add(ModelConstructors.functions(session))
    registry.add(PretrainedFunctions.functions)
    registry.add(OptimizerFunctions.functions(session))
    registry.add(TrainFunctions.functions(session))
    registry.add(LoopProgress.functions)
    registry.add(LinearAlgebraFunctions.functions)
    registry.add(NNFunctions.functions(session))
    registry.add(NNLosses.functions)
    registry.add(InitFunctions.functions(session))
    registry.add([EinsumFunction.declaration])
    registry.add(TensorClass.gradientFunctions)
    registry.add(SafetensorsFunctions.functions)
    registry.add(FileFunctions.functions)
    registry.add(TokenizerFunctions.functions)
    registry.add(StoreClass.functions)
    registry.add(summaries)
    lua.attachment = OpenedModule(session, registry)
    lua.externalBytes = { MemoryPool.shared.liveBytes }
    let table = registry.install(in: lua)
    try table.setField("version", version)
    lua.setLoaded("mnemo", table)
    let figures = Registry()
    figures.add(FigureFunctions.functions)
    lua.setLoaded("mnemo.plot.engine", figures.install(in: lua))
    let sweeps = Registry()
    sweeps.add([SweepFunctions.declaration])
    sweeps.add(SweepFunctions.functions(session))
    lua.setLoaded("mnemo.sweep.engine", sweeps.install(in: lua))
    let stored = Registry()
    stored.add(StoredRuns.functions(session))
    lua.setLoaded("mnemo.runs.stored", stored.install(in: lua))
    let chunk = try lua.load(preparation, chunkName: "=(mnemo)")
    let engine = Registry()
    engine.add([unknownField(registry)])
    let arguments: [LuaValue] = [
      .table(table), .table(engine.install(in: lua)), scripts.map { .string($0) } ?? .nil,
    ]
    let results = try lua.run(chunk, arguments)
    if case .function(let find)? = results.first {
      registry.readComments = {
        // All of them lie where one is.
        guard let path = try? find.call([.string("probes")]).first?.asString,
          let slash = path.lastIndex(of: "/")
        else { return [] }
        return LuaFiles(folder: String(path[..<slash])).comments
      }
    }
    return (table, registry)
  }

  /// What the module's tables are about; those written in Lua say it themselves.
  private static let summaries = [
    "corpus": "Corpora: symbols and their statistics, from which tasks draw tokens.",
    "linalg": "Decompositions and linear systems, by LAPACK.",
    "data": "Tasks: sources of token sequences whose statistics are known.",
    "init": "First values of parameters, in place.",
    "model": "Models: transformers whose weights are looked at as memories.",
    "nn": "Layers and losses as functions of tensors, for models of one's own. Layer norm and "
      + "cross-entropy are methods of tensors: x:layer_norm(weight, bias), "
      + "logits:cross_entropy(targets).",
    "optim": "Update rules, for mnemo.train and for loops of one's own.",
    "pretrained": "Pretrained language models and their tokenizers, from the hub's files.",
    "safetensors": "Tensors on disk, in the format that other libraries read as well.",
  ]

  /// Finds the Lua files and loads submodules when they are first named.
  ///
  /// So starting costs nothing for what a script does not use. The files' folder is searched for
  /// `mnemo.…` alone and before `package.path`, which stays as the script's author knows it.
  ///
  /// A name that the module or a table of it does not hold is an error, as a slip would be found
  /// only where nil is called; `rawget` asks without one.
  private static let preparation = """
    local module, engine, scripts = ...
    local own = scripts and scripts .. "/?.lua"
    local function watched(table, name)
      if type(table) ~= "table" then return table end
      local metatable = getmetatable(table) or {}
      if metatable.__index then return table end
      function metatable.__index(_, field)
        if type(field) == "string" then error(engine.unknown_field(name, field), 2) end
      end
      return setmetatable(table, metatable)
    end
    for name, value in next, module do watched(value, name) end
    if own then
      table.insert(package.searchers, 2, function(name)
        if not name:find("^mnemo%.") then return nil end
        local path, message = package.searchpath(name, own)
        if not path then return message end
        local chunk, submodule = assert(loadfile(path, "t")), name:match("^mnemo%.(%l[%w_]*)$")
        if not submodule then return chunk, path end
        return function(...) return watched(chunk(...), submodule) end, path
      end)
    end
    local search = package.searchpath
    local function find(name) return (search("mnemo." .. name, own or package.path)) end
    local function submodule(name)
      if not (type(name) == "string" and name:find("^%l[%w_]*$") and find(name)) then return nil end
      local loaded = require("mnemo." .. name)
      rawset(module, name, loaded)
      return loaded
    end
    setmetatable(module, {
      submodule = submodule,
      __index = function(_, name)
        local loaded = submodule(name)
        if loaded == nil and type(name) == "string" then
          error(engine.unknown_field("", name), 2)
        end
        return loaded
      end,
    })
    return find
    """

  /// The words for a field that the module, or a table of it, does not have.
  private static func unknownField(_ registry: Registry) -> LuaFunction {
    LuaFunction("unknown_field", "") { [unowned registry] call in
      let (table, field) = (try call.string(1), try call.string(2))
      let hint = nearest(field, among: registry.fields(ofTable: table))
      return call.returns(
        "mnemo\(table.isEmpty ? "" : "." + table) has no '\(field)'"
          + (hint.map { "; did you mean '\($0)'?" } ?? ""))
    }
  }

  private static func topFunctions(_ session: ModuleState, _ registry: Registry) -> [LuaFunction] {
    [
      LuaFunction(
        "seed",
        "Sets the seed that tensors, tasks and models without a seed of their own follow. Without "
          + "a call it is 0.",
        parameters: [LuaParameter("n", .integer, "any integer")],
        example: "mnemo.seed(7)\nlocal a = mnemo.randn(2, 3)"
      ) { call in
        session.seed = UInt64(bitPattern: Int64(try call.integer(1)))
        return call.returns()
      },
      LuaFunction(
        "threads",
        "Sets how many threads the engine uses, and returns it. At first it is the number of "
          + "processors that the process may use: those it is bound to (taskset), as far as its "
          + "control group's quota and OMP_NUM_THREADS allow. Results do not depend on it.",
        parameters: [
          LuaParameter("n", .integer, "1 to \(Parallel.mostThreads)", default: "unchanged")
        ],
        returns: [.number], example: "print(mnemo.threads())"
      ) { call in
        if let n = try call.optionalInteger(1) {
          guard n >= 1, n <= Parallel.mostThreads else {
            throw call.failure(1, "1 to \(Parallel.mostThreads) expected, got \(n)")
          }
          Parallel.threads = n
        }
        return call.returns(Parallel.threads)
      },
      LuaFunction(
        "clock", "Seconds on a clock that only goes forward, for timing.", returns: [.number],
        example: """
          local start = mnemo.clock()
          local product = mnemo.randn(100, 100):matmul(mnemo.randn(100, 100))
          print(mnemo.clock() - start >= 0)
          """
      ) { call in
        let elapsed = ContinuousClock.now - MnemoModule.start
        let (seconds, attoseconds) = elapsed.components
        return call.returns(Double(seconds) + Double(attoseconds) * 1e-18)
      },
      LuaFunction(
        "kernels",
        "Which inner loops compute, chosen for the processor when the program starts: \"avx512\", "
          + "\"avx2\" or \"portable\"; the environment's MNEMO_KERNELS asks for others.",
        returns: [.string],
        example: """
          print(mnemo.kernels())
          """
      ) { call in call.returns(KernelSet.name) },
      LuaFunction(
        "peak_flops",
        "The most operations a second that this machine can do on as many threads as are set, "
          + "measured: multiplications and additions in registers, the limit of every product.",
        parameters: [LuaParameter("seconds", .number, "how long to try", default: "0.1")],
        returns: [.number],
        example: """
          local a = mnemo.randn(512, 512)
          local start = mnemo.clock()
          a:matmul(a)
          local flops = 2 * 512 ^ 3 / (mnemo.clock() - start)
          print(("%.2f of the peak"):format(flops / mnemo.peak_flops()))
          """
      ) { call in
        let seconds = try call.optionalNumber(1) ?? 0.1
        guard seconds >= 0, seconds <= 60 else {
          throw call.failure(1, "0 to 60 seconds expected, got \(seconds)")
        }
        return call.returns(try KernelSet.peak(seconds: seconds))
      },
      LuaFunction(
        "no_grad",
        "Calls a function and returns its results; operations inside record no gradients.",
        parameters: [LuaParameter("fn", .function, "called without arguments")],
        returns: [LuaResult(.any, "what fn returns", variadic: true)],
        example: "local mean = mnemo.no_grad(function() return mnemo.ones(3):mean() end)"
      ) { call in
        let function = try call.function(1)
        return call.returns(all: try noGrad { try function.call(label: "no_grad") })
      },
      LuaFunction(
        "help",
        "Prints the documentation of a function, a method, an object, one of the module's tables or "
          + "a name; without an argument, one line for everything. Of a function written in Lua it "
          + "prints the comment above it that begins with three dashes.",
        parameters: [
          LuaParameter("x", .any, "a function, an object, a table, or a name", optional: true)
        ],
        example:
          "mnemo.help(mnemo.data.bigram)\nmnemo.help(\"Tensor:sum\")\nmnemo.help(mnemo.probes)"
      ) { [unowned registry] call in
        let value = call.value(1)
        if value.isNil || isModule(value, named: nil, in: call.lua) {
          print(registry.overview)
        } else if let text = registry.help(value, in: call.lua) {
          print(text)
        } else if let name = value.asString {
          throw EngineError("help", "nothing is called '\(name)'\(registry.hint(for: name))")
        } else if let table = registry.tables.first(where: {
          isModule(value, named: $0, in: call.lua)
        }), let text = registry.help(table) {
          print(text)
        } else {
          throw EngineError("help", "there is no documentation for this \(value.typeName)")
        }
        return call.returns()
      },
      LuaFunction(
        "documentation",
        "Everything that help knows, as a list of tables for programs that write manuals. Each has "
          + "kind (\"table\", \"function\", \"class\" or \"method\"), name and summary; functions and "
          + "methods also signature, parameters, options, returns and example; classes fields and "
          + "operators. Parameters, options, fields and returns are lists of tables with name, type, "
          + "doc, optional, variadic and default. A type is a table: kind (\"any\", \"boolean\", "
          + "\"integer\", \"number\", \"string\", \"choice\", \"table\", \"list\", \"function\", "
          + "\"object\" or \"union\"), words, and choices, class or of, the type or types inside.",
        returns: [.list(.table)],
        example: """
          for _, entry in ipairs(mnemo.documentation()) do
            if entry.kind == "class" then print(entry.name, entry.summary) end
          end
          """
      ) { [unowned registry] call in call.returns(registry.records) },
    ]
  }

  /// Whether a value is the module's table of that name, or without one the module itself.
  private static func isModule(_ value: LuaValue, named name: String?, in lua: Lua) -> Bool {
    guard case .table(let table) = value, case .table(let package) = lua.global("package"),
      case .table(let loaded)? = try? package.field("loaded"),
      let module = try? loaded.field("mnemo")
    else { return false }
    guard let name else { return .table(table) == module }
    guard case .table(let module) = module else { return false }
    return (try? module.field(name)) == .table(table)
  }
}
