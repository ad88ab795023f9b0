import LuaBridge
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

  static var functions: [Function] {
    [
      Function(
        "optim.sgd", "Stochastic gradient descent, with PyTorch's update rule.",
        options: [
          Option(
            "lr", .union([.number, .function]), .required,
            "learning rate: a number, or a function of the step, counted from 0"),
          Option("momentum", .number, 0, "from 0 to below 1"),
          Option("weight_decay", .number, 0, "adds this much of each parameter to its gradient"),
          Option("nesterov", .boolean, false, "Nesterov's momentum"),
        ], returns: [.object("Optimizer")],
        example: "local optimizer = mnemo.optim.sgd{lr = 0.2, momentum = 0.9, weight_decay = 1e-4}"
      ) { call in
        let options = try call.options()
        let schedule = Schedule(call.lua)
        let sgd = try SGD(
          learningRate: schedule.rate(options), momentum: options.number("momentum"),
          weightDecay: options.number("weight_decay"), nesterov: options.boolean("nesterov"))
        return schedule.returning(sgd, options, call)
      },
      Function(
        "optim.adamw", "Adam with decoupled weight decay, with PyTorch's update rule.",
        options: [
          Option(
            "lr", .union([.number, .function]), 1e-3,
            "learning rate: a number, or a function of the step, counted from 0"),
          Option("betas", .list(.number), [0.9, 0.999], "decay of the two moments"),
          Option("eps", .number, 1e-8, "added to the root of the second moment"),
          Option("weight_decay", .number, 0.01, "shrinks parameters by lr times this much"),
        ], returns: [.object("Optimizer")],
        example: "local optimizer = mnemo.optim.adamw{lr = 1e-3}"
      ) { call in
        let options = try call.options()
        let betas = try options.numbers("betas")
        guard betas.count == 2 else {
          throw options.failure("betas", "2 numbers expected, got \(betas.count)")
        }
        let schedule = Schedule(call.lua)
        let adamW = try AdamW(
          learningRate: schedule.rate(options), betas: (betas[0], betas[1]),
          epsilon: options.number("eps"), weightDecay: options.number("weight_decay"))
        return schedule.returning(adamW, options, call)
      },
    ]
  }

  /// A learning rate that may be a function of the step, kept in the optimizer's userdata.
  private final class Schedule {
    private unowned let lua: Lua
    private weak var optimizer: (any Optimizer)?

    init(_ lua: Lua) { self.lua = lua }

    func rate(_ options: Options) throws -> LearningRate {
      guard case .function = options.value("lr") else {
        return .constant(try options.number("lr"))
      }
      return .schedule { step in
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

    func returning(_ optimizer: any Optimizer, _ options: Options, _ call: Call) -> Int {
      self.optimizer = optimizer
      let held = lua.reference(to: optimizer)
      lua.setUserValue(of: optimizer, options.value("lr"))
      return call.returns(held)
    }
  }
}
