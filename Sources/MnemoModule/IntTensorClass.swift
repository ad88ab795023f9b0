import LuaBridge
import Tensors

/// `IntTensor` in Lua: token ids, counts, indices.
enum IntTensorClass {
  static var declaration: LuaClass {
    LuaClass(
      "IntTensor", for: IntTensor.self,
      "An array of 32-bit integers of any number of dimensions: token ids (from 1), counts. "
        + "t[i] is a view of row i, t[ids] the rows named by another; + - * broadcast.",
      methods: methods,
      metamethods: [
        "__add": { try binary($0, "+") { $0.addingReportingOverflow($1) } },
        "__sub": { try binary($0, "-") { $0.subtractingReportingOverflow($1) } },
        "__mul": { try binary($0, "*") { $0.multipliedReportingOverflow(by: $1) } },
        "__unm": { call in
          let tensor = try call.object(1, IntTensor.self)
          return call.returns(
            try IntTensor(shape: []).combine(tensor, "-") { $0.subtractingReportingOverflow($1) })
        },
        "__len": { call in
          let tensor = try call.object(1, IntTensor.self)
          guard let size = tensor.shape.first else {
            throw EngineError("#", "a 0-dimensional tensor has no length")
          }
          return call.returns(size)
        },
        "__tostring": { $0.returns(try $0.object(1, IntTensor.self).text) },
      ],
      index: { call in
        let tensor = try call.object(1, IntTensor.self)
        if call.isNumber(2) {
          return call.returns(
            try tensor.select(0, call.index(2, size: tensor.shape.first ?? 0)))
        }
        switch call.value(2) {
        case .object(let ids as IntTensor): return call.returns(try tensor.rows(ids.offset(by: -1)))
        case .string(let name): throw unknownMember("IntTensor", name, methods.map(\.shortName))
        default: throw call.failure(2, "integer or IntTensor expected, got \(call.typeName(2))")
        }
      },
      newindex: { call in
        let tensor = try call.object(1, IntTensor.self)
        if case .string(let name) = call.value(2) {
          throw EngineError("IntTensor", "'\(name)' cannot be set (only rows can)")
        }
        let row = try tensor.select(0, call.index(2, size: tensor.shape.first ?? 0))
        try row.copyInPlace(operand(call, 3))
        return call.returns()
      })
  }

  private static func operand(_ call: Call, _ position: Int) throws -> IntTensor {
    switch call.value(position) {
    case .object(let tensor as IntTensor): return tensor
    case .integer, .number: return IntTensor(shape: [], fill: try call.int32(position))
    default:
      throw call.failure(
        position,
        "IntTensor or integer expected, got \(call.typeName(position)); tensor() makes a Tensor")
    }
  }

  private static func binary(
    _ call: Call, _ name: String,
    _ operation: (Int32, Int32) -> (partialValue: Int32, overflow: Bool)
  ) throws -> Int {
    // With a Tensor on either side the result is one, as in NumPy.
    if let left = call.ifObject(1, Tensor.self) {
      return call.returns(try mixed(left, call.operand(2), name))
    }
    if let right = call.ifObject(2, Tensor.self) {
      return call.returns(try mixed(call.operand(1), right, name))
    }
    return call.returns(try operand(call, 1).combine(operand(call, 2), name, operation))
  }

  private static func mixed(_ left: Tensor, _ right: Tensor, _ name: String) throws -> Tensor {
    switch name {
    case "+": try left.add(right)
    case "-": try left.sub(right)
    default: try left.mul(right)
    }
  }

  /// Integers compare exactly with integers; beside a Tensor or a fraction they become Float32.
  private static func comparison(
    _ name: String, _ summary: String, _ holds: @escaping (Int32, Int32) -> Bool,
    _ holdsForFloats: @escaping (Float, Float) -> Bool
  ) -> Function {
    Function(
      name, summary,
      parameters: [
        Parameter(
          "other", .union([.object("IntTensor"), .object("Tensor"), .number]), "broadcasts")
      ],
      returns: "Tensor of 0 and 1", example: "print(mnemo.int_tensor{1, 2}:\(name)(2))"
    ) { call in
      let tensor = try call.object(1, IntTensor.self)
      let isFloat =
        call.isNumber(2)
        ? Int32(exactly: try call.number(2)) == nil : call.ifObject(2, IntTensor.self) == nil
      if isFloat {
        return call.returns(try tensor.tensor().compare(call.operand(2), name, holdsForFloats))
      }
      return call.returns(try tensor.compare(operand(call, 2), name, holds))
    }
  }

  private static func reduction(
    _ name: String, _ summary: String,
    _ operation: @escaping (IntTensor, Int?, Bool) throws -> IntTensor
  ) -> Function {
    Function(
      name, summary,
      parameters: [
        Parameter("d", .integer, "the dimension to reduce", default: "everything"),
        Parameter("keepdim", .boolean, "whether it stays, with size 1", default: "false"),
      ], returns: "IntTensor",
      example: "print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:\(name)(2))"
    ) { call in
      call.returns(
        try operation(
          call.object(1, IntTensor.self), call.optionalDimension(2),
          call.optionalBoolean(3) ?? false))
    }
  }

  private static let dimensionParameter = Parameter(
    "d", .integer, "a dimension, from 1 or, negative, from the end")

  private static var methods: [Function] {
    [
      Function(
        "shape", "The size of each dimension.", returns: "list of integers",
        example: "print(#mnemo.int_tensor{{1, 2}}:shape())"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).shape)
      },
      Function(
        "size", "The size of one dimension.", parameters: [dimensionParameter], returns: "integer",
        example: "print(mnemo.int_tensor{{1, 2}}:size(-1))"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).size(call.dimension(2)))
      },
      Function(
        "dim", "The number of dimensions.", returns: "integer",
        example: "print(mnemo.int_tensor{1, 2}:dim())"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).rank)
      },
      Function(
        "numel", "The number of elements.", returns: "integer",
        example: "print(mnemo.int_tensor{1, 2}:numel())"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).count)
      },
      Function(
        "item", "The only element of a tensor that has one.", returns: "integer",
        example: "print(mnemo.int_tensor{7}:item())"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).item())
      },
      Function(
        "totable", "The elements as lists of lists; a number if there are no dimensions.",
        returns: "table", example: "print(mnemo.int_tensor{4, 5}:totable()[1])"
      ) { call in
        let tensor = try call.object(1, IntTensor.self)
        return call.returns(NestedList.tree(tensor.elements().map(Int.init), tensor.shape))
      },
      Function(
        "tensor", "The elements as Float32, exact up to 2^24.", returns: "Tensor",
        example: "print(mnemo.int_tensor{1, 2}:tensor() / 2)"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).tensor())
      },
      Function(
        "narrow", "A view of a range of indices.",
        parameters: [
          dimensionParameter, Parameter("first", .integer, "the first index"),
          Parameter("length", .integer, "how many"),
        ], returns: "IntTensor", example: "print(mnemo.int_tensor{5, 6, 7}:narrow(1, 2, 2))"
      ) { call in
        let tensor = try call.object(1, IntTensor.self)
        let d = try call.dimension(2)
        return call.returns(
          try tensor.narrow(d, call.index(3, size: tensor.size(d)), call.integer(4)))
      },
      Function(
        "select", "A view at one index of a dimension, which disappears.",
        parameters: [dimensionParameter, Parameter("i", .integer, "the index")],
        returns: "IntTensor", example: "print(mnemo.int_tensor{{1, 2}, {3, 4}}:select(2, 1))"
      ) { call in
        let tensor = try call.object(1, IntTensor.self)
        let d = try call.dimension(2)
        return call.returns(try tensor.select(d, call.index(3, size: tensor.size(d))))
      },
      Function(
        "reshape", "The same elements in another shape; one size may be -1, what is left.",
        parameters: [
          Parameter(
            "size", .union([.integer, .list(.integer)]), "sizes, or a list of them", variadic: true)
        ],
        returns: "IntTensor", example: "print(mnemo.int_tensor{1, 2, 3, 4}:reshape(2, -1))"
      ) { call in call.returns(try call.object(1, IntTensor.self).reshape(call.sizes(from: 2))) },
      Function(
        "transpose", "A view with two dimensions exchanged.",
        parameters: [dimensionParameter, Parameter("e", .integer, "the other dimension")],
        returns: "IntTensor", example: "print(mnemo.int_tensor{{1, 2}}:transpose(1, 2))"
      ) { call in
        call.returns(
          try call.object(1, IntTensor.self).transpose(call.dimension(2), call.dimension(3)))
      },
      Function(
        "gather",
        "Elements chosen along a dimension: result[i][j] = t[i][ids[i][j]] for the last of two.",
        parameters: [
          dimensionParameter,
          Parameter("ids", .object("IntTensor"), "of t's shape but for that dimension"),
        ], returns: "IntTensor",
        example: "print(mnemo.int_tensor{{5, 6}}:gather(2, mnemo.int_tensor{{2}}))"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).gather(call.dimension(2), call.ids(3)))
      },
      Function(
        "get", "One element, as an integer.",
        parameters: [Parameter("i", .integer, "one index for each dimension", variadic: true)],
        returns: "integer", example: "print(mnemo.int_tensor{{1, 2}}:get(1, 2))"
      ) { call in
        let tensor = try call.object(1, IntTensor.self)
        guard call.count - 1 == tensor.rank else {
          throw EngineError(
            "get", "\(call.count - 1) indices for a tensor of shape \(tensor.shape)")
        }
        let place = try tensor.layout.place { try call.index($0 + 2, size: $1) }
        return call.returns(tensor.element(at: place))
      },
      Function(
        "t", "The transpose of a matrix, a view.", returns: "IntTensor",
        example: "print(mnemo.int_tensor{{1, 2}}:t())"
      ) { call in call.returns(try call.object(1, IntTensor.self).t()) },
      Function(
        "expand", "The tensor repeated to a shape by broadcasting, without copying.",
        parameters: [
          Parameter(
            "size", .union([.integer, .list(.integer)]), "sizes, or a list of them", variadic: true)
        ],
        returns: "IntTensor", example: "print(mnemo.int_tensor{1, 2}:expand(3, 2))"
      ) { call in call.returns(try call.object(1, IntTensor.self).expand(call.sizes(from: 2))) },
      Function(
        "contiguous", "This tensor if its elements lie side by side, else a copy.",
        returns: "IntTensor", example: "print(mnemo.int_tensor{{1, 2}}:t():contiguous())"
      ) { call in call.returns(try call.object(1, IntTensor.self).contiguous()) },
      Function(
        "clone", "A copy with a storage of its own.", returns: "IntTensor",
        example: "print(mnemo.int_tensor{1, 2}:clone())"
      ) { call in call.returns(try call.object(1, IntTensor.self).clone()) },
      FileFunctions.save("mnemo.int_tensor{1, 2}") { .int(try $0.object(1, IntTensor.self)) },
      reduction("sum", "The sum; leaving the range of 32 bits is an error.") {
        try $0.sum($1, keepDim: $2)
      },
      reduction("max", "The largest element.") { try $0.max($1, keepDim: $2) },
      reduction("min", "The smallest element.") { try $0.min($1, keepDim: $2) },
      comparison("eq", "1 where equal, else 0.", ==, ==),
      comparison("ne", "1 where different, else 0.", !=, !=),
      comparison("lt", "1 where less, else 0.", <, <),
      comparison("le", "1 where less or equal, else 0.", <=, <=),
      comparison("gt", "1 where greater, else 0.", >, >),
      comparison("ge", "1 where greater or equal, else 0.", >=, >=),
    ]
  }
}
