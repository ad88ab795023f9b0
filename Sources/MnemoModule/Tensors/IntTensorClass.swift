import LuaBridge
import TensorFiles
import Tensors

/// `IntTensor` in Lua: token ids, counts, indices.
enum IntTensorClass {
  static func declaration(_ session: ModuleState) -> LuaClass {
    let methods = Self.methods + inPlace(session)
    return LuaClass(
      "IntTensor", for: IntTensor.self,
      "An array of 32-bit integers of any number of dimensions: token ids (from 1), counts. "
        + "t[i] is a view of row i, t[{{1, 3}, {}, 2}] one of ranges (from 1 to 3, all) and "
        + "indices, one entry for each dimension, t[ids] the rows named by another, t[mask] those "
        + "where a Tensor of 0 and 1 is 1; each can be assigned to. A loop of ipairs visits all "
        + "rows. + - * // % broadcast, the last two as Lua's; / gives a Tensor.",
      methods: methods,
      metamethods: [
        "__add": { call in
          try binary(call, { try $0.add($1) }) {
            try $0.combine($1, "+") { $0.addingReportingOverflow($1) }
          }
        },
        "__sub": { call in
          try binary(call, { try $0.sub($1) }) {
            try $0.combine($1, "-") { $0.subtractingReportingOverflow($1) }
          }
        },
        "__mul": { call in
          try binary(call, { try $0.mul($1) }) {
            try $0.combine($1, "*") { $0.multipliedReportingOverflow(by: $1) }
          }
        },
        "__div": { $0.returns(try $0.operand(1).div($0.operand(2))) },
        "__idiv": { call in
          try binary(call, { try $0.floorDivide($1) }) { try $0.floorDivide($1) }
        },
        "__mod": { call in
          try binary(call, { try $0.remainder($1) }) { try $0.remainder($1) }
        },
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
        "__tostring": { $0.returns(try $0.object(1, IntTensor.self).text(session.printOptions)) },
      ],
      index: { call in
        let tensor = try call.object(1, IntTensor.self)
        if call.isNumber(2) {
          guard let i = try call.row(of: tensor.shape) else { return call.returns(LuaValue.nil) }
          let row = try tensor.select(0, i)
          session.tokenSources.inherit(row, from: tensor)
          return call.returns(row)
        }
        switch call.value(2) {
        case .string(let name): throw unknownMember("IntTensor", name, methods.map(\.shortName))
        default:
          let part = try Indexing.part(of: tensor, call)
          session.tokenSources.inherit(part, from: tensor)
          return call.returns(part)
        }
      },
      newindex: { call in
        let tensor = try call.object(1, IntTensor.self)
        if case .string(let name) = call.value(2) {
          throw EngineError("IntTensor", "'\(name)' cannot be set (only elements can)")
        }
        try Indexing.write(call, into: tensor)
        return call.returns()
      })
  }

  /// An IntTensor, or a whole number as a 0-dimensional one.
  static func operand(_ call: LuaCall, _ position: Int) throws -> IntTensor {
    switch call.value(position) {
    case .object(let tensor as IntTensor): return tensor
    case .integer, .number: return try IntTensor(shape: [], fill: try call.int32(position))
    default:
      throw call.failure(
        position,
        "IntTensor or integer expected, got \(call.typeName(position)); tensor() makes a Tensor")
    }
  }

  /// With a Tensor on either side the result is one, as in NumPy.
  private static func binary(
    _ call: LuaCall, _ numbers: (Tensor, Tensor) throws -> Tensor,
    _ integers: (IntTensor, IntTensor) throws -> IntTensor
  ) throws -> Int {
    if call.ifObject(1, Tensor.self) != nil || call.ifObject(2, Tensor.self) != nil {
      return call.returns(try numbers(call.operand(1), call.operand(2)))
    }
    return call.returns(try integers(operand(call, 1), operand(call, 2)))
  }

  /// Integers compare exactly with integers; beside a Tensor or a fraction they become Float32.
  private static func comparison(
    _ name: String, _ summary: String, _ comparison: Comparison
  ) -> LuaFunction {
    LuaFunction(
      name, summary,
      parameters: [
        LuaParameter(
          "other", .union([.object("IntTensor"), .object("Tensor"), .number]), "broadcasts")
      ],
      returns: [LuaResult(.object("Tensor"), "of 0 and 1")],
      example: "print(mnemo.int_tensor{1, 2}:\(name)(2))"
    ) { call in
      let tensor = try call.object(1, IntTensor.self)
      let isFloat =
        call.isNumber(2)
        ? Int32(exactly: try call.number(2)) == nil : call.ifObject(2, IntTensor.self) == nil
      if isFloat {
        return call.returns(try tensor.tensor().compare(call.operand(2), name, comparison))
      }
      return call.returns(try tensor.compare(operand(call, 2), name, comparison))
    }
  }

  private static var methods: [LuaFunction] {
    let maker = "mnemo.int_tensor"
    let shared =
      StridedMethods.of(IntTensor.self, "IntTensor", maker: maker)
      + Indexing.methods(of: IntTensor.self, "IntTensor", maker: maker)
    return shared + reductions + elementwise + [
      LuaFunction(
        "tensor", "The elements as Float32, exact up to 2^24.", returns: [.object("Tensor")],
        example: "print(mnemo.int_tensor{1, 2}:tensor() / 2)"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).tensor())
      },
      LuaFunction(
        "float", "The same as tensor(), under the name that Tensor has for it.",
        returns: [.object("Tensor")], example: "print(mnemo.int_tensor{1, 2}:float() / 2)"
      ) { call in
        call.returns(try call.object(1, IntTensor.self).tensor())
      },
      FileFunctions.save("mnemo.int_tensor{1, 2}") { .int(try $0.object(1, IntTensor.self)) },
      comparison("eq", "1 where equal, else 0.", .equal),
      comparison("ne", "1 where different, else 0.", .notEqual),
      comparison("lt", "1 where less, else 0.", .less),
      comparison("le", "1 where less or equal, else 0.", .lessOrEqual),
      comparison("gt", "1 where greater, else 0.", .greater),
      comparison("ge", "1 where greater or equal, else 0.", .greaterOrEqual),
    ]
  }
}
