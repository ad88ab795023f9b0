import LuaBridge
import Tensors

// Diagonals of matrices, and what lies on either side of them.
extension TensorClass {
  private static let matrix = "mnemo.arange(9):reshape(3, 3)"
  private static let offset = LuaParameter(
    "k", .integer, "which diagonal: 1 is the one above the main one, -1 the one below",
    default: "0")

  private static func triangle(
    _ name: String, _ summary: String, _ operation: @escaping (Tensor, Int) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary, parameters: [offset], returns: [LuaResult(.object("Tensor"), "a copy")],
      example: "print(\(matrix):\(name)())"
    ) { call in
      call.returns(try operation(call.object(1, Tensor.self), call.optionalInteger(2) ?? 0))
    }
  }

  static var diagonals: [LuaFunction] {
    [
      triangle(
        "tril",
        "The elements on a diagonal and below it, 0 elsewhere; matrices lie in the last two "
          + "dimensions."
      ) { try $0.tril($1) },
      triangle(
        "triu",
        "The elements on a diagonal and above it, 0 elsewhere; matrices lie in the last two "
          + "dimensions."
      ) { try $0.triu($1) },
      LuaFunction(
        "diag",
        "Of a vector, the square matrix with it on a diagonal and 0 elsewhere; of a matrix, that "
          + "diagonal, a view.",
        parameters: [offset], returns: [.object("Tensor")],
        example: "print(mnemo.tensor{1, 2}:diag())\nprint(\(matrix):diag(1))"
      ) { call in
        call.returns(try call.object(1, Tensor.self).diag(call.optionalInteger(2) ?? 0))
      },
      LuaFunction(
        "diagonal",
        "A view of a diagonal of two dimensions, as the last dimension in place of both; empty "
          + "where it misses them.",
        parameters: [
          offset, LuaParameter("d", .integer, "the dimension of rows", default: "1"),
          LuaParameter("e", .integer, "the dimension of columns", default: "2"),
        ], returns: [.object("Tensor")], example: "print(\(matrix):diagonal(-1))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).diagonal(
            call.optionalInteger(2) ?? 0, call.optionalDimension(3) ?? 0,
            call.optionalDimension(4) ?? 1))
      },
      LuaFunction(
        "trace", "The sum of a matrix's main diagonal.",
        returns: [LuaResult(.object("Tensor"), "0-dimensional")],
        example: "print(\(matrix):trace():item())"
      ) { call in call.returns(try call.object(1, Tensor.self).trace()) },
    ]
  }
}
