import LuaBridge
import Tensors

/// `mnemo.init`: first values of parameters, in place.
///
/// It is no file in Lua because stock Lua, whose path has `?/init.lua`, would take `mnemo/init.lua`
/// for the module itself.
enum InitFunctions {
  private static let parameter = LuaParameter(
    "parameter", .object("Tensor"), "is changed, also where it requires gradients")
  private static var itself: LuaResult { LuaResult(.object("Tensor"), "the tensor itself") }

  static func functions(_ session: ModuleState) -> [LuaFunction] {
    let xavierGain = gain(1.0, "factor of the deviation")
    let kaimingOptions = [
      gain(2.0.squareRoot(), "factor of the deviation; the default is for a relu behind it"),
      LuaOption(
        "mode", .choice(["fan_in", "fan_out"]), "fan_in",
        "whose variance is kept: of what is computed, or of the gradients"),
    ]
    return [
      constant("zeros", 0), constant("ones", 1),
      draw(
        session, "normal", "Normal numbers.",
        [
          LuaOption("mean", .number, 0.0, "their mean"),
          LuaOption("std", .number, 1.0, "their standard deviation"),
        ]
      ) { shape, options, stream in
        try Tensor.normal(
          shape, mean: Float(options.number("mean")),
          standardDeviation: Float(options.notNegative("std")), using: &stream)
      },
      draw(
        session, "uniform", "Uniform numbers.",
        [
          LuaOption("low", .number, 0.0, "the least"),
          LuaOption("high", .number, 1.0, "the upper limit"),
        ]
      ) { shape, options, stream in
        let (low, high) = (try options.number("low"), try options.number("high"))
        guard low <= high else {
          throw options.failure("low", "\(high), the option 'high', or less expected, got \(low)")
        }
        return try Tensor.uniform(shape, low: Float(low), high: Float(high), using: &stream)
      },
      draw(
        session, "xavier_uniform",
        "Uniform numbers between ± gain * sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010). "
          + fanWords, [xavierGain]
      ) { shape, options, stream in
        let bound = 3.0.squareRoot() * (try xavierDeviation(shape, options))
        return try Tensor.uniform(shape, low: Float(-bound), high: Float(bound), using: &stream)
      },
      draw(
        session, "xavier_normal",
        "Normal numbers of standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot, Bengio "
          + "2010). " + fanWords, [xavierGain]
      ) { shape, options, stream in
        let deviation = try xavierDeviation(shape, options)
        return try Tensor.normal(shape, standardDeviation: Float(deviation), using: &stream)
      },
      draw(
        session, "kaiming_uniform",
        "Uniform numbers between ± gain * sqrt(3 / fan_in) (He et al. 2015). " + fanWords,
        kaimingOptions
      ) { shape, options, stream in
        let bound = 3.0.squareRoot() * (try kaimingDeviation(shape, options))
        return try Tensor.uniform(shape, low: Float(-bound), high: Float(bound), using: &stream)
      },
      draw(
        session, "kaiming_normal",
        "Normal numbers of standard deviation gain / sqrt(fan_in) (He et al. 2015). " + fanWords,
        kaimingOptions
      ) { shape, options, stream in
        let deviation = try kaimingDeviation(shape, options)
        return try Tensor.normal(shape, standardDeviation: Float(deviation), using: &stream)
      },
      draw(
        session, "orthogonal",
        "gain times a random matrix with orthonormal rows, or columns if it has more rows (Saxe et "
          + "al. 2014). Dimensions after the first count as one.",
        [gain(1.0, "factor of the matrix")]
      ) { shape, options, stream in
        let gain = try options.notNegative("gain")
        try checkMatrix(shape)
        if shape.contains(0) { return try Tensor.zeros(shape) }
        let (rows, columns) = (shape[0], shape.dropFirst().reduce(1, *))
        let numbers = try Tensor.normal(
          [max(rows, columns), min(rows, columns)], using: &stream)
        let q = try LinearAlgebra.qr(numbers).q
        return try (rows < columns ? q.t() : q).mul(Tensor(Float(gain))).reshape(shape)
      },
    ]
  }

  private static let fanWords =
    "Of a weight [out, in], fan_in is in and fan_out is out; further dimensions multiply both."

  private static func gain(_ fallback: Double, _ doc: String) -> LuaOption {
    LuaOption("gain", .number, .value(.number(fallback)), doc)
  }

  /// Sets every element to one number.
  private static func constant(_ name: String, _ value: Float) -> LuaFunction {
    LuaFunction(
      "init.\(name)", "Sets every element to \(Int(value)), in place.",
      parameters: [parameter], returns: [itself],
      example: "print(mnemo.init.\(name)(mnemo.randn(2, 3)))"
    ) { call in
      let tensor = try call.object(1, Tensor.self)
      try noGrad { try tensor.copyInPlace(Tensor(value)) }
      return call.returns(argument: 1)
    }
  }

  /// Fills a tensor with random numbers of its shape.
  private static func draw(
    _ session: ModuleState, _ name: String, _ summary: String, _ options: [LuaOption],
    _ numbers: @escaping ([Int], LuaOptions, inout RandomStream) throws -> Tensor
  ) -> LuaFunction {
    LuaFunction(
      "init.\(name)",
      summary + " In place. The numbers follow mnemo.seed, or a seed of their own.",
      parameters: [parameter], options: options + [NNFunctions.seedOption], returns: [itself],
      example: "print(mnemo.init.\(name)(mnemo.zeros(2, 3), {seed = 1}))"
    ) { call in
      let tensor = try call.object(1, Tensor.self)
      let options = try call.options()
      var stream = try options.tensorStream(session)
      try noGrad { try tensor.copyInPlace(numbers(tensor.shape, options, &stream)) }
      return call.returns(argument: 1)
    }
  }

  private static func checkMatrix(_ shape: [Int]) throws {
    guard shape.count >= 2 else {
      throw EngineError("init", "needs a weight [out, in] of at least 2 dimensions, got \(shape)")
    }
  }

  /// fan_in and fan_out, as in PyTorch.
  private static func fans(_ shape: [Int]) throws -> (in: Double, out: Double) {
    try checkMatrix(shape)
    let others = shape.dropFirst(2).reduce(1.0) { $0 * Double($1) }
    return (Double(shape[1]) * others, Double(shape[0]) * others)
  }

  private static func xavierDeviation(_ shape: [Int], _ options: LuaOptions) throws -> Double {
    let fan = try fans(shape)
    return try options.notNegative("gain") * (2 / (fan.in + fan.out)).squareRoot()
  }

  private static func kaimingDeviation(_ shape: [Int], _ options: LuaOptions) throws -> Double {
    let fan = try fans(shape)
    let kept = try options.string("mode") == "fan_in" ? fan.in : fan.out
    return try options.notNegative("gain") / kept.squareRoot()
  }
}

extension LuaOptions {
  /// A number that is not negative, and finite.
  fileprivate func notNegative(_ name: String) throws -> Double {
    let value = try number(name)
    guard value >= 0, value.isFinite else {
      throw failure(name, "0 or more expected, got \(value)")
    }
    return value
  }
}
