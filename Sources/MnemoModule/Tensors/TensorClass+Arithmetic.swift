import LuaBridge
import Tensors

// What is computed element by element, and products of matrices.
extension TensorClass {
  private static func unary(
    _ name: String, _ summary: String, _ operation: @escaping (Tensor) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary, returns: [.object("Tensor")], example: "print(mnemo.tensor{0.5, 1}:\(name)())"
    ) { call in call.returns(try operation(call.object(1, Tensor.self))) }
  }

  private static func binaryMethod(
    _ name: String, _ summary: String, _ operation: @escaping (Tensor, Tensor) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary,
      parameters: [LuaParameter("other", .union([.object("Tensor"), .number]), "broadcasts")],
      returns: [.object("Tensor")], example: "print(mnemo.tensor{1, 2}:\(name)(2))"
    ) { call in call.returns(try operation(call.object(1, Tensor.self), call.operand(2))) }
  }

  static var arithmetic: [LuaFunction] {
    [
      LuaFunction(
        "matmul", "Matrix product, with NumPy's rules for vectors and leading dimensions.",
        parameters: [LuaParameter("other", .object("Tensor"))], returns: [.object("Tensor")],
        example: "print(mnemo.eye(2):matmul(mnemo.ones(2, 3)))"
      ) { call in
        call.returns(try call.object(1, Tensor.self).matmul(call.object(2, Tensor.self)))
      },
      LuaFunction(
        "dot", "The product Σ x_i y_i of two vectors.",
        parameters: [LuaParameter("other", .object("Tensor"))], returns: [.object("Tensor")],
        example: "print(mnemo.ones(3):dot(mnemo.ones(3)):item())"
      ) { call in
        call.returns(try call.object(1, Tensor.self).dot(call.object(2, Tensor.self)))
      },
      LuaFunction(
        "outer", "The matrix x_i y_j of two vectors.",
        parameters: [LuaParameter("other", .object("Tensor"))], returns: [.object("Tensor")],
        example: "print(mnemo.ones(2):outer(mnemo.ones(3)))"
      ) { call in
        call.returns(try call.object(1, Tensor.self).outer(call.object(2, Tensor.self)))
      },
      unary("exp", "e^x.") { try $0.exp() },
      unary("log", "Natural logarithm.") { try $0.log() },
      unary("sqrt", "Square root.") { try $0.sqrt() },
      unary("abs", "Absolute value.") { try $0.abs() },
      unary("tanh", "Hyperbolic tangent.") { try $0.tanh() },
      unary("sigmoid", "1 / (1 + e^-x).") { try $0.sigmoid() },
      unary("relu", "max(x, 0).") { try $0.relu() },
      unary("gelu", "x times the normal distribution function of x (the exact form).") {
        try $0.gelu()
      },
      unary("square", "x².") { try $0.square() },
      LuaFunction(
        "clamp", "x limited to a range.",
        parameters: [LuaParameter("low", .number), LuaParameter("high", .number)],
        returns: [.object("Tensor")],
        example: "print(mnemo.tensor{-2, 0.5, 3}:clamp(0, 1))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).clamp(Float(call.number(2)), Float(call.number(3))))
      },
      binaryMethod("maximum", "The larger of two, elementwise.") { try $0.maximum($1) },
      binaryMethod("eq", "1 where equal, else 0.") { try $0.compare($1, "eq", .equal) },
      binaryMethod("ne", "1 where different, else 0.") { try $0.compare($1, "ne", .notEqual) },
      binaryMethod("lt", "1 where less, else 0.") { try $0.compare($1, "lt", .less) },
      binaryMethod("le", "1 where less or equal, else 0.") {
        try $0.compare($1, "le", .lessOrEqual)
      },
      binaryMethod("gt", "1 where greater, else 0.") { try $0.compare($1, "gt", .greater) },
      binaryMethod("ge", "1 where greater or equal, else 0.") {
        try $0.compare($1, "ge", .greaterOrEqual)
      },
    ]
  }
}
