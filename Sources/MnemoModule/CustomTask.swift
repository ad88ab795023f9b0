import LuaBridge
import Settings
import Tasks
import Tensors
import Transformers

/// A task whose sequences a Lua function draws, with the same standing as the built-in ones.
///
/// Sequence i of a batch gets a random source of its own, or the whole batch has one, so a batch is
/// a function of its index.
final class CustomTask: TokenTask {
  /// What is declared of a task: what its sequences are made of, and what is asked about them.
  struct Sizes {
    let vocab: Int
    let seqLen: Int
    /// Number of classes that targets are of; nil if they are the tokens that follow.
    let classes: Int?
    /// Where there are targets.
    let readout: Readout

    func check() throws {
      for (name, value) in [("vocab", vocab), ("classes", classes ?? 2)] where value < 2 {
        throw EngineError("data.custom", "\(name) = \(value) (allowed: 2 or more)")
      }
      guard seqLen >= 1, seqLen <= 1 << 20 else {
        throw EngineError("data.custom", "seq_len = \(seqLen) (allowed: 1…\(1 << 20))")
      }
    }

    /// The shape of the targets of `count` sequences.
    func targets(_ count: Int) -> [Int] {
      readout == .everyPosition ? [count, seqLen] : [count]
    }
  }

  let sizes: Sizes
  private let seed: UInt64
  private unowned let lua: Lua
  private let session: ModuleState
  private let symbols: SymbolText?
  private let functions: Functions
  let kind = "custom"
  var unwritten: [String] { [functions.drawsBatches ? "sample_batch" : "sample"] }

  /// Which functions the script gave beside `sample`, or in its place.
  struct Functions {
    /// Whether one draws a whole batch.
    let drawsBatches: Bool
    /// Whether one turns ids into text.
    let decodes: Bool
  }

  var vocabSize: Int { sizes.vocab }
  var targetSize: Int { sizes.classes ?? sizes.vocab }
  var targetsAreTokens: Bool { sizes.classes == nil }
  var isDrawnAhead: Bool { functions.drawsBatches }
  var seqLen: Int { sizes.seqLen }
  var settings: [(name: String, value: SettingValue)] {
    let classes: [(name: String, value: SettingValue)] =
      sizes.classes.map {
        [("classes", .integer($0)), ("positions", .text(sizes.readout.rawValue))]
      } ?? []
    return [("vocab", .integer(vocabSize)), ("seq_len", .integer(seqLen))] + classes
      + [("seed", seed.settingValue ?? .large(seed))]
  }
  var properties: [(name: String, value: TaskProperty)] {
    sizes.classes.map {
      [
        ("classes", .setting(.integer($0))),
        ("positions", .setting(.text(sizes.readout.rawValue))),
      ]
    } ?? []
  }

  init(
    _ lua: Lua, _ session: ModuleState, _ sizes: Sizes, seed: UInt64, symbols: [String]?,
    functions: Functions
  ) throws {
    try sizes.check()
    if let symbols {
      guard symbols.count == sizes.vocab else {
        throw EngineError(
          "data.custom", "\(symbols.count) symbols for a vocabulary of \(sizes.vocab)")
      }
      guard !functions.decodes else {
        throw EngineError("data.custom", "symbols and decode exclude each other")
      }
    }
    self.symbols = symbols.map(SymbolText.init)
    (self.lua, self.session, self.sizes, self.seed, self.functions) = (
      lua, session, sizes, seed, functions
    )
  }

  func batch(_ size: Int, index: UInt64, purpose: RandomPurpose) throws -> Batch {
    try SequenceStreams.check(size: size, seqLen: seqLen, index: index)
    let drawn = try DrawnSequences(lua, sizes, count: size)
    func source(_ sequence: Int) -> RandomSource {
      RandomSource(
        session,
        SequenceStreams.stream(seed: seed, purpose: purpose, index: index, sequence: sequence))
    }
    if functions.drawsBatches {
      try drawn.take(
        lua.calling(
          "sample_batch", kept("sample_batch"), [.object(source(0)), .integer(size)]))
    } else {
      let sample = try kept("sample")
      for i in 0..<size {
        try drawn.take(lua.calling("sample", sample, [.object(source(i))]), asSequence: i)
      }
    }
    return drawn.batch
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
  var text: (any TokenText)? { symbols ?? (functions.decodes ? ScriptText(task: self) : nil) }

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
}
