import LuaBridge
import Settings
import Tensors
import Training

/// `mnemo.optim`: update rules.
enum OptimizerFunctions {
  static var optimizerClass: LuaClass {
    LuaClass(
      "Optimizer", for: (any Optimizer).self,
      "An update rule with its state, for mnemo.train.", isIdentified: true,
      metamethods: [
        "__tostring": { call in
          call.returns("Optimizer \(type(of: try call.object(1, (any Optimizer).self)))")
        }
      ])
  }

  static func functions(_ session: ModuleState) -> [LuaFunction] {
    OptimizerKinds.all.map { constructor($0, session) }
  }

  /// The constructor of an update rule, from the declarations of its options.
  private static func constructor<C: OptimizerConfiguration>(
    _: C.Type, _ session: ModuleState
  ) -> LuaFunction {
    LuaFunction(
      "optim.\(C.kind)", C.summary, options: C.declarations.map { LuaOption($0) },
      returns: [.object("Optimizer")], example: "local optimizer = mnemo.optim.\(C.kind){lr = 1e-3}"
    ) { call in
      let given = try call.options()
      var options = try given.configuration(C.self, session)
      let schedule = Schedule(call.lua)
      if case .function = given.value("lr") { options.learningRate = schedule.rate }
      return schedule.returning(try options.makeOptimizer(), given, call)
    }
  }

  /// A learning rate that may be a function of the step, kept in the optimizer's userdata.
  private final class Schedule {
    private unowned let lua: Lua
    private weak var optimizer: (any Optimizer)?

    init(_ lua: Lua) { self.lua = lua }

    /// What the function says, once the optimizer is there that keeps it.
    var rate: LearningRate {
      .schedule { step in
        guard let optimizer = self.optimizer else { return .nan }
        let function = try self.lua.keptFunction(of: optimizer, "lr")
        let result = try self.lua.calling("lr", function, [.integer(step)])
        guard let rate = result.first?.asNumber else {
          throw EngineError(
            "optimizer",
            "lr(\(step)) must return a number, got \(result.first?.typeName ?? "nothing")")
        }
        return rate
      }
    }

    func returning(_ optimizer: any Optimizer, _ options: LuaOptions, _ call: LuaCall) -> Int {
      self.optimizer = optimizer
      let held = lua.reference(to: optimizer)
      lua.setUserValue(of: optimizer, options.value("lr"))
      return call.returns(held)
    }
  }
}
