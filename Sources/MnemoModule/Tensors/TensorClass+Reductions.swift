import LuaBridge
import Tensors

// What is reduced, normalised or summed up along a dimension.
extension TensorClass {
  private static let optionalDimensions = [
    LuaParameter("d", .integer, "the dimension to reduce", default: "everything"),
    LuaParameter("keepdim", .boolean, "whether it stays, with size 1", default: "false"),
  ]

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

  static var reductions: [LuaFunction] {
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
        "The mean cross-entropy, in nats, of logits [..., V] and the right answers: the losses of "
          + "rows times their weights in the mask, summed and divided by the sum of the mask. "
          + "Other reductions give the sum alone, or each row's loss. With label smoothing s the "
          + "right answer counts 1 - s, and s is shared by all V answers.",
        parameters: [LuaParameter("targets", .object("IntTensor"), "ids [...], from 1")],
        options: [
          LuaOption("mask", .object("Tensor"), .described("all 1"), "weights [...]"),
          NNLosses.reduction,
          LuaOption("label_smoothing", .number, 0.0, "from 0 to 1"),
        ], returns: [LuaResult(.object("Tensor"), "0-dimensional, or [...]")],
        example: """
          local logits, targets = mnemo.zeros(2, 4), mnemo.int_tensor{1, 3}
          print(logits:cross_entropy(targets):item())
          print(logits:cross_entropy(targets, {reduction = "none", label_smoothing = 0.1}))
          """
      ) { call in
        let (logits, targets) = (try call.object(1, Tensor.self), try call.ids(2))
        let options = try call.options()
        return call.returns(
          try logits.crossEntropy(
            targets, mask: options.optionalObject("mask", Tensor.self),
            reduction: options.lossReduction(),
            labelSmoothing: Float(options.number("label_smoothing"))))
      },
    ]
  }
}
