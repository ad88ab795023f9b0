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
    return LuaClass(
      "Tensor", for: Tensor.self,
      "An array of Float32 numbers of any number of dimensions, with reverse-mode differentiation. "
        + "t[i] is a view of row i, t[ids] the rows named by an IntTensor; a loop of ipairs visits "
        + "all rows, while t[i] of a row that is not there is an error. + - * / ^ broadcast as "
        + "NumPy's do. Dimensions and indices count from 1, negative ones from the end. Numbers of "
        + "16 bits, from files or from half() and bfloat16(), can be read like any other but not "
        + "changed or trained; what is computed from them is Float32.",
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
        case .object(let ids as IntTensor): return call.returns(try tensor.rows(ids.offset(by: -1)))
        case .string("grad"): return call.returns(tensor.grad.map(LuaObject.init))
        case .string(let name):
          throw unknownMember("Tensor", name, methods.map(\.shortName) + ["grad"])
        default: throw call.failure(2, "integer or IntTensor expected, got \(call.typeName(2))")
        }
      },
      newindex: { call in
        let tensor = try call.object(1, Tensor.self)
        if case .string(let name) = call.value(2) {
          guard name == "grad" else {
            throw EngineError("Tensor", "'\(name)' cannot be set (only grad and rows can)")
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
        let row = try tensor.select(0, call.index(2, size: tensor.shape.first ?? 0))
        try tensor.checkInPlace("t[i] = v")
        try noGrad { try row.copyInPlace(call.operand(3)) }
        return call.returns()
      })
  }

  private static func binary(
    _ call: LuaCall, _ operation: (Tensor, Tensor) throws -> Tensor
  ) throws -> Int {
    call.returns(try operation(call.operand(1), call.operand(2)))
  }

  // MARK: Declarations of methods that share a form

  private static let optionalDimensions = [
    LuaParameter("d", .integer, "the dimension to reduce", default: "everything"),
    LuaParameter("keepdim", .boolean, "whether it stays, with size 1", default: "false"),
  ]

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

  private static func reduction(
    _ name: String, _ summary: String,
    all: @escaping (Tensor) throws -> Tensor,
    along: @escaping (Tensor, Int, Bool) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary, parameters: optionalDimensions, returns: [.object("Tensor")],
      example: "print(mnemo.ones(2, 3):\(name)(2))"
    ) { call in
      let tensor = try call.object(1, Tensor.self)
      guard let d = try call.optionalDimension(2) else {
        return call.returns(try all(tensor))
      }
      return call.returns(try along(tensor, d, call.optionalBoolean(3) ?? false))
    }
  }

  private static func place(
    _ name: String, _ summary: String,
    all: @escaping (Tensor) throws -> IntTensor,
    along: @escaping (Tensor, Int, Bool) throws -> IntTensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary, parameters: optionalDimensions, returns: [.object("IntTensor")],
      example: "print(mnemo.tensor{3, 5, 4}:\(name)(1))"
    ) { call in
      let tensor = try call.object(1, Tensor.self)
      guard let d = try call.optionalDimension(2) else {
        return call.returns(try all(tensor).offset(by: 1))
      }
      let places = try along(tensor, d, call.optionalBoolean(3) ?? false)
      return call.returns(try places.offset(by: 1))
    }
  }

  // MARK: Methods

  private static var numberTypes: [LuaFunction] {
    func conversion(
      _ name: String, _ summary: String, _ convert: @escaping (Tensor) throws -> Tensor
    ) -> LuaFunction {
      LuaFunction(
        name, summary, returns: [.object("Tensor")],
        example: "print(mnemo.tensor{0.1, 1000}:\(name)())"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        let result = try convert(tensor)
        return result === tensor ? call.returns(argument: 1) : call.returns(result)
      }
    }
    return [
      conversion(
        "float", "The same numbers in Float32: this tensor if they are, else a copy."
      ) { try $0.float() },
      conversion(
        "half",
        "The nearest numbers of 16 bits, with 11 significant bits and up to 65504, in half the "
          + "memory; without history. They can be read, not changed or trained."
      ) { try $0.half() },
      conversion(
        "bfloat16",
        "The nearest numbers of 16 bits with the range of Float32 and 8 significant bits, in half "
          + "the memory; without history. They can be read, not changed or trained."
      ) { try $0.bfloat16() },
    ]
  }

  private static var arithmetic: [LuaFunction] {
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

  private static var reductions: [LuaFunction] {
    [
      reduction("sum", "The sum.", all: { try $0.sum() }, along: { try $0.sum($1, keepDim: $2) }),
      reduction(
        "mean", "The mean.", all: { try $0.mean() }, along: { try $0.mean($1, keepDim: $2) }),
      reduction(
        "max", "The largest element.", all: { try $0.max() }, along: { try $0.max($1, keepDim: $2) }
      ),
      reduction(
        "min", "The smallest element.", all: { try $0.min() },
        along: { try $0.min($1, keepDim: $2) }),
      reduction(
        "var", "The variance, divided by n - 1.", all: { try $0.variance() },
        along: { try $0.variance($1, keepDim: $2) }),
      reduction(
        "std", "The standard deviation, the root of var.", all: { try $0.variance().sqrt() },
        along: { try $0.variance($1, keepDim: $2).sqrt() }),
      reduction(
        "norm", "The root of the sum of squares.", all: { try $0.norm() },
        along: { try $0.norm($1, keepDim: $2) }),
      reduction(
        "logsumexp", "log Σ e^x.", all: { try $0.logSumExp() },
        along: { try $0.logSumExp($1, keepDim: $2) }),
      place(
        "argmax", "The index of the largest element, the first of equals.",
        all: { try $0.argmax() },
        along: { try $0.argmax($1, keepDim: $2) }),
      place(
        "argmin", "The index of the smallest element, the first of equals.",
        all: { try $0.argmin() },
        along: { try $0.argmin($1, keepDim: $2) }),
      LuaFunction(
        "softmax", "e^x / Σ e^x along a dimension.", parameters: [StridedMethods.dimension],
        returns: [.object("Tensor")], example: "print(mnemo.tensor{0, 1}:softmax(1))"
      ) { call in call.returns(try call.object(1, Tensor.self).softmax(call.dimension(2))) },
      LuaFunction(
        "log_softmax", "The logarithm of softmax along a dimension.",
        parameters: [StridedMethods.dimension], returns: [.object("Tensor")],
        example: "print(mnemo.tensor{0, 1}:log_softmax(1))"
      ) { call in call.returns(try call.object(1, Tensor.self).logSoftmax(call.dimension(2))) },
      LuaFunction(
        "layer_norm",
        "Layer normalisation over the last dimension, of size n: (x - mean) / sqrt(var + eps) * "
          + "weight + bias, with mean and variance (divided by n) of each row.",
        parameters: [
          LuaParameter("weight", .object("Tensor"), "[n]", default: "all 1"),
          LuaParameter("bias", .object("Tensor"), "[n]", default: "all 0"),
          LuaParameter("eps", .number, "keeps constant rows finite", default: "1e-5"),
        ], returns: [LuaResult(.object("Tensor"), "of the same shape")],
        example: "print(mnemo.tensor{{1, 3}, {2, 8}}:layer_norm(mnemo.ones(2), mnemo.zeros(2)))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).layerNorm(
            weight: call.optionalObject(2, Tensor.self), bias: call.optionalObject(3, Tensor.self),
            eps: Float(call.optionalNumber(4) ?? 1e-5)))
      },
      LuaFunction(
        "cross_entropy",
        "The mean cross-entropy, in nats, of logits [..., V] and the right answers.",
        parameters: [
          LuaParameter("targets", .object("IntTensor"), "ids [...], from 1"),
          LuaParameter("mask", .object("Tensor"), "weights [...]", default: "all 1"),
        ], returns: [LuaResult(.object("Tensor"), "0-dimensional")],
        example: "print(mnemo.zeros(2, 4):cross_entropy(mnemo.int_tensor{1, 3}):item())"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).crossEntropy(
            call.ids(2), mask: call.optionalObject(3, Tensor.self)))
      },
    ]
  }

  private static func ordered(
    _ call: LuaCall, _ tensors: (values: Tensor, indices: IntTensor)
  ) throws -> Int {
    call.returns(tensors.values, try tensors.indices.offset(by: 1))
  }

  private static var sorting: [LuaFunction] {
    let dimension = LuaParameter("d", .integer, "the dimension", default: "the last")
    return [
      LuaFunction(
        "sort",
        "The elements in order along a dimension, and the indices where they stood, both of the "
          + "tensor's shape. Equal elements keep their order; nan counts as the largest. The "
          + "values have a gradient.",
        parameters: [
          dimension, LuaParameter("descending", .boolean, "the largest first", default: "false"),
        ],
        returns: [
          LuaResult(.object("Tensor"), name: "values"),
          LuaResult(.object("IntTensor"), name: "indices"),
        ],
        example: "local values, indices = mnemo.tensor{3, 1, 2}:sort()\nprint(values, indices)"
      ) { call in
        try ordered(
          call,
          try call.object(1, Tensor.self).sort(
            call.optionalDimension(2) ?? -1, descending: call.optionalBoolean(3) ?? false))
      },
      LuaFunction(
        "topk",
        "The k largest elements along a dimension, the largest first, and their indices, both of "
          + "the tensor's shape but for k in that dimension. The values have a gradient.",
        parameters: [
          LuaParameter("k", .integer, "how many"), dimension,
          LuaParameter(
            "largest", .boolean, "false for the smallest, smallest first", default: "true"),
        ],
        returns: [
          LuaResult(.object("Tensor"), name: "values"),
          LuaResult(.object("IntTensor"), name: "indices"),
        ],
        example: "local values, indices = mnemo.tensor{3, 1, 2}:topk(2)\nprint(values, indices)"
      ) { call in
        try ordered(
          call,
          try call.object(1, Tensor.self).topK(
            call.integer(2), call.optionalDimension(3) ?? -1,
            largest: call.optionalBoolean(4) ?? true))
      },
    ]
  }

  private static var gradients: [LuaFunction] {
    [
      LuaFunction(
        "detach", "The same elements, shared, without history or gradient.",
        returns: [.object("Tensor")],
        example: "local x = mnemo.ones(2):requires_grad(true)\nprint(x:detach():requires_grad())"
      ) { call in call.returns(try call.object(1, Tensor.self).detach()) },
      LuaFunction(
        "requires_grad",
        "With a flag: turns gradients on or off for a tensor that was not computed from others, and "
          + "returns it. Without: whether they are on.",
        parameters: [LuaParameter("flag", .boolean, "on or off", optional: true)],
        returns: [.union([.object("Tensor"), .boolean])],
        example: "local x = mnemo.ones(2):requires_grad(true)\nprint(x:requires_grad())"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        guard let flag = try call.optionalBoolean(2) else {
          return call.returns(tensor.requiresGrad)
        }
        try tensor.requireGrad(flag)
        return call.returns(argument: 1)
      },
      LuaFunction(
        "backward",
        "Adds the gradient of this scalar to the grad of everything it was computed from that "
          + "requires one. The graph serves once.",
        example: """
          local x = mnemo.tensor{3}:requires_grad(true)
          local y = (x * x):sum()
          y:backward()
          print(x.grad:item())
          """
      ) { call in
        try call.object(1, Tensor.self).backward()
        return call.returns()
      },
    ]
  }

  private static func update(
    _ name: String, _ summary: String, _ operation: @escaping (Tensor, Tensor) throws -> Void
  ) -> LuaFunction {
    LuaFunction(
      name, summary,
      parameters: [LuaParameter("other", .union([.object("Tensor"), .number]), "broadcasts")],
      returns: [LuaResult(.object("Tensor"), "the tensor itself")],
      example: "print(mnemo.zeros(2):\(name)(3))"
    ) { call in
      try operation(call.object(1, Tensor.self), call.operand(2))
      return call.returns(argument: 1)
    }
  }

  /// Fills a tensor in place with random numbers; the option table is its only argument.
  private static func draw(
    _ session: ModuleState, _ name: String, _ summary: String, _ options: [LuaOption],
    _ body: @escaping (Tensor, LuaOptions, inout RandomStream) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      name, summary + " They follow mnemo.seed, or a seed of their own.",
      options: options + [
        LuaOption("seed", .integer, .described("follows mnemo.seed"), "of these numbers")
      ], returns: [LuaResult(.object("Tensor"), "the tensor itself")],
      example: "print(mnemo.zeros(2, 3):\(name){seed = 1})"
    ) { call in
      let tensor = try call.object(1, Tensor.self)
      let options = try call.options()
      try tensor.checkInPlace(name)
      var stream =
        try options.optionalInteger("seed").map {
          RandomStream(seed: UInt64(bitPattern: Int64($0)), purpose: .tensor)
        } ?? session.nextStream()
      try tensor.copyInPlace(body(tensor, options, &stream))
      return call.returns(argument: 1)
    }
  }

  private static func inPlace(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "fill_", "Sets every element to one number, in place.",
        parameters: [LuaParameter("value", .number)],
        returns: [LuaResult(.object("Tensor"), "the tensor itself")],
        example: "print(mnemo.zeros(2):fill_(3))"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        try tensor.checkInPlace("fill_")
        try tensor.copyInPlace(Tensor(Float(call.number(2))))
        return call.returns(argument: 1)
      },
      update("copy_", "Copies another tensor's elements, in place.") { try $0.copyInPlace($1) },
      update("add_", "Adds, in place.") { try $0.addInPlace($1) },
      update("mul_", "Multiplies, in place.") { try $0.mulInPlace($1) },
      draw(
        session, "normal_", "Sets every element to a normal random number, in place.",
        [
          LuaOption("mean", .number, 0.0, "their mean"),
          LuaOption("std", .number, 1.0, "their standard deviation"),
        ]
      ) { tensor, options, stream in
        let deviation = try options.number("std")
        guard deviation >= 0 else {
          throw options.failure("std", "0 or more expected, got \(deviation)")
        }
        return try Tensor.normal(
          tensor.shape, mean: Float(options.number("mean")), standardDeviation: Float(deviation),
          using: &stream)
      },
      draw(
        session, "uniform_", "Sets every element to a uniform random number, in place.",
        [
          LuaOption("low", .number, 0.0, "the least"),
          LuaOption("high", .number, 1.0, "the upper limit"),
        ]
      ) { tensor, options, stream in
        let (low, high) = (try options.number("low"), try options.number("high"))
        guard low <= high else {
          throw options.failure("low", "\(high), the option 'high', or less expected, got \(low)")
        }
        return try Tensor.uniform(
          tensor.shape, low: Float(low), high: Float(high), using: &stream)
      },
    ]
  }
}
