import LuaBridge
import Tensors

// Tensors made of several.
extension TensorFunctions {
  private static func joining(
    _ name: String, _ summary: String, list: String, d: String, example: String,
    _ numbers: @escaping ([Tensor], Int) throws -> Tensor,
    integers: @escaping ([IntTensor], Int) throws -> IntTensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary,
      parameters: [
        LuaParameter(
          "list", .union([.list(.object("Tensor")), .list(.object("IntTensor"))]), list),
        LuaParameter("d", .integer, d, default: "1"),
      ], returns: [.union([.object("Tensor"), .object("IntTensor")])], example: example
    ) { call in
      let d = try call.optionalDimension(2) ?? 0
      // The first one decides.
      if case .table = call.value(1), try call.table(1).ifObject(1, IntTensor.self) != nil {
        return call.returns(try integers(call.objects(1, IntTensor.self), d))
      }
      return call.returns(try numbers(call.objects(1, Tensor.self), d))
    }
  }

  static var joining: [LuaFunction] {
    [
      joining(
        "cat", "Tensors, or IntTensors, joined along a dimension.",
        list: "of equal shapes but for that dimension", d: "the dimension, from 1",
        example: "print(mnemo.cat{mnemo.ones(2), mnemo.zeros(1)})"
      ) {
        try Tensor.cat($0, $1)
      } integers: {
        try IntTensor.cat($0, $1)
      },
      joining(
        "stack", "Tensors, or IntTensors, of one shape joined along a new dimension.",
        list: "of one shape", d: "where the new dimension stands in the result, from 1",
        example: "print(mnemo.stack({mnemo.int_tensor{1, 2}, mnemo.int_tensor{3, 4}}, 2))"
      ) {
        try Tensor.stack($0, $1)
      } integers: {
        try IntTensor.stack($0, $1)
      },
    ]
  }
}
