import LuaBridge
import Tensors

/// The engine as a Lua module: the only place that knows both Lua and tensors.
///
/// Everything that counts from 0 in the engine counts from 1 in Lua; the files of this target
/// convert at the call (``Conversions``).
public enum MnemoModule {
  /// The version of engine and module.
  public static let version = "0.1.0"

  /// Submodules written in Lua, loaded when a script first names them.
  static let submodules = ["probes", "plot", "arguments"]

  /// Builds the module's table in a Lua state and makes `require "mnemo"` find it.
  ///
  /// - Parameters:
  ///   - lua: the state.
  ///   - scripts: the folder that holds `mnemo/probes.lua` and the other submodules; nil if
  ///     `package.path` finds them already.
  /// - Returns: the module's table and its declarations.
  /// - Throws: `LuaError` if Lua code of the module cannot be loaded.
  @discardableResult
  public static func open(
    in lua: Lua, scripts: String?
  ) throws -> (table: LuaReference, registry: Registry) {
    let session = Session()
    let registry = Registry()
    registry.add([
      TensorClass.declaration, IntTensorClass.declaration, CorpusFunctions.corpusClass,
      TaskFunctions.taskClass(session), ModelFunctions.modelClass(session),
      OptimizerFunctions.optimizerClass,
      TrainFunctions.runClass, TrainFunctions.contextClass, Visitor.declaration,
      RandomSource.declaration,
    ])
    registry.add(topFunctions(session, registry))
    registry.add(TensorFunctions.functions(session))
    registry.add(CorpusFunctions.functions)
    registry.add(TaskFunctions.functions(session))
    registry.add(ModelFunctions.functions(session))
    registry.add(OptimizerFunctions.functions)
    registry.add(TrainFunctions.functions)
    registry.add(SafetensorsFunctions.functions)
    lua.externalBytes = { MemoryPool.shared.liveBytes }
    let table = registry.install(in: lua)
    try table.setField("version", version)
    lua.setLoaded("mnemo", table)
    let chunk = try lua.load(preparation, chunkName: "=(mnemo)")
    let arguments: [LuaValue] = [.table(table), scripts.map { .string($0) } ?? .nil]
    _ = try lua.run(chunk, arguments + submodules.map { .string($0) })
    return (table, registry)
  }

  /// Finds the Lua files and loads submodules when they are first named.
  ///
  /// So starting costs nothing for what a script does not use. The files' folder is searched for
  /// `mnemo.…` alone and before `package.path`, which stays as the script's author knows it.
  private static let preparation = """
    local module, scripts = ...
    local lazy = {}
    for _, name in ipairs { select(3, ...) } do lazy[name] = true end
    if scripts then
      table.insert(package.searchers, 2, function(name)
        if not name:find("^mnemo%.") then return nil end
        local path, message = package.searchpath(name, scripts .. "/?.lua")
        if not path then return message end
        return assert(loadfile(path, "t")), path
      end)
    end
    setmetatable(module, {
      __index = function(table, name)
        if lazy[name] then
          local submodule = require("mnemo." .. name)
          rawset(table, name, submodule)
          return submodule
        end
      end,
    })
    """

  private static func topFunctions(_ session: Session, _ registry: Registry) -> [Function] {
    [
      Function(
        "seed",
        "Sets the seed that tensors, tasks and models without a seed of their own follow. Without "
          + "a call it is 0.",
        parameters: [Parameter("n", .integer, "any integer")],
        example: "mnemo.seed(7)\nlocal a = mnemo.randn(2, 3)"
      ) { call in
        session.seed = UInt64(bitPattern: Int64(try call.integer(1)))
        return call.returns()
      },
      Function(
        "threads",
        "Sets how many threads the engine uses, and returns it. Results do not depend on it.",
        parameters: [
          Parameter("n", .integer, "1 to \(Parallel.mostThreads)", default: "unchanged")
        ],
        returns: "number", example: "print(mnemo.threads())"
      ) { call in
        if let n = try call.optionalInteger(1) {
          guard n >= 1, n <= Parallel.mostThreads else {
            throw call.failure(1, "1 to \(Parallel.mostThreads) expected, got \(n)")
          }
          Parallel.threads = n
        }
        return call.returns(Parallel.threads)
      },
      Function(
        "no_grad",
        "Calls a function and returns its results; operations inside record no gradients.",
        parameters: [Parameter("fn", .function, "called without arguments")],
        returns: "what fn returns",
        example: "local mean = mnemo.no_grad(function() return mnemo.ones(3):mean() end)"
      ) { call in
        let function = try call.function(1)
        return call.returns(all: try noGrad { try function.call(label: "no_grad") })
      },
      Function(
        "help",
        "Prints the documentation of a function, a method, an object or a name; without an "
          + "argument, one line for everything.",
        parameters: [Parameter("x", .any, "a function, an object, or a name", optional: true)],
        example: "mnemo.help(mnemo.data.bigram)\nmnemo.help(\"Tensor:sum\")"
      ) { call in
        guard call.has(1) else {
          print(registry.overview)
          return call.returns()
        }
        let value = call.value(1)
        if let text = registry.help(value, in: call.lua) {
          print(text)
        } else if let name = value.asString {
          let hint = registry.suggestion(for: name).map { "; did you mean '\($0)'?" } ?? ""
          throw EngineError("help", "nothing is called '\(name)'\(hint)")
        } else {
          throw EngineError("help", "there is no documentation for this \(value.typeName)")
        }
        return call.returns()
      },
    ]
  }
}
