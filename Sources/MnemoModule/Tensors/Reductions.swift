import LuaBridge
import Tensors

/// What reductions of `Tensor` and `IntTensor` have in common: their arguments.
enum Reductions {
  static let keepDimension = LuaParameter(
    "keepdim", .boolean, "whether they stay, with size 1", default: "false")
  /// One dimension or several, and whether they stay.
  static let several = [
    LuaParameter(
      "d", .union([.integer, .list(.integer)]), "the dimension to reduce, or a list of several",
      default: "everything"),
    keepDimension,
  ]
  /// One dimension, and whether it stays.
  static let one = [
    LuaParameter("d", .integer, "the dimension to reduce", default: "everything"),
    LuaParameter("keepdim", .boolean, "whether it stays, with size 1", default: "false"),
  ]

  /// A method that reduces several dimensions of a tensor of one class.
  static func method<T: StridedTensor, Result: AnyObject>(
    _ type: T.Type, _ name: String, _ summary: String, returns: LuaResult, on some: String,
    _ reduce: @escaping (T, [Int]?, Bool) throws -> Result
  ) -> LuaFunction {
    LuaFunction(
      name, summary, parameters: several, returns: [returns], example: "print(\(some):\(name)(2))"
    ) { call in
      call.returns(
        try reduce(
          call.object(1, type), call.optionalDimensions(2), call.optionalBoolean(3) ?? false))
    }
  }

  /// `max` or `min` of one class: the value of all elements, or values and places along a
  /// dimension.
  static func extreme<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ summary: String, returns result: String, on some: String,
    all: @escaping (T) throws -> T,
    along: @escaping (T, Int, Bool) throws -> (values: T, indices: IntTensor)
  ) -> LuaFunction {
    LuaFunction(
      name, summary + " Along a dimension the indices where they stand come second.",
      parameters: one,
      returns: [
        LuaResult(.object(result), name: "values"),
        LuaResult(.object("IntTensor"), name: "indices", optional: true),
      ],
      example: "local values, indices = \(some):\(name)(2)\nprint(values, indices)"
    ) { call in
      let tensor = try call.object(1, type)
      guard let d = try call.optionalDimension(2) else {
        let value = try all(tensor)
        return call.returns(
          try call.optionalBoolean(3) ?? false
            ? value.reshape([Int](repeating: 1, count: tensor.rank)) : value)
      }
      return try ordered(call, along(tensor, d, call.optionalBoolean(3) ?? false))
    }
  }

  /// A method that tells where an element stands.
  static func place<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ summary: String, on some: String,
    all: @escaping (T) throws -> IntTensor,
    along: @escaping (T, Int, Bool) throws -> IntTensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary + " Without a dimension it counts all elements in row-major order.",
      parameters: one, returns: [.object("IntTensor")], example: "print(\(some):\(name)(2))"
    ) { call in
      let tensor = try call.object(1, type)
      guard let d = try call.optionalDimension(2) else {
        return call.returns(try all(tensor).offset(by: 1))
      }
      let places = try along(tensor, d, call.optionalBoolean(3) ?? false)
      return call.returns(try places.offset(by: 1))
    }
  }

  /// Returns values and the indices where they stood, from 1.
  static func ordered(
    _ call: LuaCall, _ tensors: (values: some AnyObject, indices: IntTensor)
  ) throws -> Int {
    call.returns(tensors.values, try tensors.indices.offset(by: 1))
  }
}

extension LuaCall {
  /// The dimensions named by a number or a list of them, or nil if none was given.
  func optionalDimensions(_ position: Int) throws -> [Int]? {
    guard case .table = value(position) else { return try optionalDimension(position).map { [$0] } }
    return try integers(position).map { d in
      guard d != 0 else { throw failure(position, "dimensions count from 1, got 0") }
      return d > 0 ? d - 1 : d
    }
  }
}
