import LuaBridge
import Tasks
import Tensors

/// Random numbers for a sampler: a stream of their own for each sequence, or for a batch.
final class RandomSource {
  private let session: ModuleState
  private var stream: RandomStream

  init(_ session: ModuleState, _ stream: RandomStream) {
    (self.session, self.stream) = (session, stream)
  }

  private static func object(_ call: LuaCall) throws -> RandomSource {
    try call.object(1, RandomSource.self)
  }

  private static let sizes = LuaParameter(
    "sizes", .union([.integer, .list(.integer)]), "Sizes of a tensor, or a list of them.",
    optional: true, variadic: true)
  private static var drawn: LuaResult {
    LuaResult(.union([.integer, .object("IntTensor")]), "a number, or a tensor of them")
  }

  /// A tensor of numbers that fit 32 bits, drawn one after the other, each for its place.
  @inline(__always)
  private func filled(
    _ shape: [Int], _ draw: (_ place: Int, inout RandomStream) -> Int
  ) throws -> IntTensor {
    let result = try IntTensor(uninitialized: shape)
    // A local stream stays in registers.
    var stream = stream
    defer { self.stream = stream }
    try result.withMutableElements { out in
      try StopToken.parts(out.count) { part in
        for i in part { out[i] = Int32(truncatingIfNeeded: draw(i, &stream)) }
      }
    }
    return result
  }

  /// An index for each of the rows of a matrix of weights; both count from 1.
  private func drawn(_ weights: Tensor, rows: IntTensor) throws -> IntTensor {
    guard weights.rank == 2 else {
      throw EngineError(
        "categorical", "rows need a matrix of weights, got shape \(weights.shape)")
    }
    let tables = try session.aliasTables(weights)
    let places = try rows.offset(by: -1)
    try places.check(below: tables.count, "categorical", "row")
    let ids = places.elements()
    return try filled(rows.shape) { i, stream in
      tables[Int(ids[i])].sample(using: &stream) + 1
    }
  }

  /// An example: a task that draws its ids as these lines of Lua do.
  private static func drawing(_ lines: String) -> String {
    """
    local function sample(rng)
      \(lines)
      return ids
    end
    local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
    print(task:batch(2).tokens)
    """
  }

  static var declaration: LuaClass {
    LuaClass(
      "Random", for: RandomSource.self,
      "The random numbers of one sequence, or of a batch drawn at once: the same for the same seed, "
        + "batch index and place.",
      methods: [
        LuaFunction(
          "uniform", "A uniform number in [low, high).",
          parameters: [
            LuaParameter("low", .number, "The lower end.", default: "0"),
            LuaParameter("high", .number, "The upper end.", default: "1"),
          ], returns: [.number],
          example: drawing(
            "local ids = {}\n  for i = 1, 5 do ids[i] = rng:uniform() < 0.5 and 1 or 2 end")
        ) { call in
          let (low, high) = (try call.optionalNumber(2) ?? 0, try call.optionalNumber(3) ?? 1)
          return call.returns(low + (high - low) * (try object(call).stream.uniformDouble()))
        },
        LuaFunction(
          "integer",
          "A uniform integer from first to last, both included; with sizes, a tensor of them.",
          parameters: [
            LuaParameter("first", .integer, "The smallest."),
            LuaParameter("last", .integer, "The largest."), sizes,
          ], returns: [drawn],
          example: drawing("local ids = {}\n  for i = 1, 5 do ids[i] = rng:integer(1, 9) end")
        ) { call in
          let (first, last) = (try call.integer(2), try call.integer(3))
          let (span, overflow) = last.subtractingReportingOverflow(first)
          guard first <= last, !overflow, span < Int(UInt32.max) else {
            throw EngineError(
              "integer", "from \(first) to \(last) (allowed: first ≤ last, less than 2^32 apart)")
          }
          let source = try object(call)
          let count = UInt32(span + 1)
          guard call.has(4) else {
            return call.returns(first + Int(source.stream.below(count)))
          }
          _ = try (call.int32(2), call.int32(3))
          return call.returns(
            try source.filled(call.sizes(from: 4)) { first + Int($1.below(count)) })
        },
        LuaFunction(
          "seed", "A seed, for functions of the module that take one.", returns: [.integer],
          example: drawing(
            "local noise = mnemo.randn(5, {seed = rng:seed()})\n"
              + "  local ids = noise:argmax():item() > 2 and {1, 1, 1, 1, 1} or {2, 2, 2, 2, 2}")
        ) { call in call.returns(Int(try object(call).stream.next() >> 11)) },
        LuaFunction(
          "normal", "A normal number.",
          parameters: [
            LuaParameter("mean", .number, "The mean.", default: "0"),
            LuaParameter("std", .number, "The standard deviation.", default: "1"),
          ], returns: [.number],
          example: drawing(
            "local noise = rng:normal(0, 0.1)\n  local ids = noise > 0 and {1, 1, 1, 1, 1} or {2, 2, 2, 2, 2}"
          )
        ) { call in
          let (mean, deviation) = (
            try call.optionalNumber(2) ?? 0, try call.optionalNumber(3) ?? 1
          )
          return call.returns(mean + deviation * Double(try object(call).stream.normalPair().0))
        },
        LuaFunction(
          "choice", "An element of a list, each as likely.",
          parameters: [LuaParameter("list", .table, "At least one element.")],
          returns: [LuaResult(.any, "the element")],
          example: drawing("local ids = rng:choice{{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}}")
        ) { call in
          let list = try call.table(2)
          guard list.count > 0 else { throw call.failure(2, "the list is empty") }
          let place = try object(call).stream.below(UInt32(clamping: list.count))
          return call.returns(list.value(.index(Int(place) + 1)))
        },
        LuaFunction(
          "categorical",
          "An index drawn with these weights; a Tensor's are prepared once, so that drawing again "
            + "takes the same short time for any number of them. With sizes, a tensor of indices; "
            + "with a matrix of weights and rows of it, an index for each row named.",
          parameters: [
            LuaParameter(
              "weights", .union([.object("Tensor"), .list(.number)]),
              "Not negative, not all zero; they need not sum to 1."),
            LuaParameter(
              "rows", .union([.object("IntTensor"), .integer, .list(.integer)]),
              "Rows of the matrix, from 1; or sizes.", optional: true, variadic: true),
          ], returns: [drawn],
          example: drawing(
            "local ids = {}\n  for i = 1, 5 do ids[i] = rng:categorical{0.7, 0.2, 0.1} end\n"
              + "  ids = rng:categorical({0.7, 0.2, 0.1}, 5)\n"
              + "  ids = rng:categorical(mnemo.eye(9), ids)")
        ) { call in
          let source = try object(call)
          if let rows = call.ifObject(3, IntTensor.self) {
            return call.returns(try source.drawn(call.object(2, Tensor.self), rows: rows))
          }
          let table: AliasTable
          if case .object(let weights as Tensor) = call.value(2) {
            guard weights.rank == 1 else {
              throw EngineError(
                "categorical", "needs a vector of weights, got shape \(weights.shape)")
            }
            table = try source.session.aliasTables(weights)[0]
          } else {
            table = try AliasTable(weights: call.numbers(2))
          }
          guard call.has(3) else {
            return call.returns(table.sample(using: &source.stream) + 1)
          }
          return call.returns(
            try source.filled(call.sizes(from: 3)) { table.sample(using: &$1) + 1 })
        },
        LuaFunction(
          "shuffle", "Puts a list into random order, in place.",
          parameters: [LuaParameter("list", .table, "The list.")],
          returns: [LuaResult(.table, "the list itself")],
          example: drawing("local ids = rng:shuffle{1, 2, 3, 4, 5}")
        ) { call in
          let list = try call.table(2)
          let source = try object(call)
          // A table with holes may claim any length.
          if let hole = (0..<list.count).first(where: { list.isNoneOrNil(.index($0 + 1)) }) {
            throw call.failure(2, "[\(hole + 1)]: value expected, got nil")
          }
          for i in stride(from: list.count, to: 1, by: -1) {
            let j = Int(source.stream.below(UInt32(clamping: i))) + 1
            let (a, b) = (list.value(.index(i)), list.value(.index(j)))
            try list.reference.setField(i, b)
            try list.reference.setField(j, a)
          }
          return call.returns(argument: 2)
        },
      ])
  }
}
