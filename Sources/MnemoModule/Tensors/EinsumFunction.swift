import LuaBridge
import Tensors

/// `mnemo.einsum`.
enum EinsumFunction {
  static var declaration: LuaFunction {
    LuaFunction(
      "einsum",
      "Sums of products by Einstein's notation. A letter stands for each dimension of each operand; "
        + "the result's element at some letters after -> is the sum over all other letters of the "
        + "operands' elements' product. A letter that stands twice in an operand means its diagonal. "
        + "Without -> the result has the letters that stand once in all, in alphabetical order, "
        + "capital ones first. A product of two operands is one of matrices; up to six are multiplied "
        + "in the order that takes the fewest multiplications. What only rearranges an operand is a "
        + "view of it. Sizes of one letter are equal, 1 does not broadcast.",
      parameters: [
        LuaParameter("equation", .string, "a term of letters for each operand: \"bij,bjk->bik\""),
        LuaParameter("operand", .object("Tensor"), "one for each term", variadic: true),
      ], returns: [.object("Tensor")],
      example: """
        local A, B = mnemo.ones(2, 3), mnemo.ones(3, 4)
        print(mnemo.einsum("ij,jk->ik", A, B))
        print(mnemo.einsum("ii", mnemo.eye(3)):item())
        """
    ) { call in
      let equation = try call.string(1)
      let operands = try (2..<max(2, call.count + 1)).map { try call.object($0, Tensor.self) }
      return call.returns(try Tensor.einsum(equation, operands))
    }
  }
}
