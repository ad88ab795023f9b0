import LuaBridge
import Tensors
import Training

/// What lua/mnemo/runs.lua asks of the engine about stored runs, as `require "mnemo.runs.stored"`.
enum StoredRuns {
  static func functions(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "load",
        "The run of a folder, or the list of those in its folders 1, 2, …; nil and why not.",
        parameters: [LuaParameter("dir", .string)]
      ) { call in
        let path = try call.string(1)
        do {
          if !RunContents.isThere(in: path), RunContents.isThere(in: "\(path)/1") {
            let places = (1...).prefix { RunContents.isThere(in: "\(path)/\($0)") }
            return call.returns(
              try places.map { LuaObject(try run(in: "\(path)/\($0)", session)) })
          }
          return call.returns(try run(in: path, session))
        } catch let error as EngineError {
          return call.returns(LuaValue.nil, error.description)
        }
      }
    ]
  }

  private static func run(in path: String, _ session: ModuleState) throws -> TrainingRun {
    let run = try RunContents(of: path).makeRun { $0.showsProgress ? [Progress()] : [] }
    session.liveRuns.note(run)
    return run
  }
}
