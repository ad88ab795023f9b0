import LuaBridge
import Settings
import Tensors
import Training

/// An update rule as Lua sees it: used by `mnemo.train`, or step by step.
enum OptimizerClass {
  /// The beginning of examples.
  private static let fitting = """
    local w = mnemo.zeros(3):requires_grad(true)
    local optimizer = mnemo.optim.adamw{lr = 0.1}
    local function step()
      local loss = (w - 1):square():sum()
      optimizer:zero_grad{w = w}
      loss:backward()
      optimizer:step{w = w}
    end

    """

  private static func object(_ call: LuaCall) throws -> any RuleOptimizer {
    try call.object(1, (any RuleOptimizer).self)
  }

  private static var methods: [LuaFunction] {
    [
      LuaFunction(
        "step",
        "Updates parameters in place by their gradients, in a loop of one's own. Those that do not "
          + "require gradients are frozen and stay as they are, and so do those without one. A "
          + "learning rate that is a function is asked for the number of steps that this optimizer "
          + "has made; mnemo.train asks for those of its run.",
        parameters: [GivenParameters.parameter],
        returns: [LuaResult(.object("Optimizer"), "the optimizer itself")],
        example: fitting + """
          for _ = 1, 100 do step() end
          print(w, optimizer.steps)
          """
      ) { call in
        try object(call).step(GivenParameters(call, 2).named)
        return call.returns(argument: 1)
      },
      LuaFunction(
        "zero_grad", "Takes the gradients of parameters away: backward() adds to what is there.",
        parameters: [GivenParameters.parameter],
        returns: [LuaResult(.object("Optimizer"), "the optimizer itself")],
        example: fitting + "step()\noptimizer:zero_grad{w}\nprint(w.grad)"
      ) { call in
        for (_, tensor) in try GivenParameters(call, 2).named { tensor.grad = nil }
        return call.returns(argument: 1)
      },
      LuaFunction(
        "state",
        "A copy of what is remembered: steps, the number made, and parameters, which has for each "
          + "parameter that was updated its steps and its buffers by PyTorch's names "
          + "(momentum_buffer, or exp_avg and exp_avg_sq), under the key that it is given with.",
        parameters: [GivenParameters.parameter], returns: [.table],
        example: fitting + "step()\nprint(optimizer:state{w = w}.parameters.w.exp_avg)"
      ) { call in call.returns(try state(object(call), GivenParameters(call, 2), call.lua)) },
      LuaFunction(
        "load_state",
        "Takes over what state gave, for parameters under the same keys, or on an error nothing: an "
          + "optimizer with the same options then goes on as that one would have.",
        parameters: [
          GivenParameters.parameter, LuaParameter("state", .table, "as state gives it"),
        ],
        returns: [LuaResult(.object("Optimizer"), "the optimizer itself")],
        example: fitting + """
          step()
          local other = mnemo.optim.adamw{lr = 0.1}:load_state({w = w}, optimizer:state{w = w})
          print(other.steps)
          """
      ) { call in
        try load(object(call), GivenParameters(call, 2), call.table(3))
        return call.returns(argument: 1)
      },
    ]
  }

  private static let fields = [
    LuaParameter("steps", .integer, "how often step was called; mnemo.train does not count here"),
    LuaParameter("kind", .string, "the constructor: \"sgd\", \"adamw\" …"),
    LuaParameter("config", .table, "the options it was made with"),
  ]

  static var declaration: LuaClass {
    let methods = methods
    let members = methods.map(\.shortName) + fields.map(\.name)
    return LuaClass(
      "Optimizer", for: (any RuleOptimizer).self,
      "An update rule with its state, for mnemo.train and for loops of one's own.",
      isIdentified: true, methods: methods, fields: fields,
      metamethods: [
        "__tostring": { call in
          call.returns("Optimizer \(type(of: try object(call)))")
        }
      ],
      index: { call in
        let optimizer = try object(call)
        switch try call.string(2) {
        case "steps": return call.returns(optimizer.states.steps)
        case "kind": return call.returns(optimizer.kind)
        case "config": return call.returns(optimizer.luaRecord)
        case let name: throw unknownMember("Optimizer", name, members)
        }
      })
  }

  // MARK: State

  private static func state(
    _ optimizer: any RuleOptimizer, _ parameters: GivenParameters, _ lua: Lua
  ) throws -> LuaRecord {
    let table = lua.value(of: LuaRecord([]))
    for (key, _, tensor) in parameters.entries {
      guard let state = try optimizer.states[tensor]?.copy() else { continue }
      let buffers = zip(optimizer.bufferNames, state.buffers).map { ($0, LuaObject($1)) }
      let fields: [(String, any LuaPushable)] = [("steps", state.updates)] + buffers
      if case .table(let reference) = table { try reference.setField(key, LuaRecord(fields)) }
    }
    return ["steps": optimizer.states.steps, "parameters": table]
  }

  private static func load(
    _ optimizer: any RuleOptimizer, _ parameters: GivenParameters, _ state: TableReader
  ) throws {
    try check(state, ["steps", "parameters"])
    let steps = try count(state)
    let table = try state.table("parameters")
    var states: [OptimizerState?] = parameters.entries.map { _ in nil }
    for (key, _) in try table.entries() {
      guard let place = parameters.entries.firstIndex(where: { $0.key == key }) else {
        throw EngineError(
          "load_state", "the state has \(key), which is none of the parameters given")
      }
      let entry = try table.table(key.asInteger.map { .index($0) } ?? .name(key.asString ?? ""))
      try check(entry, ["steps"] + optimizer.bufferNames)
      let tensor = parameters.entries[place].tensor
      let buffers = try optimizer.bufferNames.map { name in
        let given = try entry.object(.name(name), Tensor.self)
        guard given.shape == tensor.shape else {
          throw entry.failure(
            .name(name), "shape \(tensor.shape) expected, as the parameter's, got \(given.shape)")
        }
        let buffer = try Tensor(full: tensor.shape, 0)
        try noGrad { try buffer.copyInPlace(given) }
        return buffer
      }
      states[place] = OptimizerState(buffers: buffers, updates: try count(entry))
    }
    for (entry, state) in zip(parameters.entries, states) { optimizer.states[entry.tensor] = state }
    optimizer.states.steps = steps
  }

  private static func count(_ table: TableReader) throws -> Int {
    let steps = try table.integer("steps")
    guard steps >= 0, steps <= 1 << 53 else {
      throw table.failure("steps", "0 to \(1 << 53) expected, got \(steps)")
    }
    return steps
  }

  /// Refuses what a state does not have.
  private static func check(_ table: TableReader, _ known: [String]) throws {
    for (name, _) in try table.fields() where !known.contains(name) {
      throw table.failure(
        .name(name), "there is no such part; there are \(known.joined(separator: ", "))")
    }
  }
}
