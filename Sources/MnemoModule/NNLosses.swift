import LuaBridge
import Tensors

/// The losses of `mnemo.nn`; cross-entropy is a method of its logits.
enum NNLosses {
  /// How the losses of single places become one number.
  static var reduction: LuaOption {
    LuaOption(
      "reduction", .choice(LossReduction.allCases.map(\.rawValue)), "mean",
      "of all losses, or one for each place")
  }

  static var functions: [LuaFunction] {
    [
      loss(
        "mse_loss", "Squared errors (x - target)².", x: "[...]", target: "of the same shape",
        example: "print(mnemo.nn.mse_loss(mnemo.tensor{1, 2}, mnemo.tensor{1, 4}):item())"
      ) { try $0.squaredErrors($1) },
      LuaFunction(
        "nn.kl_div",
        "Kullback-Leibler divergences, in nats, of target probabilities from a model's "
          + "log-probabilities: target * (log target - x), 0 where target is 0. The divergence of "
          + "a distribution is the sum over its elements: \"batchmean\" divides the sum by the "
          + "size of the first dimension, where \"mean\" divides it by the number of elements.",
        parameters: [
          LuaParameter("x", .object("Tensor"), "log-probabilities [...]"),
          LuaParameter("target", .object("Tensor"), "probabilities, of the same shape"),
        ],
        options: [
          LuaOption(
            "reduction", .choice(LossReduction.allCases.map(\.rawValue) + ["batchmean"]), "mean",
            "of all elements, or one for each")
        ],
        returns: [LuaResult(.object("Tensor"), "0-dimensional, or of the same shape")],
        example: """
          local x, target = mnemo.zeros(1, 2):log_softmax(2), mnemo.tensor{{0.9, 0.1}}
          print(mnemo.nn.kl_div(x, target, {reduction = "batchmean"}):item())
          """
      ) { call in
        let (x, target) = (try call.object(1, Tensor.self), try call.object(2, Tensor.self))
        let options = try call.options()
        let losses = try x.divergences(target)
        guard try options.string("reduction") == "batchmean" else {
          return call.returns(try losses.reduced(options.lossReduction()))
        }
        guard let batch = x.shape.first else {
          throw call.failure(1, "\"batchmean\" needs a first dimension, got shape []")
        }
        return call.returns(try losses.sum().div(Tensor(Float(batch))))
      },
      loss(
        "binary_cross_entropy",
        "Binary cross-entropies, in nats: -(target * log x + (1 - target) * log(1 - x)). "
          + "Logarithms are taken to be at least -100.",
        x: "probabilities [...], from 0 to 1", target: "probabilities, of the same shape",
        example: """
          print(mnemo.nn.binary_cross_entropy(mnemo.tensor{0.5, 0.9}, mnemo.tensor{0, 1}):item())
          """
      ) { try $0.binaryCrossEntropies($1) },
      loss(
        "binary_cross_entropy_with_logits",
        "Binary cross-entropies, in nats, of the probabilities sigmoid(x); finite where these are "
          + "rounded to 0 or 1.",
        x: "logits [...]", target: "probabilities, of the same shape",
        example: """
          local x, target = mnemo.tensor{0, 30}, mnemo.tensor{1, 0}
          print(mnemo.nn.binary_cross_entropy_with_logits(x, target):item())
          """
      ) { try $0.binaryCrossEntropiesOfLogits($1) },
      LuaFunction(
        "nn.nll_loss",
        "Negative log-likelihoods: of each row of log-probabilities, minus the element that its "
          + "target names. Of logits, use the method cross_entropy.",
        parameters: [
          LuaParameter("x", .object("Tensor"), "log-probabilities [..., V], the classes last"),
          LuaParameter("targets", .union([.object("IntTensor"), .table]), "ids [...], from 1"),
        ], options: [reduction],
        returns: [LuaResult(.object("Tensor"), "0-dimensional, or [...]")],
        example: "print(mnemo.nn.nll_loss(mnemo.zeros(2, 4):log_softmax(2), {1, 3}):item())"
      ) { call in
        let losses = try call.object(1, Tensor.self).negativeLogLikelihoods(call.ids(2))
        return call.returns(try losses.reduced(call.options().lossReduction()))
      },
    ]
  }

  /// A loss of each element and its target.
  private static func loss(
    _ name: String, _ summary: String, x: String, target: String, example: String,
    _ losses: @escaping (Tensor, Tensor) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      "nn.\(name)", summary,
      parameters: [
        LuaParameter("x", .object("Tensor"), x), LuaParameter("target", .object("Tensor"), target),
      ],
      options: [reduction],
      returns: [LuaResult(.object("Tensor"), "0-dimensional, or of the same shape")],
      example: example
    ) { call in
      let (x, target) = (try call.object(1, Tensor.self), try call.object(2, Tensor.self))
      let reduction = try call.options().lossReduction()
      return call.returns(try losses(x, target).reduced(reduction))
    }
  }
}

extension LuaOptions {
  /// The option `reduction`.
  func lossReduction() throws -> LossReduction {
    let name = try string("reduction")
    guard let reduction = LossReduction(rawValue: name) else {
      preconditionFailure("\(name) is no reduction")
    }
    return reduction
  }
}
