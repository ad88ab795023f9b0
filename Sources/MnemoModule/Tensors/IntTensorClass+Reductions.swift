import LuaBridge
import Tensors

// What is reduced, ordered or counted.
extension IntTensorClass {
  private static func reduction<Result: AnyObject>(
    _ name: String, _ summary: String, returns: String,
    _ reduce: @escaping (IntTensor, [Int]?, Bool) throws -> Result
  ) -> LuaFunction {
    Reductions.method(
      IntTensor.self, name, summary, returns: .object(returns), on: matrix, reduce)
  }

  private static let matrix = "mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}"

  static var reductions: [LuaFunction] {
    [
      reduction(
        "sum", "The sum; leaving the range of 32 bits is an error.", returns: "IntTensor"
      ) { try $0.sum(over: $1, keepDim: $2) },
      reduction(
        "prod", "The product; leaving the range of 32 bits is an error.", returns: "IntTensor"
      ) { try $0.prod(over: $1, keepDim: $2) },
      reduction("mean", "The mean, in Float32.", returns: "Tensor") {
        try $0.mean(over: $1, keepDim: $2)
      },
      reduction("any", "1 where any element is not 0, else 0.", returns: "Tensor") {
        try $0.any(over: $1, keepDim: $2)
      },
      reduction("all", "1 where all elements are not 0, else 0.", returns: "Tensor") {
        try $0.all(over: $1, keepDim: $2)
      },
      Reductions.extreme(
        IntTensor.self, "max", "The largest element, the first of equals.", returns: "IntTensor",
        on: matrix, all: { try $0.max() }, along: { try $0.max($1, keepDim: $2) }),
      Reductions.extreme(
        IntTensor.self, "min", "The smallest element, the first of equals.", returns: "IntTensor",
        on: matrix, all: { try $0.min() }, along: { try $0.min($1, keepDim: $2) }),
      Reductions.place(
        IntTensor.self, "argmax", "The index of the largest element, the first of equals.",
        on: matrix, all: { try $0.argmax() }, along: { try $0.argmax($1, keepDim: $2) }),
      Reductions.place(
        IntTensor.self, "argmin", "The index of the smallest element, the first of equals.",
        on: matrix, all: { try $0.argmin() }, along: { try $0.argmin($1, keepDim: $2) }),
      LuaFunction(
        "cumsum",
        "Along a dimension, the sum of each element and all before it; leaving the range of 32 "
          + "bits is an error.",
        parameters: [StridedMethods.dimension],
        returns: [LuaResult(.object("IntTensor"), "of the same shape")],
        example: "print(mnemo.int_tensor{1, 2, 3}:cumsum(1))"
      ) { call in call.returns(try call.object(1, IntTensor.self).cumsum(call.dimension(2))) },
      LuaFunction(
        "bincount",
        "How often each number from 1 on stands in the tensor, up to the largest: entry i counts "
          + "the elements that are i. With weights it adds up theirs, with a gradient.",
        parameters: [
          LuaParameter("n", .integer, "the result has at least so many entries", default: "0"),
          LuaParameter(
            "weights", .object("Tensor"), "of the tensor's shape", default: "every element counts 1"
          ),
        ],
        returns: [LuaResult(.union([.object("IntTensor"), .object("Tensor")]), "a vector")],
        example: "print(mnemo.int_tensor{1, 3, 3}:bincount())"
      ) { call in
        let ids = try call.object(1, IntTensor.self).offset(by: -1)
        let least = try call.optionalInteger(2) ?? 0
        guard let weights = try call.optionalObject(3, Tensor.self) else {
          return call.returns(try ids.bincount(atLeast: least))
        }
        return call.returns(try ids.bincount(weights: weights, atLeast: least))
      },
    ] + Ordering.of(IntTensor.self, "IntTensor", maker: "mnemo.int_tensor")
  }
}
