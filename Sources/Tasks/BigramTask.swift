import Glibc
import Settings
import Tensors

/// The bigram task with in-context triggers.
///
/// SCIENCE D1–D3; Bietti et al. 2023, *Birth of a Transformer*, §3. A sequence follows the corpus's
/// bigram statistics, except that each of its K *triggers* q_k is always followed by an *output*
/// o_k that is drawn once for the sequence: to predict it, a model has to look back. For each
/// sequence, in this order:
///
/// 1. triggers q₁…q_K, distinct: the same for all sequences, or drawn from πᵤ without replacement;
/// 2. an output o_k for each: uniform, or from π_b(·|q_k);
/// 3. z₁ ~ πᵤ, then T times z_{t+1} = o_k if z_t = q_k, else z_{t+1} ~ π_b(·|z_t).
///
/// Tokens are z₁…z_T, targets z₂…z_{T+1}. With a noise token τ (Chen et al. 2024), z_{t+1} after a
/// trigger is τ with probability `noiseProb`, else the output.
public final class BigramTask: ConcurrentTask {
  /// Where triggers come from.
  public enum TriggerKind: String, SettingConvertible, CaseIterable, Sendable {
    /// The most frequent symbols, in every sequence the same.
    case fixed
    /// Drawn from πᵤ without replacement, for each sequence anew.
    case random
  }

  /// Where outputs come from.
  public enum OutputKind: String, SettingConvertible, CaseIterable, Sendable {
    /// Every symbol with the same probability.
    case uniform
    /// From π_b(·|trigger).
    case bigram
  }

  /// What a task can be told; ids count from 0.
  public struct Options: Configuration, Sendable {
    public static let kind = "bigram"

    /// The statistics; by default tiny Shakespeare's.
    public var corpus: Corpus?
    /// Number of triggers, K; without any (0) sequences follow the bigram statistics alone.
    public var triggers = 5
    /// Where triggers come from.
    public var triggerKind = TriggerKind.fixed
    /// How many of the most frequent symbols fixed triggers leave out.
    public var triggerOffset = 0
    /// Where outputs come from.
    public var outputs = OutputKind.uniform
    /// First and last symbol that may be an output; by default all may.
    ///
    /// Bigram outputs are drawn from π_b given the range. After a random trigger that nothing in
    /// the range (or nothing but itself, under `noRepeat`) ever follows, they are uniform over it.
    public var outputsRange: (first: Int, last: Int)?
    /// Whether an output must differ from its trigger.
    public var noRepeat = false
    /// The token τ that takes an output's place now and then; none that may be a trigger.
    public var noiseToken: Int?
    /// How often it does, from 0 to 1; by default 0.5 where there is a noise token.
    public var noiseProb: Double?
    /// Number of tokens in a sequence, T.
    public var seqLen = 128
    /// Seed of all draws.
    public var seed: UInt64 = 0

    /// The defaults, on tiny Shakespeare.
    public init() {}

    /// The defaults, on another corpus.
    public init(corpus: Corpus?) { self.corpus = corpus }

    public static let fields: [Field<Self>] = [
      Field(
        "corpus", type: .object("Corpus"), default: .described("corpus.shakespeare()"),
        "unigram and bigram statistics of the sequences",
        // It is not written down, but told from another one.
        get: { $0.corpus.map { .text($0.fingerprint) } }, set: { _, _ in "cannot be written down" }),
      Field("triggers", \.triggers, "number of triggers, K"),
      Field(
        "trigger_kind", \.triggerKind,
        "fixed: the most frequent tokens, in every sequence; random: drawn anew for each sequence"),
      Field(
        "trigger_offset", \.triggerOffset,
        "how many of the most frequent tokens fixed triggers leave out"),
      Field(
        "outputs", \.outputs,
        "draws outputs uniformly, or by what follows the trigger in the corpus"),
      Field(
        "outputs_range", type: .list(.token), default: .described("all tokens"),
        "{first, last}: only these tokens are outputs",
        get: { $0.outputsRange.map { .list([.integer($0.first), .integer($0.last)]) } },
        set: { options, value in
          guard let range = [Int](value) else { return "{first, last} expected, got \(value)" }
          guard range.count == 2 else {
            return "{first, last} expected, got \(range.count) numbers"
          }
          options.outputsRange = (range[0], range[1])
          return nil
        }),
      Field("no_repeat", \.noRepeat, "whether an output must differ from its trigger"),
      Field(
        "noise_token", \.noiseToken, type: .token,
        "a token that takes an output's place now and then; none that may be a trigger"),
      Field(
        "noise_prob", \.noiseProb, default: .described("0.5 with a noise_token"),
        "the probability with which noise_token stands in an output's place"),
      Field("seq_len", \.seqLen, "length of a sequence, T"),
      .seed(\.seed, "decides every batch"),
    ]
  }

  /// The statistics that sequences follow.
  public let corpus: Corpus
  /// The options as they were given.
  public let options: Options
  /// Ids of the fixed triggers, the most frequent first; nil if triggers are random.
  public let triggers: [Int32]?

  /// Number of symbols, N.
  public var vocabSize: Int { corpus.vocabSize }
  /// Number of tokens in a sequence, T.
  public var seqLen: Int { options.seqLen }
  public var kind: String { options.kind }
  public var settings: [(name: String, value: SettingValue)] { options.settings }
  public var declarations: [Setting] { Options.declarations }
  public var unwritten: [String] { options.corpus == nil ? [] : ["corpus"] }
  public var text: (any TokenText)? { corpus }
  public var properties: [(name: String, value: TaskProperty)] {
    let kind = options.triggerKind.settingValue.map { TaskProperty.setting($0) }
    return [
      ("corpus", .corpus(corpus)), ("trigger_kind", kind),
      ("triggers", triggers.map { .tokens($0) }),
    ].compactMap { name, value in value.map { (name, $0) } }
  }

  /// Symbols that may be outputs.
  private let range: ClosedRange<Int>
  private let noise: (token: Int32, probability: Double)?
  /// Place of each symbol among the triggers, −1 for others; where they are fixed.
  private let slots: [Int32]

  /// A task with these options.
  /// - Throws: `EngineError` that names the option which cannot be honoured; ids in it count from
  ///   1.
  public init(_ options: Options) throws {
    self.options = options
    corpus = try options.corpus ?? .shakespeare()
    let n = corpus.vocabSize
    guard options.seqLen >= 1, options.seqLen <= SequenceStreams.maxTokens else {
      throw Self.error(
        "seq_len must be from 1 to \(SequenceStreams.maxTokens), got \(options.seqLen)")
    }
    try Self.checkTriggers(options, corpus)
    range = try Self.checkedRange(options, n)
    noise = try Self.checkedNoise(options, n)
    var slots = [Int32](repeating: -1, count: n)
    switch options.triggerKind {
    case .random:
      triggers = nil
      guard options.triggers == 0 || !options.noRepeat || range.count > 1 else {
        throw Self.error(
          "no_repeat leaves no output for a random trigger that is \(range.lowerBound + 1), "
            + "the only symbol in outputs_range")
      }
    case .fixed:
      let first = options.triggerOffset
      let chosen = Array(corpus.ranking()[first..<first + options.triggers])
      for (k, trigger) in chosen.enumerated() {
        slots[Int(trigger)] = Int32(k)
        try Self.checkOutputs(after: trigger, options, corpus, range)
      }
      triggers = chosen
    }
    self.slots = slots
    try checkNoiseIsNoTrigger()
  }
}

// MARK: - Checks

extension BigramTask {
  private static func error(_ message: String) -> EngineError {
    EngineError("data.bigram", message)
  }

  private static func checkTriggers(_ options: Options, _ corpus: Corpus) throws {
    let (k, offset) = (options.triggers, options.triggerOffset)
    let support = corpus.support
    let symbols =
      support == corpus.vocabSize
      ? "the corpus has \(support) symbols"
      : "the corpus has \(support) symbols of positive probability"
    guard k >= 0, k <= support else {
      throw error("triggers must be from 0 to \(support) (\(symbols)), got \(k)")
    }
    guard offset == 0 || options.triggerKind == .fixed else {
      throw error("trigger_offset goes with fixed triggers only, got \(offset) for random ones")
    }
    guard offset >= 0, offset <= support - k else {
      throw error(
        "trigger_offset must be from 0 to \(support - k) for \(k) triggers (\(symbols)), "
          + "got \(offset)")
    }
  }

  private static func checkedRange(_ options: Options, _ n: Int) throws -> ClosedRange<Int> {
    guard let (first, last) = options.outputsRange else { return 0...n - 1 }
    guard first >= 0, last < n, first <= last else {
      // Lua counts from 1; wrapping keeps an absurd number from trapping here.
      throw error(
        "outputs_range must be {first, last} with 1 ≤ first ≤ last ≤ \(n), "
          + "got {\(first &+ 1), \(last &+ 1)}")
    }
    return first...last
  }

  private static func checkedNoise(
    _ options: Options, _ n: Int
  ) throws -> (token: Int32, probability: Double)? {
    guard let token = options.noiseToken else {
      guard options.noiseProb == nil else {
        throw error("noise_prob needs a noise_token")
      }
      return nil
    }
    guard token >= 0, token < n else {
      throw error("noise_token \(token &+ 1) is outside 1…\(n)")
    }
    let probability = options.noiseProb ?? 0.5
    guard probability >= 0, probability <= 1 else {
      throw error("noise_prob must be from 0 to 1, got \(probability)")
    }
    return (Int32(token), probability)
  }

  /// Refuses a noise token that may be a trigger: an output, or noise again, would follow it.
  private func checkNoiseIsNoTrigger() throws {
    guard let token = noise?.token else { return }
    let name = "noise_token \(token + 1) (\"\(corpus.symbols[Int(token)])\")"
    switch options.triggerKind {
    case .fixed:
      guard slots[Int(token)] < 0 else {
        throw Self.error("\(name) is a trigger (allowed: any other token)")
      }
    case .random:
      guard options.triggers == 0 || corpus.unigram[Int(token)] == 0 else {
        throw Self.error(
          "\(name) may be drawn as a random trigger (allowed: tokens of probability 0)")
      }
    }
  }

  private static func checkOutputs(
    after trigger: Int32, _ options: Options, _ corpus: Corpus, _ range: ClosedRange<Int>
  ) throws {
    let name = "trigger \(trigger + 1) (\"\(corpus.symbols[Int(trigger)])\")"
    let itself = options.noRepeat ? Int(trigger) : nil
    if range.count == 1 && range.lowerBound == itself {
      throw error(
        "no_repeat leaves no output for \(name), the only symbol in outputs_range")
    }
    guard
      options.outputs == .uniform || corpus.canFollow(trigger, in: range, excluding: itself)
    else {
      throw error(
        "no bigram output for \(name): nothing "
          + (options.noRepeat ? "but itself " : "")
          + "in {\(range.lowerBound + 1), \(range.upperBound + 1)} ever follows it")
    }
  }
}

// MARK: - Sequences

extension BigramTask {
  /// Batch `index` of `size` sequences.
  ///
  /// Sequence i is drawn from random stream `index`·2²⁴ + i of (seed, purpose), on whatever thread.
  /// - Throws: `EngineError` unless 1 ≤ `size` ≤ 2²⁴ and `index` < 2⁴⁰.
  public func batch(_ size: Int, index: UInt64, purpose: RandomPurpose = .data) throws -> Batch {
    try SequenceStreams.check(size: size, seqLen: seqLen, index: index)
    let shape = [size, seqLen]
    let tokens = try IntTensor(uninitialized: shape)
    let targets = try IntTensor(uninitialized: shape)
    let occurrence = try IntTensor(uninitialized: shape)
    try tokens.withMutableElements { tokens in
      try targets.withMutableElements { targets in
        try occurrence.withMutableElements { occurrence in
          // Each part writes to the sequences of its own range alone.
          nonisolated(unsafe) let places = (tokens, targets, occurrence)
          // Some 16 parts or more of a million tokens, each with scratch memory of its own.
          Parallel.ranges(size, grain: max(8, min(size / 16, (1 << 20) / seqLen))) { range in
            var writer = SequenceWriter(task: self)
            for i in range {
              var stream = SequenceStreams.stream(
                seed: options.seed, purpose: purpose, index: index, sequence: i)
              let row = i * seqLen..<(i + 1) * seqLen
              writer.write(
                tokens: UnsafeMutableBufferPointer(rebasing: places.0[row]),
                targets: UnsafeMutableBufferPointer(rebasing: places.1[row]),
                occurrence: UnsafeMutableBufferPointer(rebasing: places.2[row]), using: &stream)
            }
          }
        }
      }
    }
    try StopToken.check()
    return Batch(
      tokens: tokens, targets: targets, fields: [Batch.Field.occurrence: occurrence])
  }

  /// Draws sequences one after another, reusing its tables.
  private struct SequenceWriter {
    let task: BigramTask
    /// Place of each symbol among the triggers of the sequence, −1 for others.
    var slots: [Int32]
    var triggers: [Int32]
    var outputs: [Int32]
    /// How often each trigger has been seen.
    var seen: [Int32]

    init(task: BigramTask) {
      self.task = task
      slots = task.slots
      triggers = task.triggers ?? []
      outputs = []
      seen = []
    }

    mutating func write(
      tokens: UnsafeMutableBufferPointer<Int32>, targets: UnsafeMutableBufferPointer<Int32>,
      occurrence: UnsafeMutableBufferPointer<Int32>, using stream: inout RandomStream
    ) {
      let corpus = task.corpus
      if task.triggers == nil { drawTriggers(using: &stream) }
      outputs.removeAll(keepingCapacity: true)
      seen.removeAll(keepingCapacity: true)
      for trigger in triggers {
        outputs.append(task.output(after: trigger, using: &stream))
        seen.append(0)
      }
      var token = corpus.first(using: &stream)
      for t in tokens.indices {
        tokens[t] = token
        let slot = Int(slots[Int(token)])
        if slot < 0 {
          occurrence[t] = 0
          token = corpus.next(after: token, using: &stream)
        } else {
          seen[slot] += 1
          occurrence[t] = seen[slot]
          token = outputs[slot]
          if let noise = task.noise, stream.uniformDouble() < noise.probability {
            token = noise.token
          }
        }
        targets[t] = token
      }
    }

    /// Draws K symbols from πᵤ without replacement: one after another, each in proportion to its
    /// probability among those not yet drawn.
    private mutating func drawTriggers(using stream: inout RandomStream) {
      for trigger in triggers { slots[Int(trigger)] = -1 }
      triggers.removeAll(keepingCapacity: true)
      while triggers.count < task.options.triggers {
        // Drawing again whatever was drawn before is exact, but slow once little is left.
        var candidate: Int32?
        for _ in 0..<32 where candidate == nil {
          let drawn = task.corpus.first(using: &stream)
          if slots[Int(drawn)] < 0 { candidate = drawn }
        }
        guard let candidate else {
          drawRemainingTriggers(using: &stream)
          return
        }
        add(candidate)
      }
    }

    /// Draws the triggers still missing at once: the least of exponential times of rate πᵤ come in
    /// the order of successive draws (Efraimidis & Spirakis 2006).
    private mutating func drawRemainingTriggers(using stream: inout RandomStream) {
      var times: [(time: Double, symbol: Int32)] = []
      for symbol in 0..<Int32(task.vocabSize) {
        let probability = task.corpus.unigram[Int(symbol)]
        guard probability > 0, slots[Int(symbol)] < 0 else { continue }
        times.append((-log(1 - stream.uniformDouble()) / probability, symbol))
      }
      times.sort { $0 < $1 }
      for (_, symbol) in times.prefix(task.options.triggers - triggers.count) { add(symbol) }
    }

    private mutating func add(_ trigger: Int32) {
      slots[Int(trigger)] = Int32(triggers.count)
      triggers.append(trigger)
    }
  }

  /// Draws the output of a trigger.
  private func output(after trigger: Int32, using stream: inout RandomStream) -> Int32 {
    let itself = options.noRepeat && range.contains(Int(trigger)) ? Int(trigger) : nil
    if options.outputs == .bigram,
      let drawn = corpus.next(after: trigger, in: range, excluding: itself, using: &stream)
    {
      return drawn
    }
    guard let itself else {
      return Int32(range.lowerBound + Int(stream.below(UInt32(range.count))))
    }
    let place = range.lowerBound + Int(stream.below(UInt32(range.count - 1)))
    return Int32(place < itself ? place : place + 1)
  }
}
