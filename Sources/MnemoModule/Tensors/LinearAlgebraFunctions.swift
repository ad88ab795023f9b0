import LuaBridge
import Tensors

/// `mnemo.linalg`: decompositions and linear systems.
enum LinearAlgebraFunctions {
  private static let matrix = LuaParameter("A", .object("Tensor"), "a matrix [m, n]")

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
