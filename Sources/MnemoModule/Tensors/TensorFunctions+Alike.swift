import LuaBridge
import Tensors

// Tensors in the shape of another: numbers beside numbers, integers beside integers.
extension TensorFunctions {
  private static let model = LuaParameter(
    "x", .union([.object("Tensor"), .object("IntTensor")]),
    "whose shape it has; the result is of the same class")

  private static func like(
    _ name: String, _ summary: String, _ parameters: [LuaParameter], example: String,
    _ numbers: @escaping (LuaCall, [Int]) throws -> Tensor,
    integers: @escaping (LuaCall, [Int]) throws -> IntTensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary, parameters: [model] + parameters,
      returns: [.union([.object("Tensor"), .object("IntTensor")])], example: example
    ) { call in
      if let ids = call.ifObject(1, IntTensor.self) {
        return call.returns(try integers(call, ids.shape))
      }
      return call.returns(try numbers(call, call.object(1, Tensor.self).shape))
    }
  }

  static var alike: [LuaFunction] {
    [
      like(
        "zeros_like", "Zeros in the shape of a tensor.", [],
        example: "print(mnemo.zeros_like(mnemo.eye(2)))"
      ) {
        try Tensor.zeros($1)
      } integers: {
        try IntTensor(shape: $1)
      },
      like(
        "ones_like", "Ones in the shape of a tensor.", [],
        example: "print(mnemo.ones_like(mnemo.int_tensor{3, 1, 2}))"
      ) {
        try Tensor.ones($1)
      } integers: {
        try IntTensor(shape: $1, fill: 1)
      },
      like(
        "full_like", "One number everywhere, in the shape of a tensor.",
        [LuaParameter("value", .number, "an integer if x is an IntTensor")],
        example: "print(mnemo.full_like(mnemo.eye(2), 0.5))"
      ) {
        try Tensor.full($1, Float($0.number(2)))
      } integers: {
        try IntTensor(shape: $1, fill: $0.int32(2))
      },
    ]
  }
}
