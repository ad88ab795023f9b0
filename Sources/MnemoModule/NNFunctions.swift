import LuaBridge
import Tensors

/// `mnemo.nn`: layers as functions of tensors.
enum NNFunctions {
  static func functions(_ session: ModuleState) -> [LuaFunction] {
    [
      attention,
      LuaFunction(
        "nn.linear", "A linear map of rows: x Wᵀ + b.",
        parameters: [
          LuaParameter("x", .object("Tensor"), "[..., in]"),
          LuaParameter("weight", .object("Tensor"), "W [out, in]"),
          LuaParameter("bias", .object("Tensor"), "b [out]", default: "none"),
        ], returns: [LuaResult(.object("Tensor"), "[..., out]")],
        example: "print(mnemo.nn.linear(mnemo.ones(4, 3), mnemo.randn(2, 3), mnemo.zeros(2)))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).linear(
            call.object(2, Tensor.self), bias: call.optionalObject(3, Tensor.self)))
      },
      LuaFunction(
        "nn.embedding",
        "The rows of a table that ids name: table[ids], for ids in lists as well. The gradient "
          + "adds up in the rows.",
        parameters: [
          LuaParameter("ids", .union([.object("IntTensor"), .table]), "[...], from 1"),
          LuaParameter("table", .object("Tensor"), "[N, d]"),
        ], returns: [LuaResult(.object("Tensor"), "[..., d]")],
        example: "print(mnemo.nn.embedding({3, 1}, mnemo.randn(5, 2)))"
      ) { call in call.returns(try call.object(2, Tensor.self).rows(call.ids(1))) },
      LuaFunction(
        "nn.rms_norm",
        "Root-mean-square normalisation over the last dimension, of size n: "
          + "x / sqrt(mean(x²) + eps) * weight, with the mean of each row.",
        parameters: [
          LuaParameter("x", .object("Tensor"), "[..., n]"),
          LuaParameter("weight", .object("Tensor"), "[n]", default: "all 1"),
          LuaParameter("eps", .number, "keeps rows of zeros finite", default: "2^-23"),
        ], returns: [LuaResult(.object("Tensor"), "of the same shape")],
        example: "print(mnemo.nn.rms_norm(mnemo.tensor{{3, 4}, {0, 1}}, mnemo.ones(2)))"
      ) { call in
        call.returns(
          try call.object(1, Tensor.self).rmsNorm(
            weight: call.optionalObject(2, Tensor.self),
            eps: Float(call.optionalNumber(3) ?? 0x1p-23)))
      },
      LuaFunction(
        "nn.dropout",
        "Sets each element to 0 with probability p and divides the others by 1 - p, so that the "
          + "mean stays what it is. For training: leave it out where a model is evaluated. The "
          + "choice follows mnemo.seed, or a seed of its own.",
        parameters: [
          LuaParameter("x", .object("Tensor")),
          LuaParameter("p", .number, "at least 0 and below 1"),
        ],
        options: [seedOption],
        returns: [LuaResult(.object("Tensor"), "of the same shape")],
        example: "print(mnemo.nn.dropout(mnemo.ones(2, 4), 0.5, {seed = 1}))"
      ) { call in
        let (x, p) = (try call.object(1, Tensor.self), try call.number(2))
        guard p >= 0, p < 1 else {
          throw call.failure(2, "a probability of at least 0 and below 1 expected, got \(p)")
        }
        var stream = try call.options().tensorStream(session)
        return call.returns(try x.dropout(Float(p), using: &stream))
      },
    ]
  }

  /// The option of everything that draws numbers.
  static var seedOption: LuaOption {
    LuaOption("seed", .integer, .described("follows mnemo.seed"), "of these numbers")
  }

  private static var attention: LuaFunction {
    LuaFunction(
      "nn.attention",
      "Softmax attention: for each head, every query's sum of values, weighted by the softmax of "
        + "scale times its products with the keys that it sees. A query sees all keys; under "
        + "causal those up to its own position; with a mask, of these only the ones where it is "
        + "not 0. One that sees nothing gets zeros. Without a mask one fused kernel computes it "
        + "and keeps scores only where they are few; with one, all scores are in memory. "
        + "Shapes: B sequences of Tq queries and Tk keys, H heads, keys of size E and values of "
        + "size F. All may be without B: one sequence.",
      options: [
        LuaOption("queries", .object("Tensor"), .required, "[B, Tq, H·E]"),
        LuaOption("keys", .object("Tensor"), .required, "[B, Tk, H·E]"),
        LuaOption("values", .object("Tensor"), .required, "[B, Tk, H·F]"),
        LuaOption("heads", .integer, 1, "how many, H"),
        LuaOption(
          "causal", .boolean, false,
          "whether a query sees no later keys; there are then as many queries as keys"),
        LuaOption(
          "mask", .object("Tensor"), .none,
          "[Tq, Tk] or [B, Tq, Tk], 0 where a key is not seen"),
        LuaOption("scale", .number, .described("1/√E"), "factor of the scores"),
      ], returns: [LuaResult(.object("Tensor"), "[B, Tq, H·F]")],
      example: """
        local x = mnemo.randn(2, 5, 8)
        local read = mnemo.nn.attention{queries = x, keys = x, values = x, heads = 2, causal = true}
        print(read:shape()[3])
        """
    ) { call in
      let options = try call.options()
      return call.returns(
        try Attention.scaledDotProduct(
          queries: options.object("queries", Tensor.self),
          keys: options.object("keys", Tensor.self),
          values: options.object("values", Tensor.self), heads: options.integer("heads"),
          causal: options.boolean("causal"), mask: options.optionalObject("mask", Tensor.self),
          scale: options.optionalNumber("scale").map { Float($0) }))
    }
  }
}
