import LuaBridge
import Tensors

/// A tensor whose elements can be put in order along a dimension.
protocol SortableTensor: StridedTensor, Orderable {
  func unique() throws -> (values: Self, inverse: IntTensor, counts: IntTensor)
}

extension Tensor: SortableTensor {}
extension IntTensor: SortableTensor {}

/// The methods of order that `Tensor` and `IntTensor` share.
enum Ordering {
  /// The methods of one class.
  /// - Parameters:
  ///   - type: the Swift class.
  ///   - name: its name in Lua.
  ///   - maker: the function that makes one of a list, for examples.
  ///   - nan: what there is to say about NaN, a sentence that follows others.
  ///   - gradient: the same about the gradient of the values.
  /// - Returns: the declarations.
  static func of<T: SortableTensor>(
    _ type: T.Type, _ name: String, maker: String, nan: String = "", gradient: String = ""
  ) -> [LuaFunction] {
    let dimension = LuaParameter("d", .integer, "the dimension", default: "the last")
    let descending = LuaParameter("descending", .boolean, "the largest first", default: "false")
    let both = [
      LuaResult(.object(name), name: "values"), LuaResult(.object("IntTensor"), name: "indices"),
    ]
    return [
      LuaFunction(
        "sort",
        "The elements in order along a dimension, and the indices where they stood, both of the "
          + "tensor's shape. Equal elements keep their order.\(nan)\(gradient)",
        parameters: [dimension, descending], returns: both,
        example: "local values, indices = \(maker){3, 1, 2}:sort()\nprint(values, indices)"
      ) { call in
        try Reductions.ordered(
          call,
          call.object(1, type).sort(
            call.optionalDimension(2) ?? -1, descending: call.optionalBoolean(3) ?? false))
      },
      LuaFunction(
        "argsort",
        "The indices of sort alone: where the elements stand in order along a dimension. Equal "
          + "elements keep their order.\(nan)",
        parameters: [dimension, descending], returns: [.object("IntTensor")],
        example: "print(\(maker){3, 1, 2}:argsort())"
      ) { call in
        call.returns(
          try call.object(1, type).argsort(
            call.optionalDimension(2) ?? -1, descending: call.optionalBoolean(3) ?? false
          ).offset(by: 1))
      },
      LuaFunction(
        "topk",
        "The k largest elements along a dimension, the largest first, and their indices, both of "
          + "the tensor's shape but for k in that dimension.\(nan)\(gradient)",
        parameters: [
          LuaParameter("k", .integer, "how many"), dimension,
          LuaParameter(
            "largest", .boolean, "false for the smallest, smallest first", default: "true"),
        ], returns: both,
        example: "local values, indices = \(maker){3, 1, 2}:topk(2)\nprint(values, indices)"
      ) { call in
        try Reductions.ordered(
          call,
          call.object(1, type).topK(
            call.integer(2), call.optionalDimension(3) ?? -1,
            largest: call.optionalBoolean(4) ?? true))
      },
      LuaFunction(
        "unique",
        "The different elements in ascending order, a vector; for each element of the tensor the "
          + "index of its value in that vector; and how often each value stands in the tensor. "
          + "Without gradient.\(nan)\(nan.isEmpty ? "" : " All nan are one value.")",
        returns: [
          LuaResult(.object(name), name: "values"),
          LuaResult(.object("IntTensor"), "of the tensor's shape", name: "inverse"),
          LuaResult(.object("IntTensor"), name: "counts"),
        ],
        example: """
          local values, inverse, counts = \(maker){3, 1, 3}:unique()
          print(values[inverse], counts)
          """
      ) { call in
        let (values, inverse, counts) = try call.object(1, type).unique()
        return call.returns(values, try inverse.offset(by: 1), counts)
      },
    ]
  }
}
