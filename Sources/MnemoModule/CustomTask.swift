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
