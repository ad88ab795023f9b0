import LuaBridge
import TensorFiles
import Tensors

/// `Tensor` in Lua: its methods, operators, indexing and text.
enum TensorClass {
  static func declaration(_ session: ModuleState) -> LuaClass {
    let methods =
      StridedMethods.of(Tensor.self, "Tensor", maker: "mnemo.tensor")
      + [FileFunctions.save("mnemo.eye(2)") { .float(try $0.object(1, Tensor.self)) }]
      + numberTypes + arithmetic + reductions + sorting + gradients + inPlace(session)
      + diagonals
      + Indexing.methods(of: Tensor.self, "Tensor", maker: "mnemo.tensor")
    return LuaClass(
      "Tensor", for: Tensor.self,
      "An array of Float32 numbers of any number of dimensions, with reverse-mode differentiation. "
        + "t[i] is a view of row i, t[{{1, 3}, {}, 2}] one of ranges (from 1 to 3, all) and "
        + "indices, one entry for each dimension, t[ids] the rows named by an IntTensor, t[mask] "
        + "those where a Tensor of 0 and 1 is 1; each can be assigned to, and gradients come back "
        + "to what was assigned. A loop of ipairs visits all rows, while t[i] of a row that is not "
        + "there is an error. + - * / ^ % // broadcast as NumPy's do. Dimensions and indices count "
        + "from 1, negative ones from the end. Numbers of 16 bits, from files or from half() and "
        + "bfloat16(), can be read like any other but not changed or trained; what is computed "
        + "from them is Float32.",
      methods: methods,
      fields: [
        LuaParameter("grad", .object("Tensor"), "the gradient that backward() accumulated, or nil")
      ],
      metamethods: [
        "__add": { try binary($0) { try $0.add($1) } },
        "__sub": { try binary($0) { try $0.sub($1) } },
        "__mul": { try binary($0) { try $0.mul($1) } },
        "__div": { try binary($0) { try $0.div($1) } },
        "__pow": { try binary($0) { try $0.pow($1) } },
        "__mod": { try binary($0) { try $0.remainder($1) } },
        "__idiv": { try binary($0) { try $0.floorDivide($1) } },
        "__lt": { _ in throw comparison("<", "lt") },
        "__le": { _ in throw comparison("<=", "le") },
        "__unm": { $0.returns(try $0.object(1, Tensor.self).neg()) },
        "__len": { call in
          let tensor = try call.object(1, Tensor.self)
          guard let size = tensor.shape.first else {
            throw EngineError("#", "a 0-dimensional tensor has no length")
          }
          return call.returns(size)
        },
        "__tostring": { $0.returns(try $0.object(1, Tensor.self).text(session.printOptions)) },
      ],
      index: { call in
        let tensor = try call.object(1, Tensor.self)
        if call.isNumber(2) {
          guard let i = try call.row(of: tensor.shape) else { return call.returns(LuaValue.nil) }
          return call.returns(try tensor.select(0, i))
        }
        switch call.value(2) {
        case .string("grad"): return call.returns(tensor.grad.map(LuaObject.init))
        case .string(let name):
          throw unknownMember("Tensor", name, methods.map(\.shortName) + ["grad"])
        default: return call.returns(try Indexing.part(of: tensor, call))
        }
      },
      newindex: { call in
        let tensor = try call.object(1, Tensor.self)
        if case .string(let name) = call.value(2) {
          guard name == "grad" else {
            throw EngineError("Tensor", "'\(name)' cannot be set (only grad and elements can)")
          }
          guard let grad = try call.optionalObject(3, Tensor.self) else {
            tensor.grad = nil
            return call.returns()
          }
          guard grad.shape == tensor.shape else {
            throw EngineError(
              "grad", "needs shape \(tensor.shape), as the tensor, got \(grad.shape)")
          }
          // Its numbers without its graph: x.grad = x, or a gradient computed from x, would keep
          // itself alive for ever.
          tensor.grad = grad.detach()
          return call.returns()
        }
        try tensor.checkInPlace("t[i] = v")
        try Indexing.write(call, into: tensor)
        return call.returns()
      })
  }

  /// Why an operator that Lua makes a boolean of is refused: a tensor would always count as true.
  private static func comparison(_ sign: String, _ method: String) -> EngineError {
    let (greater, other) = method == "lt" ? (">", "gt") : (">=", "ge")
    return EngineError(
      sign,
      "Lua makes a boolean of what it gives, not a tensor of 0 and 1; use a:\(method)(b), or "
        + "a:\(other)(b) for a \(greater) b")
  }

  private static func binary(
    _ call: LuaCall, _ operation: (Tensor, Tensor) throws -> Tensor
  ) throws -> Int {
    call.returns(try operation(call.operand(1), call.operand(2)))
  }
}
