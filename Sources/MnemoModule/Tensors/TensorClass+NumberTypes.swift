import LuaBridge
import Tensors

// How numbers are stored.
extension TensorClass {
  static var numberTypes: [LuaFunction] {
    func conversion(
      _ name: String, _ summary: String, _ convert: @escaping (Tensor) throws -> Tensor
    ) -> LuaFunction {
      LuaFunction(
        name, summary, returns: [.object("Tensor")],
        example: "print(mnemo.tensor{0.1, 1000}:\(name)())"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        let result = try convert(tensor)
        return result === tensor ? call.returns(argument: 1) : call.returns(result)
      }
    }
    return [
      conversion(
        "float", "The same numbers in Float32: this tensor if they are, else a copy."
      ) { try $0.float() },
      conversion(
        "half",
        "The nearest numbers of 16 bits, with 11 significant bits and up to 65504, in half the "
          + "memory; without history. They can be read, not changed or trained."
      ) { try $0.half() },
      conversion(
        "bfloat16",
        "The nearest numbers of 16 bits with the range of Float32 and 8 significant bits, in half "
          + "the memory; without history. They can be read, not changed or trained."
      ) { try $0.bfloat16() },
      LuaFunction(
        "int",
        "The numbers as integers of 32 bits, without their fractions: rounded toward 0. nan, and "
          + "what is too large, is an error.",
        returns: [.object("IntTensor")], example: "print(mnemo.tensor{1.7, -1.7}:int())"
      ) { call in call.returns(try call.object(1, Tensor.self).int()) },
    ]
  }
}
