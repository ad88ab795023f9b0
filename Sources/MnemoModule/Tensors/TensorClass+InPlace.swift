import LuaBridge
import Tensors

// Changes in place.
extension TensorClass {
  private static func update(
    _ name: String, _ summary: String, _ operation: @escaping (Tensor, Tensor) throws -> Void
  ) -> LuaFunction {
    LuaFunction(
      name, summary,
      parameters: [LuaParameter("other", .union([.object("Tensor"), .number]), "broadcasts")],
      returns: [LuaResult(.object("Tensor"), "the tensor itself")],
      example: "print(mnemo.zeros(2):\(name)(3))"
    ) { call in
      try operation(call.object(1, Tensor.self), call.operand(2))
      return call.returns(argument: 1)
    }
  }

  /// Fills a tensor in place with random numbers; the option table is its only argument.
  private static func draw(
    _ session: ModuleState, _ name: String, _ summary: String, _ options: [LuaOption],
    _ body: @escaping (Tensor, LuaOptions, inout RandomStream) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary + " They follow mnemo.seed, or a seed of their own.",
      options: options + [
        LuaOption("seed", .integer, .described("follows mnemo.seed"), "of these numbers")
      ], returns: [LuaResult(.object("Tensor"), "the tensor itself")],
      example: "print(mnemo.zeros(2, 3):\(name){seed = 1})"
    ) { call in
      let tensor = try call.object(1, Tensor.self)
      let options = try call.options()
      try tensor.checkInPlace(name)
      var stream = try options.tensorStream(session)
      try tensor.copyInPlace(body(tensor, options, &stream), name)
      return call.returns(argument: 1)
    }
  }

  static func inPlace(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "fill_", "Sets every element to one number, in place.",
        parameters: [LuaParameter("value", .number)],
        returns: [LuaResult(.object("Tensor"), "the tensor itself")],
        example: "print(mnemo.zeros(2):fill_(3))"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        try tensor.checkInPlace("fill_")
        try tensor.copyInPlace(Tensor(Float(call.number(2))), "fill_")
        return call.returns(argument: 1)
      },
      update("copy_", "Copies another tensor's elements, in place.") { try $0.copyInPlace($1) },
      update("add_", "Adds, in place.") { try $0.addInPlace($1) },
      update("mul_", "Multiplies, in place.") { try $0.mulInPlace($1) },
      draw(
        session, "normal_", "Sets every element to a normal random number, in place.",
        [
          LuaOption("mean", .number, 0.0, "their mean"),
          LuaOption("std", .number, 1.0, "their standard deviation"),
        ]
      ) { tensor, options, stream in
        let deviation = try options.number("std")
        guard deviation >= 0 else {
          throw options.failure("std", "0 or more expected, got \(deviation)")
        }
        return try Tensor.normal(
          tensor.shape, mean: Float(options.number("mean")), standardDeviation: Float(deviation),
          using: &stream)
      },
      draw(
        session, "uniform_", "Sets every element to a uniform random number, in place.",
        [
          LuaOption("low", .number, 0.0, "the least"),
          LuaOption("high", .number, 1.0, "the upper limit"),
        ]
      ) { tensor, options, stream in
        let (low, high) = (try options.number("low"), try options.number("high"))
        guard low <= high else {
          throw options.failure("low", "\(high), the option 'high', or less expected, got \(low)")
        }
        return try Tensor.uniform(
          tensor.shape, low: Float(low), high: Float(high), using: &stream)
      },
    ]
  }
}
