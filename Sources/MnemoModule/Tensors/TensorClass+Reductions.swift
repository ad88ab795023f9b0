import LuaBridge
import Tensors

// What is reduced, normalised or summed up along dimensions.
extension TensorClass {
  private static func reduction(
    _ name: String, _ summary: String,
    _ reduce: @escaping (Tensor, [Int]?, Bool) throws -> Tensor
  ) -> LuaFunction {
    Reductions.method(
      Tensor.self, name, summary, returns: .object("Tensor"), on: "mnemo.ones(2, 3)", reduce)
  }

  static var reductions: [LuaFunction] {
    let matrix = "mnemo.tensor{{3, 5, 4}, {1, 2, 6}}"
    return [
      reduction("sum", "The sum.") { try $0.sum(over: $1, keepDim: $2) },
      reduction("mean", "The mean.") { try $0.mean(over: $1, keepDim: $2) },
      reduction("prod", "The product.") { try $0.prod(over: $1, keepDim: $2) },
      reduction("var", "The variance, divided by n - 1.") {
        try $0.variance(over: $1, keepDim: $2)
      },
      reduction("std", "The standard deviation, the root of var.") {
        try $0.variance(over: $1, keepDim: $2).sqrt()
      },
      reduction("logsumexp", "log Σ e^x.") { try $0.logSumExp(over: $1, keepDim: $2) },
      reduction("any", "1 where any element is not 0, else 0; nan is not 0. Without gradient.") {
        try $0.any(over: $1, keepDim: $2)
      },
      reduction("all", "1 where all elements are not 0, else 0; nan is not 0. Without gradient.") {
        try $0.all(over: $1, keepDim: $2)
      },
      LuaFunction(
        "norm",
        "(Σ |x|^p)^(1/p): for 2 the root of the sum of squares, for math.huge the largest |x|, for "
          + "-math.huge the smallest, where equal ones share the gradient, for 0 the number of "
          + "elements that are not 0, which has none.",
        parameters: [LuaParameter("p", .number, "any number but nan", default: "2")]
          + Reductions.several,
        returns: [.object("Tensor")],
        example: "print(mnemo.tensor{{3, 4}, {5, 12}}:norm(2, 2))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).norm(
            p: Float(call.optionalNumber(2) ?? 2), over: call.optionalDimensions(3),
            keepDim: call.optionalBoolean(4) ?? false))
      },
      Reductions.extreme(
        Tensor.self, "max",
        "The largest element, nan where there is one; the gradient goes to the first of equals.",
        returns: "Tensor", on: matrix,
        all: { try $0.max() }, along: { try $0.max($1, keepDim: $2) }),
      Reductions.extreme(
        Tensor.self, "min",
        "The smallest element, nan where there is one; the gradient goes to the first of equals.",
        returns: "Tensor", on: matrix,
        all: { try $0.min() }, along: { try $0.min($1, keepDim: $2) }),
      Reductions.place(
        Tensor.self, "argmax",
        "The index of the largest element, the first of equals; of nan where there is one.",
        on: matrix,
        all: { try $0.argmax() }, along: { try $0.argmax($1, keepDim: $2) }),
      Reductions.place(
        Tensor.self, "argmin",
        "The index of the smallest element, the first of equals; of nan where there is one.",
        on: matrix,
        all: { try $0.argmin() }, along: { try $0.argmin($1, keepDim: $2) }),
      LuaFunction(
        "cumsum", "Along a dimension, the sum of each element and all before it.",
        parameters: [StridedMethods.dimension],
        returns: [LuaResult(.object("Tensor"), "of the same shape")],
        example: "print(mnemo.tensor{1, 2, 3}:cumsum(1))"
      ) { call in call.returns(try call.object(1, Tensor.self).cumsum(call.dimension(2))) },
      LuaFunction(
        "allclose",
        "Whether |x - y| <= atol + rtol |y| for all elements x and y of the other. An infinite "
          + "element is close to itself alone, nan to nothing.",
        parameters: [
          LuaParameter("other", .union([.object("Tensor"), .number]), "broadcasts"),
          LuaParameter("rtol", .number, "the relative tolerance", default: "1e-5"),
          LuaParameter("atol", .number, "the absolute tolerance", default: "1e-8"),
        ], returns: [.boolean],
        example: "print((mnemo.tensor{0.1} * 3):allclose(mnemo.tensor{0.3}))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).allClose(
            call.operand(2), rtol: call.optionalNumber(3) ?? 1e-5,
            atol: call.optionalNumber(4) ?? 1e-8))
      },
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
