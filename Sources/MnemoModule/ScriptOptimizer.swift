import LuaBridge
import Settings
import Tensors
import Training

/// An update rule written in Lua: a table with a function `step(self, parameters, step)`, which
/// changes the parameters in place by their `grad`.
///
/// What it remembers is in the table: a run that diverges returns the parameters alone.
final class ScriptOptimizer: Optimizer {
  let states = OptimizerStates()
  let kind = "script"
  let updatesAreFunctions = true
  let unwritten = ["step"]
  var settings: [(name: String, value: SettingValue)] { [] }
  private unowned let lua: Lua
  private let table: () throws -> LuaReference

  /// - Parameters:
  ///   - lua: the state.
  ///   - given: the table, looked at now.
  ///   - table: finds it later, where the run's userdata keeps it.
  /// - Throws: `EngineError` if the table has no function `step`.
  init(_ lua: Lua, _ given: LuaReference, _ table: @escaping () throws -> LuaReference) throws {
    (self.lua, self.table) = (lua, table)
    _ = try step(of: given)
  }

  private func step(of table: LuaReference) throws -> LuaReference {
    let value = try table.field("step")
    guard case .function(let function) = value else {
      throw EngineError(
        "train",
        "an optimizer is made by mnemo.optim, or a table with a function step, "
          + "got one with step = \(value)")
    }
    return function
  }

  func update(_ parameters: NamedTensors, _ rates: StepRates) throws {
    let table = try table()
    let named = LuaRecord(parameters.map { ($0.name, LuaObject($0.tensor)) })
    // Half an update would be neither step.
    let isAlone = lua.beginPatience()
    defer { lua.endPatience(isAlone) }
    _ = try noGrad {
      try lua.calling(
        "optimizer", step(of: table),
        [.table(table), lua.value(of: named), .integer(rates.step)])
    }
  }
}
