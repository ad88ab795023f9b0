import LuaBridge
import Tensors

// Integer tensors, as those of numbers are made.
extension TensorFunctions {
  static var integers: [LuaFunction] {
    [
      LuaFunction(
        "int_zeros", "Zeros, as integers.", parameters: [sizes], returns: [.object("IntTensor")],
        example: "print(mnemo.int_zeros(2, 3))"
      ) { call in call.returns(try IntTensor.zeros(call.sizes(from: 1))) },
      LuaFunction(
        "int_full", "One integer everywhere.",
        parameters: [sizes, LuaParameter("value", .integer, "after the sizes")],
        returns: [.object("IntTensor")], example: "print(mnemo.int_full(2, 2, 7))"
      ) { call in
        guard call.count >= 1 else { throw call.failure(1, "number expected, got no value") }
        let value = try call.int32(call.count)
        return call.returns(try IntTensor.full(call.sizes(from: 1, to: call.count - 1), value))
      },
      LuaFunction(
        "int_arange",
        "first, first + step, … up to and including last where it is reached, as integers; with one "
          + "number n alone, the ids 1 to n.",
        parameters: [
          LuaParameter("first", .integer, "the first integer; alone, the last"),
          LuaParameter(
            "last", .integer, "the end, included where a step reaches it",
            default: "first, counting from 1"),
          LuaParameter("step", .integer, "their distance, negative to count down", default: "1"),
        ], returns: [.object("IntTensor")], example: "print(mnemo.int_arange(5))"
      ) { call in
        guard call.has(2) else {
          return call.returns(
            try IntTensor.arange(1, call.integer(1), call.optionalInteger(3) ?? 1))
        }
        return call.returns(
          try IntTensor.arange(call.integer(1), call.integer(2), call.optionalInteger(3) ?? 1))
      },
    ]
  }
}
