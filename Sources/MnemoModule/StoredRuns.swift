import LuaBridge
import RunStore
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
      },
      LuaFunction(
        "stored", "The run of a folder, which a store has under a number; nil and why not.",
        parameters: [
          LuaParameter("dir", .string), LuaParameter("store", .object("Store")),
          LuaParameter("id", .integer),
        ]
      ) { call in
        let (path, store) = (try call.string(1), try call.object(2, RunStore.self))
        let id = Int64(try call.integer(3))
        do {
          if let last = try store.lastRun(in: path), last != id {
            return call.returns(LuaValue.nil, "run \(last) has taken the folder '\(path)' since")
          }
          return call.returns(
            try run(in: path, session, StoreSink(store, run: id, folder: path)))
        } catch let error as EngineError {
          return call.returns(LuaValue.nil, error.description)
        } catch let error as StoreError {
          return call.returns(LuaValue.nil, error.description)
        }
      },
    ]
  }

  private static func run(
    in path: String, _ session: ModuleState, _ sink: (any RunSink)? = nil
  ) throws -> TrainingRun {
    let run = try RunContents(of: path).makeRun {
      ($0.showsProgress ? [Progress()] : []) + (sink.map { [$0] } ?? [])
    }
    session.liveRuns.note(run)
    return run
  }
}
