import LuaBridge
import Tensors

/// What `Tensor` and `IntTensor` have in common: elements in dimensions, and views of them.
protocol StridedTensor: Rearrangeable {
  associatedtype Scalar: LuaPushable

  var shape: [Int] { get }
  var rank: Int { get }
  var dtype: DType { get }
  var count: Int { get }
  func size(_ d: Int) throws -> Int
  func item() throws -> Scalar
  func element(at place: Int) -> Scalar
  func scalars() -> [Scalar]
  func t() throws -> Self
  func gather(_ d: Int, _ ids: IntTensor) throws -> Self
  func maskedSelect(_ mask: Tensor) throws -> Self
  func contiguous() throws -> Self
  func clone() throws -> Self
}

extension Tensor: StridedTensor {
  func scalars() -> [Float] { elements() }
}

extension IntTensor: StridedTensor {
  func scalars() -> [Int] { elements().map(Int.init) }
}

/// The methods that `Tensor` and `IntTensor` share.
enum StridedMethods {
  static let dimension = LuaParameter(
    "d", .integer, "a dimension, from 1 or, negative, from the end")
  static let sizes = LuaParameter(
    "size", .union([.integer, .list(.integer)]), "sizes, or a list of them", variadic: true)

  /// The methods of one class.
  /// - Parameters:
  ///   - type: the Swift class.
  ///   - name: its name in Lua.
  ///   - maker: the function that makes one of a list, for examples.
  /// - Returns: the declarations.
  static func of<T: StridedTensor>(_ type: T.Type, _ name: String, maker: String) -> [LuaFunction] {
    shape(type, "\(maker){{1, 2, 3}, {4, 5, 6}}")
      + elements(type, "\(maker){{1, 2, 3}, {4, 5, 6}}")
      + views(type, name, "\(maker){{1, 2, 3}, {4, 5, 6}}")
      + rearrangements(type, name, "\(maker){{1, 2, 3}, {4, 5, 6}}")
      + arrangements(type, name, "\(maker){{1, 2, 3}, {4, 5, 6}}")
  }

  private static func shape<T: StridedTensor>(_ type: T.Type, _ some: String) -> [LuaFunction] {
    [
      LuaFunction(
        "shape", "The size of each dimension.", returns: [.list(.integer)],
        example: "print(table.unpack(\(some):shape()))"
      ) { call in call.returns(try call.object(1, type).shape) },
      LuaFunction(
        "size", "The size of one dimension.", parameters: [dimension], returns: [.integer],
        example: "print(\(some):size(-1))"
      ) { call in call.returns(try call.object(1, type).size(call.dimension(2))) },
      LuaFunction(
        "dim", "The number of dimensions.", returns: [.integer], example: "print(\(some):dim())"
      ) { call in call.returns(try call.object(1, type).rank) },
      LuaFunction(
        "numel", "The number of elements.", returns: [.integer], example: "print(\(some):numel())"
      ) { call in call.returns(try call.object(1, type).count) },
      LuaFunction(
        "dtype", "How the elements are stored: float32, float16, bfloat16 or int32.",
        returns: [.string], example: "print(\(some):dtype())"
      ) { call in call.returns(try call.object(1, type).dtype.rawValue) },
    ]
  }

  private static func elements<T: StridedTensor>(_ type: T.Type, _ some: String) -> [LuaFunction] {
    [
      LuaFunction(
        "item", "The only element of a tensor that has one, as a number.", returns: [.number],
        example: "print(\(some)[1][2]:item())"
      ) { call in call.returns(try call.object(1, type).item()) },
      LuaFunction(
        "get", "One element, as a number.",
        parameters: [LuaParameter("i", .integer, "one index for each dimension", variadic: true)],
        returns: [.number], example: "print(\(some):get(1, 2))"
      ) { call in
        let tensor = try call.object(1, type)
        guard call.count - 1 == tensor.rank else {
          throw EngineError(
            "get", "\(call.count - 1) indices for a tensor of shape \(tensor.shape)")
        }
        let place = try tensor.layout.place { try call.index($0 + 2, size: $1) }
        return call.returns(tensor.element(at: place))
      },
      LuaFunction(
        "totable", "The elements as lists of lists; a number if there are no dimensions.",
        returns: [.table], example: "print(\(some):totable()[2][1])"
      ) { call in
        let tensor = try call.object(1, type)
        try NestedList.checkMemory(tensor.shape, in: call.lua)
        return call.returns(NestedList.tree(tensor.scalars(), tensor.shape))
      },
    ]
  }

  private static func views<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    [
      LuaFunction(
        "narrow", "A view of a range of indices.",
        parameters: [
          dimension, LuaParameter("first", .integer, "the first index"),
          LuaParameter("length", .integer, "how many"),
        ], returns: [.object(name)], example: "print(\(some):narrow(2, 2, 2))"
      ) { call in
        let tensor = try call.object(1, type)
        let d = try call.dimension(2)
        return call.returns(
          try tensor.narrow(d, call.index(3, size: tensor.size(d)), call.integer(4)))
      },
      LuaFunction(
        "select", "A view at one index of a dimension, which disappears.",
        parameters: [dimension, LuaParameter("i", .integer, "the index")], returns: [.object(name)],
        example: "print(\(some):select(2, 1))"
      ) { call in
        let tensor = try call.object(1, type)
        let d = try call.dimension(2)
        return call.returns(try tensor.select(d, call.index(3, size: tensor.size(d))))
      },
      LuaFunction(
        "expand",
        "The tensor repeated to a shape by broadcasting, without copying; a size of -1 stays.",
        parameters: [sizes], returns: [.object(name)], example: "print(\(some)[1]:expand(2, -1))"
      ) { call in call.returns(try call.object(1, type).expand(call.sizes(from: 2))) },
      LuaFunction(
        "transpose", "A view with two dimensions exchanged.",
        parameters: [dimension, LuaParameter("e", .integer, "the other dimension")],
        returns: [.object(name)],
        example: "print(\(some):transpose(1, 2))"
      ) { call in
        call.returns(try call.object(1, type).transpose(call.dimension(2), call.dimension(3)))
      },
      LuaFunction(
        "t", "The transpose of a matrix, a view.", returns: [.object(name)],
        example: "print(\(some):t())"
      ) { call in call.returns(try call.object(1, type).t()) },
    ]
  }

  private static func rearrangements<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    [
      LuaFunction(
        "reshape", "The same elements in another shape; one size may be -1, what is left.",
        parameters: [sizes], returns: [.object(name)], example: "print(\(some):reshape(3, -1))"
      ) { call in call.returns(try call.object(1, type).reshape(call.sizes(from: 2))) },
      LuaFunction(
        "gather",
        "Elements chosen along a dimension: result[i][j] = t[i][ids[i][j]] for the last of two.",
        parameters: [
          dimension,
          LuaParameter("ids", .object("IntTensor"), "of t's shape but for that dimension"),
        ], returns: [.object(name)],
        example: "print(\(some):gather(2, mnemo.int_tensor{{2}, {1}}))"
      ) { call in
        call.returns(try call.object(1, type).gather(call.dimension(2), call.ids(3)))
      },
      LuaFunction(
        "masked_select", "The elements where a mask is not 0, in row-major order, as a vector.",
        parameters: [LuaParameter("mask", .object("Tensor"), "0/1 weights of t's shape")],
        returns: [.object(name)], example: "print(\(some):masked_select(\(some):gt(2)))"
      ) { call in
        call.returns(try call.object(1, type).maskedSelect(call.object(2, Tensor.self)))
      },
      LuaFunction(
        "contiguous", "This tensor if its elements lie side by side, else a copy.",
        returns: [.object(name)], example: "print(\(some):t():contiguous())"
      ) { call in call.returns(try call.object(1, type).contiguous()) },
      LuaFunction(
        "clone",
        "A copy with a storage of its own. Where gradients are recorded, that of a copy comes back "
          + "as it is; detach():clone() cuts the history.",
        returns: [.object(name)],
        example: "print(\(some):clone())"
      ) { call in call.returns(try call.object(1, type).clone()) },
    ]
  }
}
