import LuaBridge
import Tensors

// Tensors drawn at random.
extension TensorFunctions {
  private static var seed: LuaOption {
    LuaOption("seed", .integer, .described("follows mnemo.seed"), "decides these numbers")
  }

  /// A function that draws and may be given, last, an option table with a seed.
  ///
  /// `draw` gets the place of the last argument before that table.
  private static func drawing(
    _ session: ModuleState, _ name: String, _ summary: String, _ parameters: [LuaParameter],
    returns result: LuaResult, example arguments: String,
    _ draw: @escaping (LuaCall, _ last: Int, inout RandomStream) throws -> AnyObject
  ) -> LuaFunction {
    LuaFunction(
      name, summary + " They follow mnemo.seed, or a seed given last: {seed = n}.",
      parameters: parameters, options: [seed], returns: [result],
      example: "print(mnemo.\(name)(\(arguments), {seed = 1}))"
    ) { call in
      var last = call.count
      var options: LuaOptions?
      if last >= 1, case .table(let reference) = call.value(last),
        reference.table?.count == 0
      {
        options = try call.options(last)
        last -= 1
      }
      var stream = try options?.tensorStream(session) ?? session.nextStream()
      return call.returns(try draw(call, last, &stream))
    }
  }

  static func random(_ session: ModuleState) -> [LuaFunction] {
    randomNumbers(session) + randomIntegers(session)
  }

  private static func randomNumbers(_ session: ModuleState) -> [LuaFunction] {
    let tensor = LuaResult(.object("Tensor"))
    let shaped = [LuaParameter("x", .object("Tensor"), "whose shape they have")]
    return [
      drawing(
        session, "rand", "Uniform random numbers in [0, 1).", [sizes], returns: tensor,
        example: "2, 3"
      ) { try Tensor.uniform($0.sizes(from: 1, to: $1), using: &$2) },
      drawing(
        session, "randn", "Standard normal random numbers.", [sizes], returns: tensor,
        example: "2, 3"
      ) { try Tensor.normal($0.sizes(from: 1, to: $1), using: &$2) },
      drawing(
        session, "rand_like", "Uniform random numbers in [0, 1), in the shape of a tensor.", shaped,
        returns: tensor, example: "mnemo.eye(2)"
      ) { call, _, stream in
        try Tensor.uniform(call.object(1, Tensor.self).shape, using: &stream)
      },
      drawing(
        session, "randn_like", "Standard normal random numbers, in the shape of a tensor.", shaped,
        returns: tensor, example: "mnemo.eye(2)"
      ) { call, _, stream in
        try Tensor.normal(call.object(1, Tensor.self).shape, using: &stream)
      },
    ]
  }

  private static func randomIntegers(_ session: ModuleState) -> [LuaFunction] {
    [
      drawing(
        session, "randint",
        "Uniform random integers from low to high, both included, as with Lua's math.random.",
        [
          LuaParameter("low", .integer, "the smallest"),
          LuaParameter("high", .integer, "the largest; PyTorch's is never drawn"), sizes,
        ], returns: LuaResult(.object("IntTensor")), example: "1, 6, 2, 3"
      ) { call, last, stream in
        try IntTensor.uniform(
          call.sizes(from: 3, to: last), low: call.integer(1), high: call.integer(2),
          using: &stream)
      },
      drawing(
        session, "randperm", "The ids 1 to n in random order, every order as likely.",
        [LuaParameter("n", .integer, "how many")], returns: LuaResult(.object("IntTensor"), "[n]"),
        example: "5"
      ) { call, _, stream in
        try IntTensor.permutation(call.integer(1), using: &stream).offset(by: 1)
      },
      drawing(
        session, "multinomial",
        "Ids from 1 on, drawn by weights, in each row by itself where there are several.",
        [
          LuaParameter(
            "weights", .object("Tensor"),
            "[k] or [rows, k], finite, not negative, in no row all 0; they need not sum to 1"),
          LuaParameter("n", .integer, "how many ids, in each row"),
          LuaParameter(
            "replacement", .boolean, "whether an id can be drawn again", default: "false"),
        ], returns: LuaResult(.object("IntTensor"), "[n] or [rows, n], in the order of the draws"),
        example: "mnemo.tensor{0.7, 0.2, 0.1}, 8, true"
      ) { call, last, stream in
        try call.object(1, Tensor.self).multinomial(
          call.integer(2), replacement: last >= 3 ? call.optionalBoolean(3) ?? false : false,
          using: &stream
        ).offset(by: 1)
      },
    ]
  }
}
