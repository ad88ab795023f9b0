import Glibc
import Settings
import Tensors

/// The factual-recall task.
///
/// SCIENCE D4; [FR]. S subjects and R relations, each relation with D answers of its own: the fact
/// (s, r) has the answer a*(s, r), one of relation r's, drawn once for the task. A sequence names a
/// subject and a relation among noise, and its target is their answer. For each sequence, in this
/// order:
///
/// 1. a subject s and a relation r, with probabilities ∝ rank^−α and ∝ rank^−β;
/// 2. their places: that of s anywhere among the first T − 1, that of r at another of them; without
///    EOS r stands last;
/// 3. a uniform noise token at each other place, but for the last, which is EOS.
///
/// Ids are those of subjects, then relations, noise tokens and EOS; answer j of relation r is class
/// r·D + j.
public final class FactualTask: ConcurrentTask {
  /// What a task can be told.
  public struct Options: Configuration, Sendable {
    public static let kind = "factual"

    /// S, number of subjects.
    public var subjects = 32
    /// R, number of relations.
    public var relations = 32
    /// D, number of answers of each relation.
    public var answers = 8
    /// Number of noise tokens; by default S + R.
    public var noise: Int?
    /// Number of tokens in a sequence, T.
    public var seqLen = 32
    /// Whether subject s has answer ⌊s·D/S⌋ of every relation, in place of one drawn.
    public var structured = false
    /// Whether a sequence ends with EOS; if not, with the relation.
    public var eos = true
    /// α: subject probabilities are ∝ rank^−α.
    public var subjectExponent = 0.0
    /// β: relation probabilities are ∝ rank^−β.
    public var relationExponent = 0.0
    /// Seed of the facts and of all draws.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}

    public static let fields: [Field<Self>] = [
      Field("subjects", \.subjects, "number of subjects, S"),
      Field("relations", \.relations, "number of relations, R"),
      Field("answers", \.answers, "number of answers of each relation, D"),
      Field(
        "noise", \.noise, default: .described("subjects + relations"), "number of noise tokens"),
      Field("seq_len", \.seqLen, "length of a sequence, T"),
      Field(
        "structured", \.structured,
        "whether subject s, from 0, has answer ⌊s·D/S⌋ of every relation; else answers are drawn"),
      Field("eos", \.eos, "whether an end token stands last; else the relation does"),
      Field(
        "subject_exponent", \.subjectExponent,
        "α: the subject of rank k, from 1, is drawn with a probability ∝ k^−α"),
      Field(
        "relation_exponent", \.relationExponent,
        "β: the relation of rank k, from 1, is drawn with a probability ∝ k^−β"),
      .seed(\.seed, "decides the facts and every batch"),
    ]
  }

  /// The options as they were given.
  public let options: Options
  /// The answer to each subject and relation, [S, R] row by row: classes from 0 to R·D − 1.
  public let facts: [Int32]
  /// Number of noise tokens.
  public let noise: Int

  /// S + R + noise, and EOS if there is one.
  public var vocabSize: Int { firstNoise + noise + (options.eos ? 1 : 0) }
  /// A = R·D.
  public var targetSize: Int { options.relations * options.answers }
  public var targetsAreTokens: Bool { false }
  /// Number of tokens in a sequence, T.
  public var seqLen: Int { options.seqLen }
  public var kind: String { options.kind }
  public var settings: [(name: String, value: SettingValue)] { options.settings }
  public var declarations: [Setting] { Options.declarations }
  public var text: (any TokenText)? { names }
  public var properties: [(name: String, value: TaskProperty)] {
    [
      ("classes", .setting(.integer(targetSize))), ("positions", .setting(.text("last"))),
      ("facts", .classes(facts, shape: [options.subjects, options.relations])),
    ]
  }

  private var firstNoise: Int { options.subjects + options.relations }
  private let subjects: Ranks
  private let relations: Ranks

  /// A task with these options.
  /// - Throws: `EngineError` that names the option which cannot be honoured.
  public init(_ options: Options) throws {
    self.options = options
    noise = try Self.checkedSizes(options)
    subjects = try Ranks(options.subjects, exponent: options.subjectExponent, "subject")
    relations = try Ranks(options.relations, exponent: options.relationExponent, "relation")
    facts = try Self.answers(options)
  }

  /// Draws the answers, relation by relation for one subject after the other.
  private static func answers(_ options: Options) throws -> [Int32] {
    let (s, r, d) = (options.subjects, options.relations, options.answers)
    var stream = RandomStream(seed: options.seed, purpose: .initialization)
    var answers = [Int32]()
    answers.reserveCapacity(s * r)
    for subject in 0..<s {
      if subject & 0xFF == 0 { try StopToken.checkpoint() }
      for relation in 0..<r {
        let own = options.structured ? subject * d / s : Int(stream.below(UInt32(d)))
        answers.append(Int32(relation * d + own))
      }
    }
    return answers
  }
}

// MARK: - Checks

extension FactualTask {
  private static func error(_ message: String) -> EngineError {
    EngineError("data.factual", message)
  }

  /// The largest number of tokens, of answers and of facts: 64 MiB of them.
  private static let most = 1 << 24

  /// Checks all sizes.
  /// - Returns: the number of noise tokens.
  private static func checkedSizes(_ options: Options) throws -> Int {
    let sizes = [
      ("subjects", options.subjects), ("relations", options.relations),
      ("answers", options.answers),
    ]
    for (name, value) in sizes where value < 1 || value > most {
      throw error("\(name) = \(value) (allowed: 1…\(most))")
    }
    if let noise = options.noise, noise < 0 || noise > most {
      throw error("noise = \(noise) (allowed: 0…\(most))")
    }
    let (s, r, d) = (options.subjects, options.relations, options.answers)
    let noise = options.noise ?? s + r
    // None of these is above 2⁴⁸.
    for (name, count) in [
      ("subjects × relations", s * r), ("relations × answers", r * d),
      ("the tokens (subjects + relations + noise + 1)", s + r + noise + 1),
    ] where count > most {
      throw error("\(name) are \(count), too many (allowed: up to \(most))")
    }
    guard r * d >= 2 else {
      throw error("relations × answers = 1 leaves nothing to tell apart (allowed: 2 or more)")
    }
    let least = options.eos ? 3 : 2
    guard options.seqLen >= least, options.seqLen <= SequenceStreams.maxTokens else {
      throw error(
        "seq_len = \(options.seqLen) (allowed: \(least)…\(SequenceStreams.maxTokens); a subject and "
          + "a relation need a place\(options.eos ? " before the end token" : ""))")
    }
    guard noise > 0 || options.seqLen == least else {
      throw error(
        "noise = 0 leaves nothing to fill seq_len = \(options.seqLen) with (allowed: 1 or more, or "
          + "seq_len = \(least))")
    }
    return noise
  }
}

/// Draws ranks 0, 1, … with probabilities ∝ (rank + 1)^−exponent.
private struct Ranks {
  let count: UInt32
  /// Without one all are alike.
  let table: AliasTable?

  init(_ count: Int, exponent: Double, _ what: String) throws {
    self.count = UInt32(count)
    guard exponent.isFinite, exponent >= 0 else {
      throw EngineError(
        "data.factual", "\(what)_exponent must be 0 or more and finite, got \(exponent)")
    }
    // A coin of 2⁻³² decides which of two an alias table draws.
    guard exponent * log2(Double(count)) <= 32 else {
      let most = 32 / log2(Double(count))
      throw EngineError(
        "data.factual",
        "\(what)_exponent = \(exponent) makes the last of \(count) \(what)s too rare to be drawn: "
          + "\(count)^−\(exponent) is below 2^−32 (allowed: up to \((most * 100).rounded(.down) / 100))"
      )
    }
    table =
      exponent == 0
      ? nil : try AliasTable(weights: (1...count).map { pow(Double($0), -exponent) })
  }

  @inline(__always)
  func draw(using stream: inout RandomStream) -> Int32 {
    guard let table else { return Int32(truncatingIfNeeded: stream.below(count)) }
    return Int32(truncatingIfNeeded: table.sample(using: &stream))
  }
}

// MARK: - Sequences

extension FactualTask {
  /// Batch `index` of `size` sequences, with targets [B] at their last tokens.
  ///
  /// Fields, [B]: the `subjects`, `relations` and `answers`, which are the targets once more.
  /// Sequence i is drawn from random stream `index`·2²⁴ + i of (seed, purpose), on whatever thread.
  /// - Throws: `EngineError` unless 1 ≤ `size` ≤ 2²⁴ and `index` < 2⁴⁰.
  public func batch(_ size: Int, index: UInt64, purpose: RandomPurpose = .data) throws -> Batch {
    try SequenceStreams.check(size: size, seqLen: seqLen, index: index)
    let tokens = try IntTensor(uninitialized: [size, seqLen])
    let named = try (0..<3).map { _ in try IntTensor(uninitialized: [size]) }
    try tokens.withMutableElements { tokens in
      try named[0].withMutableElements { subjects in
        try named[1].withMutableElements { relations in
          try named[2].withMutableElements { targets in
            // Each part writes to the sequences of its own range alone.
            nonisolated(unsafe) let places = (tokens, subjects, relations, targets)
            Parallel.ranges(size, grain: max(8, min(size / 16, (1 << 20) / seqLen))) { range in
              for i in range {
                var stream = SequenceStreams.stream(
                  seed: options.seed, purpose: purpose, index: index, sequence: i)
                let row = i * seqLen..<(i + 1) * seqLen
                let (s, r) = write(
                  UnsafeMutableBufferPointer(rebasing: places.0[row]), using: &stream)
                (places.1[i], places.2[i]) = (s, r)
                places.3[i] = facts[Int(s) * options.relations + Int(r)]
              }
            }
          }
        }
      }
    }
    try StopToken.check()
    return Batch(
      tokens: tokens, targets: named[2],
      fields: [
        Batch.Field.subjects: named[0], Batch.Field.relations: named[1],
        Batch.Field.answers: named[2],
      ])
  }

  /// Draws one sequence.
  /// - Returns: its subject and its relation, counted from 0.
  private func write(
    _ tokens: UnsafeMutableBufferPointer<Int32>, using stream: inout RandomStream
  ) -> (subject: Int32, relation: Int32) {
    let subject = subjects.draw(using: &stream)
    let relation = relations.draw(using: &stream)
    let last = seqLen - 1
    let place = Int(stream.below(UInt32(last)))
    var other = last
    if options.eos {
      // Any of the other places but the last: those from the subject's on move by one.
      other = Int(stream.below(UInt32(last - 1)))
      if other >= place { other += 1 }
    }
    let first = Int32(firstNoise)
    stream.fill(tokens, from: first, below: UInt32(max(noise, 1)))
    if options.eos { tokens[last] = first + Int32(noise) }
    tokens[place] = subject
    tokens[other] = Int32(options.subjects) + relation
    return (subject, relation)
  }
}

// MARK: - Names

extension FactualTask {
  /// What its tokens are called.
  public var names: Names {
    Names(
      subjects: options.subjects, relations: options.relations, noise: noise, hasEnd: options.eos)
  }

  /// What tokens are: "subject 3", "relation 1", "noise 2" or "EOS", counted from 1.
  public struct Names: TokenText, Sendable {
    let subjects: Int
    let relations: Int
    let noise: Int
    let hasEnd: Bool

    /// The name of a token.
    /// - Throws: `EngineError` if the id, counted from 0, is outside the vocabulary.
    public func name(of id: Int32) throws -> String {
      let (id, firstNoise) = (Int(id), subjects + relations)
      let count = firstNoise + noise + (hasEnd ? 1 : 0)
      guard id >= 0, id < count else {
        throw EngineError("explain", "token \(id + 1) is outside 1…\(count)")
      }
      if id < subjects { return "subject \(id + 1)" }
      if id < firstNoise { return "relation \(id - subjects + 1)" }
      return id < firstNoise + noise ? "noise \(id - firstNoise + 1)" : "EOS"
    }

    /// The names with commas between.
    public func decode(_ ids: [Int32]) throws -> String {
      try ids.map(name).joined(separator: ", ")
    }
  }
}
