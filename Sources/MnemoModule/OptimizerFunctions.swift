import LuaBridge
import Settings
import Tensors
import Training

/// `mnemo.optim`: update rules.
enum OptimizerFunctions {
  static func functions(_ session: ModuleState) -> [LuaFunction] {
    OptimizerKinds.all.map { constructor($0, session) } + [clip]
  }

  /// The constructor of an update rule, from the declarations of its options.
  private static func constructor<C: OptimizerConfiguration>(
    _: C.Type, _ session: ModuleState
  ) -> LuaFunction {
    LuaFunction(
      "optim.\(C.kind)", C.summary, options: C.declarations.map { LuaOption($0) },
      returns: [.object("Optimizer")],
      example: """
        local optimizer = mnemo.optim.\(C.kind){
          lr = mnemo.schedules.cosine{lr = 1e-3, steps = 100, warmup = 10},
          groups = {{match = "*.wk.weight", lr = 1e-2}, {match = "*norm*", weight_decay = 0}},
        }
        """
    ) { call in
      let given = try call.options()
      var options = try given.configuration(C.self, session)
      let schedules = Schedules(call.lua)
      if given.isGiven("lr"), !given.isNumber("lr") {
        options.learningRate = schedules.rate(try given.function("lr"), "lr")
      }
      options.groups = try groups(given, schedules)
      let optimizer = try options.makeOptimizer()
      session.note(optimizer, madeWith: given)
      return schedules.returning(optimizer, call)
    }
  }

  private static var clip: LuaFunction {
    LuaFunction(
      "optim.clip_grad_norm",
      "Scales the gradients of parameters so that their norm together is at most limit, and returns "
        + "what it was; what clip_norm does in mnemo.train.",
      parameters: [
        GivenParameters.parameter, LuaParameter("limit", .number, "the largest norm, above 0"),
      ],
      returns: [LuaResult(.number, "the norm before")],
      example: """
        local w = mnemo.ones(4):requires_grad(true)
        w:square():sum():backward()
        print(mnemo.optim.clip_grad_norm({w}, 1), w.grad:norm():item())
        """
    ) { call in
      let limit = try call.number(2)
      guard limit > 0 else { throw call.failure(2, "above 0 expected, got \(limit)") }
      return call.returns(try GradientNorm.clip(GivenParameters(call, 1).named, to: limit))
    }
  }

  private static func groups(
    _ options: LuaOptions, _ schedules: Schedules
  ) throws -> [ParameterGroup] {
    guard let list = try options.optionalTable("groups") else { return [] }
    let count = list.count
    guard try list.entries().count == count else {
      throw options.failure(
        "groups", "a list of tables expected, such as {{match = \"*.wk.weight\", lr = 0.1}}")
    }
    return try (0..<count).map { place in
      let group = try list.table(.index(place + 1))
      let known = ["match", "lr", "weight_decay"]
      for (name, _) in try group.fields() where !known.contains(name) {
        let hint = nearest(name, among: known).map { "did you mean '\($0)'?" }
        throw group.failure(
          .name(name), "unknown; \(hint ?? "there are " + known.joined(separator: ", "))")
      }
      let match = try group.string("match")
      guard group.has("lr") || group.has("weight_decay") else {
        throw list.failure(.index(place + 1), "lr or weight_decay expected beside match")
      }
      let rate: LearningRate? =
        if group.isNumber("lr") {
          .constant(try group.number("lr"))
        } else {
          try group.optionalFunction("lr").map { schedules.rate($0, "groups[\(place + 1)].lr") }
        }
      return ParameterGroup(
        match: match, learningRate: rate, weightDecay: try group.optionalNumber("weight_decay"))
    }
  }

  /// Learning rates that are functions of the step, kept in the optimizer's userdata.
  private final class Schedules {
    private unowned let lua: Lua
    private weak var optimizer: (any Optimizer)?
    private var functions: [LuaReference] = []

    init(_ lua: Lua) { self.lua = lua }

    /// What the function says, once the optimizer is there that keeps it.
    func rate(_ function: LuaReference, _ name: String) -> LearningRate {
      functions.append(function)
      let place = functions.count
      return .schedule { step in
        guard let optimizer = self.optimizer,
          let kept = self.lua.userValue(of: optimizer).asTable
        else { throw EngineError(name, "its Lua function is gone; keep the optimizer") }
        let result = try self.lua.calling(name, kept.function(.index(place)), [.integer(step)])
        guard let rate = result.first?.asNumber else {
          throw EngineError(
            "optimizer",
            "\(name)(\(step)) must return a number, got \(result.first?.typeName ?? "nothing")")
        }
        return rate
      }
    }

    func returning(_ optimizer: any Optimizer, _ call: LuaCall) -> Int {
      self.optimizer = optimizer
      let held = lua.reference(to: optimizer)
      lua.setUserValue(of: optimizer, functions)
      // Held here they would be roots for the collector.
      functions = []
      return call.returns(held)
    }
  }
}
