import LuaBridge
import Tensors

/// Functions that make tensors.
enum TensorFunctions {
  static let sizes = LuaParameter(
    "size", .union([.integer, .list(.integer)]), "the sizes, or a list of them", variadic: true)

  static func functions(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "tensor", "A tensor of the numbers in a list, or in lists of lists of equal lengths.",
        parameters: [LuaParameter("table", .union([.table, .number]), "the numbers")],
        returns: [.object("Tensor")], example: "print(mnemo.tensor{{1, 2}, {3, 4}})"
      ) { call in
        if case .table = call.value(1) { return call.returns(try call.tensor(1)) }
        return call.returns(Tensor(Float(try call.number(1))))
      },
      LuaFunction(
        "int_tensor", "An integer tensor of the numbers in a list, or in lists of lists.",
        parameters: [LuaParameter("table", .union([.table, .integer]), "the numbers")],
        returns: [.object("IntTensor")], example: "print(mnemo.int_tensor{3, 1, 2})"
      ) { call in
        if case .table = call.value(1) { return call.returns(try call.intTensor(1)) }
        return call.returns(try IntTensor(shape: [], fill: try call.int32(1)))
      },
      LuaFunction(
        "zeros", "Zeros.", parameters: [sizes], returns: [.object("Tensor")],
        example: "print(mnemo.zeros(2, 3))"
      ) { call in call.returns(try Tensor.zeros(call.sizes(from: 1))) },
      LuaFunction(
        "ones", "Ones.", parameters: [sizes], returns: [.object("Tensor")],
        example: "print(mnemo.ones(3))"
      ) { call in call.returns(try Tensor.ones(call.sizes(from: 1))) },
      LuaFunction(
        "full", "One number everywhere.",
        parameters: [sizes, LuaParameter("value", .number, "after the sizes")],
        returns: [.object("Tensor")],
        example: "print(mnemo.full(2, 2, 0.5))"
      ) { call in
        guard call.count >= 1 else { throw call.failure(1, "number expected, got no value") }
        let value = Float(try call.number(call.count))
        return call.returns(
          try Tensor.full(call.sizes(from: 1, to: call.count - 1), value))
      },
      LuaFunction(
        "eye", "The identity matrix.", parameters: [LuaParameter("n", .integer, "its size")],
        returns: [.object("Tensor")], example: "print(mnemo.eye(2))"
      ) { call in call.returns(try Tensor.eye(call.integer(1))) },
      LuaFunction(
        "arange",
        "first, first + step, … up to and including last where it is reached; with one number n "
          + "alone, 1 to n, where PyTorch counts from 0 to n - 1.",
        parameters: [
          LuaParameter("first", .number, "the first number; alone, the last"),
          LuaParameter(
            "last", .number, "the end, included where a step reaches it",
            default: "first, counting from 1"),
          LuaParameter("step", .number, "their distance, negative to count down", default: "1"),
        ], returns: [.object("Tensor")],
        example: "print(mnemo.arange(5))\nprint(mnemo.arange(0, 1, 0.25))"
      ) { call in
        let step = try call.optionalNumber(3) ?? 1
        guard call.has(2) else { return call.returns(try Tensor.arange(1, call.number(1), step)) }
        return call.returns(try Tensor.arange(call.number(1), call.number(2), step))
      },
      LuaFunction(
        "linspace", "n evenly spaced numbers, both ends included.",
        parameters: [
          LuaParameter("a", .number, "the first number"), LuaParameter("b", .number, "the last"),
          LuaParameter("n", .integer, "how many"),
        ], returns: [.object("Tensor")], example: "print(mnemo.linspace(0, 1, 5))"
      ) { call in
        call.returns(try Tensor.linspace(call.number(1), call.number(2), call.integer(3)))
      },
      LuaFunction(
        "one_hot", "Rows of zeros with a 1 at each id.",
        parameters: [
          LuaParameter("ids", .object("IntTensor"), "of any shape, from 1"),
          LuaParameter("n", .integer, "length of a row"),
        ], returns: [.object("Tensor")], example: "print(mnemo.one_hot(mnemo.int_tensor{2, 1}, 3))"
      ) { call in call.returns(try Tensor.oneHot(call.ids(1), call.integer(2))) },
      LuaFunction(
        "where", "Elements of a where the mask is not 0, else of b; all broadcast.",
        parameters: [
          LuaParameter("mask", .object("Tensor"), "0 or not, as comparisons give it"),
          LuaParameter("a", .union([.object("Tensor"), .number]), "taken where the mask is not 0"),
          LuaParameter("b", .union([.object("Tensor"), .number]), "taken where it is 0"),
        ], returns: [.object("Tensor")], example: "print(mnemo.where(mnemo.tensor{1, 0}, 5, -5))"
      ) { call in
        call.returns(
          try Tensor.choose(call.object(1, Tensor.self), call.operand(2), call.operand(3)))
      },
    ] + alike + integers + joining + random(session)
  }
}
