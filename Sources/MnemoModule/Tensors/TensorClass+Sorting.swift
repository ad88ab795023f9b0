import LuaBridge
import Tensors

// Order.
extension TensorClass {
  private static func ordered(
    _ call: LuaCall, _ tensors: (values: Tensor, indices: IntTensor)
  ) throws -> Int {
    call.returns(tensors.values, try tensors.indices.offset(by: 1))
  }

  static var sorting: [LuaFunction] {
    let dimension = LuaParameter("d", .integer, "the dimension", default: "the last")
    return [
      LuaFunction(
        "sort",
        "The elements in order along a dimension, and the indices where they stood, both of the "
          + "tensor's shape. Equal elements keep their order; nan counts as the largest. The "
          + "values have a gradient.",
        parameters: [
          dimension, LuaParameter("descending", .boolean, "the largest first", default: "false"),
        ],
        returns: [
          LuaResult(.object("Tensor"), name: "values"),
          LuaResult(.object("IntTensor"), name: "indices"),
        ],
        example: "local values, indices = mnemo.tensor{3, 1, 2}:sort()\nprint(values, indices)"
      ) { call in
        try ordered(
          call,
          try call.object(1, Tensor.self).sort(
            call.optionalDimension(2) ?? -1, descending: call.optionalBoolean(3) ?? false))
      },
      LuaFunction(
        "topk",
        "The k largest elements along a dimension, the largest first, and their indices, both of "
          + "the tensor's shape but for k in that dimension. The values have a gradient.",
        parameters: [
          LuaParameter("k", .integer, "how many"), dimension,
          LuaParameter(
            "largest", .boolean, "false for the smallest, smallest first", default: "true"),
        ],
        returns: [
          LuaResult(.object("Tensor"), name: "values"),
          LuaResult(.object("IntTensor"), name: "indices"),
        ],
        example: "local values, indices = mnemo.tensor{3, 1, 2}:topk(2)\nprint(values, indices)"
      ) { call in
        try ordered(
          call,
          try call.object(1, Tensor.self).topK(
            call.integer(2), call.optionalDimension(3) ?? -1,
            largest: call.optionalBoolean(4) ?? true))
      },
    ]
  }
}
