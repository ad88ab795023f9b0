import LuaBridge
import Tensors

// Order, and what stands at a given place in it.
extension TensorClass {
  static var sorting: [LuaFunction] {
    Ordering.of(
      Tensor.self, "Tensor", maker: "mnemo.tensor",
      nan: " nan counts as the largest.", gradient: " The values have a gradient.")
      + [
        LuaFunction(
          "median",
          "The middle element in the order, the lower one of two; along a dimension the indices "
            + "where they stand come second. nan where there is one. The gradient goes to the "
            + "middle element. quantile(0.5) is the mean of two.",
          parameters: Reductions.one,
          returns: [
            LuaResult(.object("Tensor"), name: "values"),
            LuaResult(.object("IntTensor"), name: "indices", optional: true),
          ],
          example: "print(mnemo.tensor{4, 1, 3, 2}:median():item())"
        ) { call in
          let tensor = try call.object(1, Tensor.self)
          let keepDim = try call.optionalBoolean(3) ?? false
          guard let d = try call.optionalDimension(2) else {
            let value = try tensor.median()
            return call.returns(
              keepDim ? try value.reshape([Int](repeating: 1, count: tensor.rank)) : value)
          }
          return try Reductions.ordered(call, tensor.median(d, keepDim: keepDim))
        },
        LuaFunction(
          "quantile",
          "What stands at a share q of the way through the order, 0 being the smallest element and "
            + "1 the largest; between two elements it is interpolated linearly, as NumPy and "
            + "PyTorch do. nan where there is one. The gradient goes to these two elements.",
          parameters: [
            LuaParameter(
              "q", .union([.number, .list(.number)]),
              "within 0…1; of a list, the result has a first dimension with an entry for each")
          ] + Reductions.one, returns: [.object("Tensor")],
          example: "print(mnemo.tensor{4, 1, 3, 2}:quantile({0.25, 0.5, 0.75}))"
        ) { call in
          let tensor = try call.object(1, Tensor.self)
          let (d, keepDim) = (try call.optionalDimension(3), try call.optionalBoolean(4) ?? false)
          guard case .table = call.value(2) else {
            return call.returns(try tensor.quantile(call.number(2), d, keepDim: keepDim))
          }
          return call.returns(try tensor.quantiles(call.numbers(2), d, keepDim: keepDim))
        },
      ]
  }
}
