import LuaBridge
import Tensors

/// `mnemo.linalg`: decompositions and linear systems.
enum LinearAlgebraFunctions {
  private static let matrix = LuaParameter("A", .object("Tensor"), "a matrix [m, n]")

  /// The name or the order of a norm.
  private static func norm(_ call: LuaCall, _ position: Int) throws -> LinearAlgebra.Norm {
    guard call.has(position) else { return .frobenius }
    if call.isNumber(position) { return .order(try call.number(position)) }
    switch call.value(position) {
    case .string("fro"): return .frobenius
    case .string("nuc"): return .nuclear
    case .string(let name):
      throw call.failure(position, "\"fro\", \"nuc\" or number expected, got \"\(name)\"")
    default:
      throw call.failure(
        position, "\"fro\", \"nuc\" or number expected, got \(call.typeName(position))")
    }
  }

  static var functions: [LuaFunction] {
    [
      LuaFunction(
        "linalg.svd",
        "The thin singular value decomposition A = U diag(S) Vᵀ. U [m, k] and V [n, k] (not its "
          + "transpose) have orthonormal columns, S [k] descends, k is the smaller of m and n. In "
          + "every column of U the entry of largest absolute value is positive. S has a gradient "
          + "always, U and V where the singular values that count differ by more than 1e-5 of the "
          + "largest, and are not 0 unless A is square; else backward is an error that names them.",
        parameters: [matrix],
        returns: [
          LuaResult(.object("Tensor"), name: "U"), LuaResult(.object("Tensor"), name: "S"),
          LuaResult(.object("Tensor"), name: "V"),
        ],
        example: """
          local U, S, V = mnemo.linalg.svd(mnemo.tensor{{2, 0}, {0, 3}, {0, 0}})
          print((U * S):matmul(V:t()))
          """
      ) { call in
        let (u, s, v) = try LinearAlgebra.svd(call.object(1, Tensor.self))
        return call.returns(u, s, v)
      },
      LuaFunction(
        "linalg.qr",
        "The thin decomposition A = Q R. Q [m, k] has orthonormal columns, R [k, n] is zero below "
          + "its diagonal, which is not negative; k is the smaller of m and n. There is a gradient "
          + "where the first k columns of A are independent; else backward is an error.",
        parameters: [matrix],
        returns: [
          LuaResult(.object("Tensor"), name: "Q"), LuaResult(.object("Tensor"), name: "R"),
        ],
        example: "local Q, R = mnemo.linalg.qr(mnemo.tensor{{3, 1}, {4, 2}})\nprint(Q:matmul(R))"
      ) { call in
        let (q, r) = try LinearAlgebra.qr(call.object(1, Tensor.self))
        return call.returns(q, r)
      },
      LuaFunction(
        "linalg.eigh",
        "Eigenvalues and eigenvectors of a symmetric matrix: A = X diag(values) Xᵀ. The values [n] "
          + "ascend; the vectors are the columns of X [n, n]. In every eigenvector the entry of "
          + "largest absolute value is positive. The values have a gradient always, the vectors "
          + "where the values that count differ by more than 1e-5 of the largest; else backward is "
          + "an error that names them. The gradient is symmetric.",
        parameters: [LuaParameter("A", .object("Tensor"), "a symmetric matrix [n, n]")],
        returns: [
          LuaResult(.object("Tensor"), name: "values"),
          LuaResult(.object("Tensor"), name: "vectors"),
        ],
        example: """
          local values, vectors = mnemo.linalg.eigh(mnemo.tensor{{2, 1}, {1, 2}})
          print(values, vectors:select(2, 1))
          """
      ) { call in
        let (values, vectors) = try LinearAlgebra.eigh(call.object(1, Tensor.self))
        return call.returns(values, vectors)
      },
      LuaFunction(
        "linalg.solve",
        "The solution X of A X = B for a square matrix A [n, n], with gradients for A and B.",
        parameters: [
          LuaParameter("A", .object("Tensor"), "a square matrix [n, n], not singular"),
          LuaParameter("B", .object("Tensor"), "a vector [n] or a matrix [n, r]"),
        ], returns: [LuaResult(.object("Tensor"), "of B's shape")],
        example: "print(mnemo.linalg.solve(mnemo.tensor{{2, 0}, {0, 4}}, mnemo.tensor{1, 1}))"
      ) { call in
        call.returns(
          try LinearAlgebra.solve(call.object(1, Tensor.self), call.object(2, Tensor.self)))
      },
      LuaFunction(
        "linalg.inv",
        "The inverse of a square matrix, with its gradient. linalg.solve(A, B) is more exact than "
          + "inv(A):matmul(B).",
        parameters: [LuaParameter("A", .object("Tensor"), "a square matrix [n, n], not singular")],
        returns: [LuaResult(.object("Tensor"), "[n, n]")],
        example: "print(mnemo.linalg.inv(mnemo.tensor{{2, 0}, {0, 4}}))"
      ) { call in call.returns(try LinearAlgebra.inv(call.object(1, Tensor.self))) },
      LuaFunction(
        "linalg.pinv",
        "The pseudo-inverse of Moore and Penrose. Singular values up to the tolerance of "
          + "linalg.matrix_rank count as 0. The gradient is that for matrices of the same rank.",
        parameters: [matrix], returns: [LuaResult(.object("Tensor"), "[n, m]")],
        example: "print(mnemo.linalg.pinv(mnemo.tensor{{2, 0}, {0, 0}, {0, 4}}))"
      ) { call in call.returns(try LinearAlgebra.pinv(call.object(1, Tensor.self))) },
      LuaFunction(
        "linalg.lstsq",
        "The X that makes A X − B smallest, and of these the one of smallest norm: pinv(A) B. With "
          + "gradients for A and B.",
        parameters: [
          LuaParameter("A", .object("Tensor"), "a matrix [m, n] of any rank"),
          LuaParameter("B", .object("Tensor"), "a vector [m] or a matrix [m, r]"),
        ], returns: [LuaResult(.object("Tensor"), "[n] or [n, r]")],
        example: """
          local A = mnemo.tensor{{1, 1}, {1, 2}, {1, 3}}
          print(mnemo.linalg.lstsq(A, mnemo.tensor{1, 2, 2})) -- intercept and slope
          """
      ) { call in
        call.returns(
          try LinearAlgebra.lstsq(call.object(1, Tensor.self), call.object(2, Tensor.self)))
      },
      LuaFunction(
        "linalg.cholesky",
        "The lower triangle L of A = L Lᵀ for a positive definite matrix, with its gradient, which "
          + "is symmetric.",
        parameters: [LuaParameter("A", .object("Tensor"), "a symmetric matrix [n, n]")],
        returns: [LuaResult(.object("Tensor"), "[n, n], zero above the diagonal")],
        example: "print(mnemo.linalg.cholesky(mnemo.tensor{{4, 2}, {2, 5}}))"
      ) { call in call.returns(try LinearAlgebra.cholesky(call.object(1, Tensor.self))) },
      LuaFunction(
        "linalg.det",
        "The determinant of a square matrix, with its gradient. linalg.slogdet does not overflow.",
        parameters: [LuaParameter("A", .object("Tensor"), "a square matrix [n, n]")],
        returns: [LuaResult(.object("Tensor"), "0-dimensional")],
        example: "print(mnemo.linalg.det(mnemo.tensor{{1, 2}, {3, 4}}))"
      ) { call in call.returns(try LinearAlgebra.det(call.object(1, Tensor.self))) },
      LuaFunction(
        "linalg.slogdet",
        "The sign of a determinant (−1, 0 or 1) and the logarithm of its absolute value (−∞ for a "
          + "singular matrix), which has a gradient unless the matrix is singular.",
        parameters: [LuaParameter("A", .object("Tensor"), "a square matrix [n, n]")],
        returns: [
          LuaResult(.object("Tensor"), name: "sign"),
          LuaResult(.object("Tensor"), name: "logarithm"),
        ],
        example: "print(mnemo.linalg.slogdet(mnemo.tensor{{1, 2}, {3, 4}}))"
      ) { call in
        let (sign, logarithm) = try LinearAlgebra.slogdet(call.object(1, Tensor.self))
        return call.returns(sign, logarithm)
      },
      LuaFunction(
        "linalg.norm",
        "A norm of a matrix, with its gradient: \"fro\", the square root of the sum of squares; "
          + "\"nuc\", the sum of the singular values; 2, the largest of them; 1 and math.huge, the "
          + "largest sum of absolute values of a column and of a row; −2, −1 and −math.huge, the "
          + "smallest of these. Of a vector, t:norm() is one.",
        parameters: [
          matrix,
          LuaParameter(
            "order", .union([.choice(["fro", "nuc"]), .number]), "which", default: "\"fro\""),
        ], returns: [LuaResult(.object("Tensor"), "0-dimensional")],
        example: "print(mnemo.linalg.norm(mnemo.tensor{{3, 0}, {0, 4}}, \"nuc\"))"
      ) { call in
        call.returns(try LinearAlgebra.norm(call.object(1, Tensor.self), norm(call, 2)))
      },
      LuaFunction(
        "linalg.matrix_rank", "The number of singular values above a tolerance.",
        parameters: [
          matrix,
          LuaParameter(
            "tolerance", .number, "the largest that does not count",
            default: "the larger of m and n times 2⁻²³ of the largest singular value"),
        ], returns: [.integer],
        example: "print(mnemo.linalg.matrix_rank(mnemo.tensor{{1, 2}, {2, 4}}))"
      ) { call in
        call.returns(
          try LinearAlgebra.matrixRank(
            call.object(1, Tensor.self), tolerance: call.optionalNumber(2)))
      },
      LuaFunction(
        "linalg.rank_truncate",
        "The matrix of at most a given rank that is nearest to W. Its largest singular values are "
          + "kept, the others set to 0. There is a gradient where linalg.svd has one.",
        parameters: [
          LuaParameter("W", .object("Tensor"), "a matrix [m, n]"),
          LuaParameter("rank", .integer, "from 0 to the smaller of m and n"),
        ], returns: [LuaResult(.object("Tensor"), "[m, n]")],
        example: "print(mnemo.linalg.rank_truncate(mnemo.tensor{{3, 0}, {0, 1}}, 1))"
      ) { call in
        call.returns(
          try LinearAlgebra.rankTruncate(call.object(1, Tensor.self), call.integer(2)))
      },
    ]
  }
}
