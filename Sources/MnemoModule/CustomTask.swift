import LuaBridge
import Settings
import Tasks
import Tensors

/// A task whose sequences a Lua function draws, with the same standing as the built-in ones.
///
/// Sequence i of a batch gets a random source of its own, so a batch is a function of its index.
final class CustomTask: TokenTask {
  let vocabSize: Int
  let seqLen: Int
  private let seed: UInt64
  private unowned let lua: Lua
  private let session: ModuleState
  private let symbols: SymbolText?
  /// Whether the script gave a function that turns ids into text.
  private let decodes: Bool
  let kind = "custom"
  var settings: [(name: String, value: SettingValue)] {
    [
      ("vocab", .integer(vocabSize)), ("seq_len", .integer(seqLen)),
      ("seed", seed.settingValue ?? .large(seed)),
    ]
  }

  init(
    _ lua: Lua, _ session: ModuleState, vocab: Int, seqLen: Int, seed: UInt64, symbols: [String]?,
    decodes: Bool
  ) throws {
    guard vocab >= 2 else {
      throw EngineError("data.custom", "vocab = \(vocab) (allowed: 2 or more)")
    }
    guard seqLen >= 1, seqLen <= 1 << 20 else {
      throw EngineError("data.custom", "seq_len = \(seqLen) (allowed: 1…\(1 << 20))")
    }
    if let symbols {
      guard symbols.count == vocab else {
        throw EngineError(
          "data.custom", "\(symbols.count) symbols for a vocabulary of \(vocab)")
      }
      guard !decodes else {
        throw EngineError("data.custom", "symbols and decode exclude each other")
      }
    }
    self.symbols = symbols.map(SymbolText.init)
    self.decodes = decodes
    (self.lua, self.session, vocabSize, self.seqLen, self.seed) = (
      lua, session, vocab, seqLen, seed
    )
  }

  func batch(_ size: Int, index: UInt64, purpose: RandomPurpose) throws -> Batch {
    try SequenceStreams.check(size: size, seqLen: seqLen, index: index)
    let sample = try kept("sample")
    let tokens = try IntTensor(shape: [size, seqLen])
    let targets = try IntTensor(shape: [size, seqLen])
    let occurrence = try IntTensor(shape: [size, seqLen])
    for i in 0..<size {
      let source = RandomSource(
        session,
        SequenceStreams.stream(seed: seed, purpose: purpose, index: index, sequence: i))
      let results = try lua.calling("sample", sample, [.object(source)])
      let ids = try read(results.first ?? .nil, "ids", count: seqLen + 1)
      if let bad = ids.first(where: { $0 < 1 || $0 > vocabSize }) {
        throw EngineError("sample", "id \(bad) is outside 1…\(vocabSize)")
      }
      let seen =
        results.count > 1 && !results[1].isNil
        ? try read(results[1], "occurrence", count: seqLen) : nil
      try tokens.withMutableElements { out in
        for t in 0..<seqLen { out[i * seqLen + t] = ids[t] - 1 }
      }
      try targets.withMutableElements { out in
        for t in 0..<seqLen { out[i * seqLen + t] = ids[t + 1] - 1 }
      }
      if let seen {
        try occurrence.withMutableElements { out in
          for t in 0..<seqLen { out[i * seqLen + t] = seen[t] }
        }
      }
    }
    return Batch(
      tokens: tokens, targets: targets, fields: [Batch.Field.occurrence: occurrence])
  }

  /// A function of the script's, kept where Lua's collector sees what it holds.
  private func kept(_ name: String) throws -> LuaReference {
    guard case .table(let table) = lua.userValue(of: self),
      case .function(let function) = table.rawGet(name)
    else {
      throw EngineError(
        "data.custom", "its Lua function is gone; keep the task that it belongs to")
    }
    return function
  }

  /// What turns its ids into text; nil if they are numbers only.
  var text: (any TokenText)? { symbols ?? (decodes ? ScriptText(task: self) : nil) }

  /// Ids as the script's function writes them.
  private struct ScriptText: TokenText {
    weak var task: CustomTask?

    func decode(_ ids: [Int32]) throws -> String {
      guard let task else { throw EngineError("decode", "the task is gone") }
      let results = try task.lua.calling(
        "decode", task.kept("decode"), [task.lua.value(of: ids.map { Int($0) + 1 })])
      guard let text = results.first?.asString else {
        throw EngineError(
          "decode", "must return a string, got \((results.first ?? .nil).typeName)")
      }
      return text
    }
  }

  /// Ids as symbols, side by side if each is a character, else with spaces between.
  private struct SymbolText: TokenText {
    let symbols: [String]

    func decode(_ ids: [Int32]) throws -> String {
      let words = try ids.map { id in
        guard symbols.indices.contains(Int(id)) else {
          throw EngineError("decode", "token \(id + 1) is outside 1…\(symbols.count)")
        }
        return symbols[Int(id)]
      }
      return words.joined(separator: symbols.allSatisfy { $0.count == 1 } ? "" : " ")
    }
  }

  /// Integers that the sampler returned, as a list or an IntTensor.
  private func read(_ value: LuaValue, _ what: String, count: Int) throws -> [Int32] {
    let numbers: [Int32]
    switch value {
    case .object(let tensor as IntTensor): numbers = tensor.elements()
    case .table(let reference):
      numbers = try lua.integers(in: reference).map { number in
        guard let small = Int32(exactly: number) else {
          throw EngineError("sample", "\(what): integers have 32 bits here, got \(number)")
        }
        return small
      }
    default:
      throw EngineError(
        "sample", "must return \(what) as a list or an IntTensor, got \(value.typeName)")
    }
    guard numbers.count == count else {
      throw EngineError(
        "sample",
        "must return \(count) \(what) (seq_len\(what == "ids" ? " + 1" : "")), "
          + "got \(numbers.count)")
    }
    return numbers
  }
}

/// Random numbers for a sampler: a stream of their own for each sequence.
final class RandomSource {
  private let session: ModuleState
  private var stream: RandomStream

  init(_ session: ModuleState, _ stream: RandomStream) {
    (self.session, self.stream) = (session, stream)
  }

  private static func object(_ call: Call) throws -> RandomSource {
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
        Function(
          "uniform", "A uniform number in [low, high).",
          parameters: [
            Parameter("low", .number, "The lower end.", default: "0"),
            Parameter("high", .number, "The upper end.", default: "1"),
          ], returns: [.number],
          example: drawing(
            "local ids = {}\n  for i = 1, 5 do ids[i] = rng:uniform() < 0.5 and 1 or 2 end")
        ) { call in
          let (low, high) = (try call.optionalNumber(2) ?? 0, try call.optionalNumber(3) ?? 1)
          return call.returns(low + (high - low) * (try object(call).stream.uniformDouble()))
        },
        Function(
          "integer", "A uniform integer from first to last, both included.",
          parameters: [
            Parameter("first", .integer, "The smallest."),
            Parameter("last", .integer, "The largest."),
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
        Function(
          "normal", "A normal number.",
          parameters: [
            Parameter("mean", .number, "The mean.", default: "0"),
            Parameter("std", .number, "The standard deviation.", default: "1"),
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
        Function(
          "choice", "An element of a list, each as likely.",
          parameters: [Parameter("list", .table, "At least one element.")],
          returns: [LuaResult(.any, "the element")],
          example: drawing("local ids = rng:choice{{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}}")
        ) { call in
          let list = try call.table(2)
          guard list.count > 0 else { throw call.failure(2, "the list is empty") }
          let place = try object(call).stream.below(UInt32(clamping: list.count))
          return call.returns(list.value(.index(Int(place) + 1)))
        },
        Function(
          "categorical",
          "An index drawn with these weights; a Tensor's are prepared once, so that drawing again "
            + "takes the same short time for any number of them.",
          parameters: [
            Parameter(
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
        Function(
          "shuffle", "Puts a list into random order, in place.",
          parameters: [Parameter("list", .table, "The list.")],
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
