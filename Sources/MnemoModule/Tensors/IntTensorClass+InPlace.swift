import LuaBridge
import Tensors

// Changes in place.
extension IntTensorClass {
  static func inPlace(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "random_",
        "Sets every element to a uniform random integer from low to high, both included, in place. "
          + "They follow mnemo.seed, or a seed of their own.",
        options: [
          LuaOption("low", .integer, 1, "the smallest"),
          LuaOption("high", .integer, .required, "the largest"),
          LuaOption("seed", .integer, .described("follows mnemo.seed"), "of these numbers"),
        ], returns: [LuaResult(.object("IntTensor"), "the tensor itself")],
        example: "print(mnemo.int_zeros(2, 3):random_{high = 6, seed = 1})"
      ) { call in
        let tensor = try call.object(1, IntTensor.self)
        let options = try call.options()
        let (low, high) = (try options.integer("low"), try options.integer("high"))
        guard low <= high else {
          throw options.failure("low", "\(high), the option 'high', or less expected, got \(low)")
        }
        for (name, bound) in [("low", low), ("high", high)] where Int32(exactly: bound) == nil {
          throw options.failure(name, "integers have 32 bits here, got \(bound)")
        }
        var stream = try options.tensorStream(session)
        try tensor.copyInPlace(
          IntTensor.uniform(tensor.shape, low: low, high: high, using: &stream))
        return call.returns(argument: 1)
      }
    ]
  }
}
