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
    // Half an update would be neither step.
    let isAlone = lua.beginPatience()
    defer { lua.endPatience(isAlone) }
    _ = try noGrad {
      try lua.calling(
        "optimizer", step(of: table),
        [.table(table), lua.value(of: record(parameters)), .integer(rates.step)])
    }
  }

  // MARK: Checkpoints

  let hasScriptState = true

  /// What the table's function `state(self, parameters)` returns; nil without one.
  func scriptState(_ parameters: NamedTensors) throws -> ScriptState? {
    let table = try table()
    guard case .function(let function) = try table.field("state") else { return nil }
    let results = try lua.calling(
      "optimizer state", function, [.table(table), lua.value(of: record(parameters))])
    guard case .table? = results.first, let value = results.first else {
      throw EngineError(
        "optimizer", "state must return a table, got \(results.first?.typeName ?? "nothing")")
    }
    return try ScriptState(value, depth: 0)
  }

  /// Hands it to `load_state(self, parameters, state)`.
  func load(_ state: ScriptState, _ parameters: NamedTensors) throws {
    let table = try table()
    guard case .function(let function) = try table.field("load_state") else {
      throw EngineError(
        "optimizer", "a run whose optimizer is a table goes on if it has a function load_state")
    }
    try lua.calling(
      "optimizer load_state", function,
      [.table(table), lua.value(of: record(parameters)), state.value(in: lua)])
  }

  private func record(_ parameters: NamedTensors) -> LuaRecord {
    LuaRecord(parameters.map { ($0.name, LuaObject($0.tensor)) })
  }
}

extension ScriptState {
  /// A value of a script's.
  /// - Throws: `EngineError` for what cannot be written down.
  fileprivate init(_ value: LuaValue, depth: Int) throws {
    switch value {
    case .boolean(let flag): self = .value(.boolean(flag))
    case .integer(let integer): self = .value(.integer(integer))
    case .number(let number): self = .value(.number(number))
    case .string(let text): self = .value(.text(text))
    case .table(let reference) where depth < 32:
      let entries = try reference.table?.entries() ?? []
      self = .table(
        try entries.map { key, value in
          guard
            let written = key.asInteger.map({ SettingValue.integer($0) })
              ?? key.asString.map({ .text($0) })
          else {
            throw EngineError(
              "optimizer", "keys of what state returns are texts or integers, got \(key)")
          }
          return (written, try ScriptState(value, depth: depth + 1))
        })
    default:
      guard let tensor = value.asObject(Tensor.self) else {
        throw EngineError(
          "optimizer",
          "state must return tables, no more than 32 inside each other, of numbers, texts, booleans "
            + "and tensors, got \(value.typeName)")
      }
      self = .tensor(tensor.detach())
    }
  }

  /// The value as the script sees it.
  fileprivate func value(in lua: Lua) throws -> LuaValue {
    switch self {
    case .value(let value): return lua.value(of: value)
    case .tensor(let tensor): return lua.value(of: LuaObject(tensor))
    case .table(let entries):
      let table = lua.value(of: LuaRecord([]))
      guard case .table(let reference) = table else { return table }
      for (key, value) in entries { try reference.setField(key, value.value(in: lua)) }
      return table
    }
  }
}
