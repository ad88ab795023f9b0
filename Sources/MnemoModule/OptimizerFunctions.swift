import LuaBridge
import Tensors
import Training

/// `mnemo.optim`: update rules.
enum OptimizerFunctions {
  static var optimizerClass: LuaClass {
    LuaClass(
      "Optimizer", for: (any Optimizer).self,
      "An update rule with its state, for mnemo.train.",
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
        ], returns: "Optimizer",
        example: "local optimizer = mnemo.optim.sgd{lr = 0.2, momentum = 0.9, weight_decay = 1e-4}"
      ) { call in
        let options = try call.options()
        return call.returns(
          try SGD(
            learningRate: learningRate(options), momentum: options.number("momentum"),
            weightDecay: options.number("weight_decay"), nesterov: options.boolean("nesterov")))
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
        ], returns: "Optimizer", example: "local optimizer = mnemo.optim.adamw{lr = 1e-3}"
      ) { call in
        let options = try call.options()
        let betas = try options.numbers("betas")
        guard betas.count == 2 else {
          throw options.failure("betas", "2 numbers expected, got \(betas.count)")
        }
        return call.returns(
          try AdamW(
            learningRate: learningRate(options), betas: (betas[0], betas[1]),
            epsilon: options.number("eps"), weightDecay: options.number("weight_decay")))
      },
    ]
  }

  private static func learningRate(_ options: Options) throws -> LearningRate {
    guard case .function(let function) = options.value("lr") else {
      return .constant(try options.number("lr"))
    }
    return .schedule { step in
      let result = try function.call([.integer(step)], label: "lr")
      guard let rate = result.first?.asNumber else {
        throw EngineError(
          "optimizer",
          "lr(\(step)) must return a number, got \(result.first?.typeName ?? "nothing")")
      }
      return rate
    }
  }
}
