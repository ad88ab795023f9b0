import LuaBridge
import Tensors

// What is computed element by element, beside the operators.
extension IntTensorClass {
  private static func binary(
    _ name: String, _ summary: String,
    _ operation: @escaping (IntTensor, IntTensor) throws -> IntTensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary,
      parameters: [
        LuaParameter("other", .union([.object("IntTensor"), .integer]), "broadcasts")
      ], returns: [.object("IntTensor")], example: "print(mnemo.int_tensor{1, 3}:\(name)(2))"
    ) { call in
      call.returns(try operation(call.object(1, IntTensor.self), operand(call, 2)))
    }
  }

  static var elementwise: [LuaFunction] {
    [
      LuaFunction(
        "abs", "Absolute value; leaving the range of 32 bits is an error.",
        returns: [.object("IntTensor")], example: "print(mnemo.int_tensor{1, -2}:abs())"
      ) { call in call.returns(try call.object(1, IntTensor.self).abs()) },
      binary("maximum", "The larger of two, elementwise.") { try $0.maximum($1) },
      binary("minimum", "The smaller of two, elementwise.") { try $0.minimum($1) },
      LuaFunction(
        "clamp", "Elements limited to a range; nil leaves an end open.",
        parameters: [
          LuaParameter("low", .integer, default: "no limit"),
          LuaParameter("high", .integer, default: "no limit"),
        ], returns: [.object("IntTensor")],
        example: "print(mnemo.int_tensor{-2, 1, 3}:clamp(0, 2))"
      ) { call in
        guard call.has(2) || call.has(3) else {
          throw call.failure(2, "a limit expected at one end at least")
        }
        return call.returns(
          try call.object(1, IntTensor.self).clamp(
            call.has(2) ? call.int32(2) : .min, call.has(3) ? call.int32(3) : .max))
      },
    ]
  }
}
