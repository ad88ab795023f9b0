import LuaBridge
import Tasks
import Tensors

/// Random numbers for a sampler: a stream of their own for each sequence.
final class RandomSource {
  private let session: ModuleState
  private var stream: RandomStream

  init(_ session: ModuleState, _ stream: RandomStream) {
    (self.session, self.stream) = (session, stream)
  }

  private static func object(_ call: LuaCall) throws -> RandomSource {
    try call.object(1, RandomSource.self)
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
      "The random numbers of one sequence: the same for the same seed, batch index and place.",
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
          "integer", "A uniform integer from first to last, both included.",
          parameters: [
            LuaParameter("first", .integer, "The smallest."),
            LuaParameter("last", .integer, "The largest."),
          ], returns: [.integer],
          example: drawing("local ids = {}\n  for i = 1, 5 do ids[i] = rng:integer(1, 9) end")
        ) { call in
          let (first, last) = (try call.integer(2), try call.integer(3))
          let (span, overflow) = last.subtractingReportingOverflow(first)
          guard first <= last, !overflow, span < Int(UInt32.max) else {
            throw EngineError(
              "integer", "from \(first) to \(last) (allowed: first ≤ last, less than 2^32 apart)")
          }
          return call.returns(first + Int(try object(call).stream.below(UInt32(span + 1))))
        },
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
            + "takes the same short time for any number of them.",
          parameters: [
            LuaParameter(
              "weights", .union([.object("Tensor"), .list(.number)]),
              "Not negative, not all zero; they need not sum to 1.")
          ], returns: [.integer],
          example: drawing(
            "local ids = {}\n  for i = 1, 5 do ids[i] = rng:categorical{0.7, 0.2, 0.1} end")
        ) { call in
          let source = try object(call)
          if case .object(let weights as Tensor) = call.value(2) {
            let table = try source.session.aliasTable(weights)
            return call.returns(table.sample(using: &source.stream) + 1)
          }
          let table = try AliasTable(weights: call.numbers(2))
          return call.returns(table.sample(using: &source.stream) + 1)
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
