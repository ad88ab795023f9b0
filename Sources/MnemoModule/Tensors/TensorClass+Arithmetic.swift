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
      unary("expm1", "e^x - 1, exact where x is small.") { try $0.expm1() },
      unary("log", "Natural logarithm.") { try $0.log() },
      unary("log2", "Logarithm to the base 2.") { try $0.log2() },
      unary("log10", "Logarithm to the base 10.") { try $0.log10() },
      unary("log1p", "log(1 + x), exact where x is small.") { try $0.log1p() },
      unary("sqrt", "Square root.") { try $0.sqrt() },
      unary("rsqrt", "1 / sqrt(x).") { try $0.rsqrt() },
      unary("reciprocal", "1 / x.") { try $0.reciprocal() },
      unary("abs", "Absolute value.") { try $0.abs() },
      unary("sign", "1 above 0, -1 below, 0 at 0 and of nan; the gradient is 0.") {
        try $0.sign()
      },
      unary("floor", "The largest integer that is not above x; the gradient is 0.") {
        try $0.floor()
      },
      unary("ceil", "The smallest integer that is not below x; the gradient is 0.") {
        try $0.ceil()
      },
      unary("round", "The nearest integer, of two as near the even one; the gradient is 0.") {
        try $0.round()
      },
      unary("sin", "Sine.") { try $0.sin() },
      unary("cos", "Cosine.") { try $0.cos() },
      unary("tanh", "Hyperbolic tangent.") { try $0.tanh() },
      unary("erf", "The error function.") { try $0.erf() },
      unary("sigmoid", "1 / (1 + e^-x).") { try $0.sigmoid() },
      unary("silu", "x / (1 + e^-x), also called swish.") { try $0.silu() },
      unary("softplus", "log(1 + e^x), which never overflows.") { try $0.softplus() },
      unary("relu", "max(x, 0).") { try $0.relu() },
      unary("gelu", "x times the normal distribution function of x (the exact form).") {
        try $0.gelu()
      },
      unary("square", "x².") { try $0.square() },
      unary("isnan", "1 where x is not a number, else 0.") { try $0.isNaN() },
      unary("isfinite", "1 where x is a number and not infinite, else 0.") {
        try $0.isFinite()
      },
      unary("isinf", "1 where x is infinite, else 0.") { try $0.isInfinite() },
      LuaFunction(
        "clamp", "x limited to a range, or on one side alone.",
        parameters: [
          LuaParameter("low", .number, "the lower limit; nil for none", default: "none"),
          LuaParameter("high", .number, "the upper limit", default: "none"),
        ],
        returns: [.object("Tensor")],
        example: "local x = mnemo.tensor{-2, 0.5, 3}\nprint(x:clamp(0, 1), x:clamp(nil, 1))"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        let (low, high) = (try call.optionalNumber(2), try call.optionalNumber(3))
        guard low != nil || high != nil else {
          throw call.failure(2, "a lower or an upper limit expected, got none")
        }
        return call.returns(
          try tensor.clamp(Float(low ?? -.infinity), Float(high ?? .infinity)))
      },
      binaryMethod("pow", "x to the power of another, as x ^ y.") { try $0.pow($1) },
      binaryMethod(
        "remainder",
        "What division leaves, with the sign of the divisor, as x % y; nan where that is 0."
      ) { try $0.remainder($1) },
      binaryMethod(
        "floor_divide",
        "The quotient rounded down, as x // y; has no gradient."
      ) { try $0.floorDivide($1) },
      binaryMethod("maximum", "The larger of two, elementwise.") { try $0.maximum($1) },
      binaryMethod("minimum", "The smaller of two, elementwise.") { try $0.minimum($1) },
      binaryMethod(
        "eq",
        "1 where equal, else 0. Of such results a * b is and, a:maximum(b) is or, 1 - a is not."
      ) { try $0.compare($1, "eq", .equal) },
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
