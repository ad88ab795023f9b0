import Tasks
import Tensors
import TestSupport
import Testing

/// A task with changed defaults.
private func task(
  _ change: (inout FactualTask.Options) -> Void = { _ in }
) throws -> FactualTask {
  var options = FactualTask.Options()
  change(&options)
  return try FactualTask(options)
}

struct FactualTaskTests {
  static let variants: [@Sendable () throws -> FactualTask] = [
    { try task() },
    { try task { ($0.subjects, $0.relations, $0.answers, $0.seqLen) = (5, 3, 4, 7) } },
    { try task { ($0.subjects, $0.relations, $0.eos, $0.noise) = (5, 3, false, 1) } },
    { try task { ($0.noise, $0.seqLen) = (0, 3) } },
    { try task { ($0.noise, $0.seqLen, $0.eos) = (0, 2, false) } },
    { try task { ($0.structured, $0.subjectExponent, $0.relationExponent) = (true, 1.5, 1) } },
    { try task { ($0.subjects, $0.relations, $0.answers) = (1, 1, 2) } },
  ]

  @Test(arguments: variants.indices) func sequencesKeepTheDefinition(variant: Int) throws {
    let task = try Self.variants[variant]()
    let options = task.options
    let (s, r, d, length) = (
      options.subjects, options.relations, options.answers, options.seqLen
    )
    let batch = try task.batch(41, index: 2)
    #expect(batch.tokens.shape == [41, length] && batch.targets.shape == [41])
    #expect(Set(batch.fields.keys) == ["subjects", "relations", "answers"])
    #expect(batch.fields.values.allSatisfy { $0.shape == [41] })
    let tokens = batch.tokens.elements().map { Int($0) }
    func field(_ name: String) throws -> [Int] {
      try #require(batch.fields[name]).elements().map { Int($0) }
    }
    let (subjects, relations, answers) = (
      try field("subjects"), try field("relations"), try field("answers")
    )
    #expect(answers == batch.targets.elements().map { Int($0) })
    let end = options.eos ? [s + r + task.noise] : []
    for i in 0..<41 {
      let sequence = Array(tokens[i * length..<(i + 1) * length])
      let named = sequence.filter { $0 < s + r }.sorted()
      #expect(named == [subjects[i], s + relations[i]])
      #expect(Array(sequence.suffix(end.count)) == end)
      #expect(options.eos || sequence.last == s + relations[i])
      #expect(sequence.dropLast(end.count).allSatisfy { $0 < s + r + task.noise })
      #expect(answers[i] == Int(task.facts[subjects[i] * r + relations[i]]))
      #expect(answers[i] / d == relations[i])
    }
    #expect(task.vocabSize == s + r + task.noise + end.count)
    #expect(task.targetSize == r * d)
    #expect(task.facts.count == s * r)
  }

  @Test func everyPlaceIsAsLikely() throws {
    let task = try task { ($0.subjects, $0.relations, $0.answers, $0.seqLen) = (2, 2, 2, 6) }
    let tokens = try task.batch(20_000, index: 0).tokens.elements()
    var counts = [[Int]: Int]()
    for i in 0..<20_000 {
      let sequence = tokens[i * 6..<(i + 1) * 6].map { Int($0) }
      let places = [
        sequence.firstIndex { $0 < 2 } ?? -1, sequence.firstIndex { (2..<4).contains($0) } ?? -1,
      ]
      counts[places, default: 0] += 1
    }
    // 5 places for the subject, 4 of them left for the relation.
    #expect(counts.count == 20)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 }, "\(counts)")
  }

  @Test func ranksHaveTheirProbabilities() throws {
    let task = try task {
      ($0.subjects, $0.relations) = (4, 3)
      ($0.subjectExponent, $0.relationExponent) = (1, 2)
    }
    let batch = try task.batch(40_000, index: 0)
    for (name, weights) in [
      ("subjects", [1, 1 / 2, 1 / 3, 1 / 4]), ("relations", [1, 1 / 4, 1 / 9]),
    ] as [(String, [Double])] {
      let drawn = try #require(batch.fields[name]).elements()
      for (rank, weight) in weights.enumerated() {
        let share = Double(drawn.filter { $0 == rank }.count) / 40_000
        #expect(abs(share - weight / weights.reduce(0, +)) < 0.01, "\(name) \(rank)")
      }
    }
  }

  @Test func structuredFactsFollowTheSubject() throws {
    let task = try task {
      ($0.subjects, $0.relations, $0.answers, $0.structured) = (16, 4, 8, true)
    }
    for s in 0..<16 { for r in 0..<4 { #expect(Int(task.facts[s * 4 + r]) == r * 8 + s / 2) } }
  }

  @Test func drawnFactsAreUniform() throws {
    let task = try task { ($0.subjects, $0.relations, $0.answers) = (400, 20, 4) }
    var counts = [Int](repeating: 0, count: 4)
    for fact in task.facts { counts[Int(fact) % 4] += 1 }
    #expect(counts.allSatisfy { abs($0 - 2000) < 200 }, "\(counts)")
    #expect(
      try FactualTaskTests.same(task.facts, seed: 0) && !FactualTaskTests.same(task.facts, seed: 1))
  }

  private static func same(_ facts: [Int32], seed: UInt64) throws -> Bool {
    try task { ($0.subjects, $0.relations, $0.answers, $0.seed) = (400, 20, 4, seed) }.facts
      == facts
  }

  @Test func batchesAreFunctionsOfTheirIndex() throws {
    func ids(_ batch: Batch) -> [Int32] { batch.tokens.elements() + batch.targets.elements() }
    let held = HeldThreads()
    defer { held.end() }
    for seed in 0..<16 as Range<UInt64> {
      let (one, other) = (try task { $0.seed = seed }, try task { $0.seed = seed })
      Parallel.threads = 1
      let expected = ids(try one.batch(100, index: 5))
      _ = try other.batch(3, index: 9)
      Parallel.threads = 3
      #expect(ids(try other.batch(100, index: 5)) == expected)
      #expect(ids(try other.batch(100, index: 6)) != expected)
      #expect(ids(try other.batch(100, index: 5, purpose: .evaluation)) != expected)
      #expect(
        try other.batch(7, index: 5).tokens.elements() == Array(expected[..<(7 * other.seqLen)]))
    }
  }

  @Test func tokensHaveNames() throws {
    let task = try task { ($0.subjects, $0.relations, $0.noise, $0.seqLen) = (3, 2, 4, 8) }
    #expect(
      try (0..<10).map { try task.names.name(of: $0) } == [
        "subject 1", "subject 2", "subject 3", "relation 1", "relation 2", "noise 1", "noise 2",
        "noise 3", "noise 4", "EOS",
      ])
    #expect(try task.text?.decode([2, 9]) == "subject 3, EOS")
    expectError("explain: token 11 is outside 1…10") { try task.names.name(of: 10) }
    expectError("explain: token 0 is outside 1…10") { try task.names.name(of: -1) }
  }

  @Test func whatIsRefused() throws {
    func expectRefused(
      _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
      _ change: @escaping (inout FactualTask.Options) -> Void
    ) {
      expectError("data.factual: \(text)", sourceLocation: sourceLocation) { try task(change) }
    }
    expectRefused("subjects = 0 (allowed: 1…16777216)") { $0.subjects = 0 }
    expectRefused("relations = -3 (allowed: 1…16777216)") { $0.relations = -3 }
    expectRefused("answers = \(Int.max) (allowed: 1…16777216)") { $0.answers = .max }
    expectRefused("noise = -1 (allowed: 0…16777216)") { $0.noise = -1 }
    expectRefused("noise = 16777217 (allowed: 0…16777216)") { $0.noise = 1 << 24 + 1 }
    expectRefused("subjects × relations are 33554432, too many (allowed: up to 16777216)") {
      ($0.subjects, $0.relations) = (1 << 20, 32)
    }
    // Of the noise nothing is said that was not given.
    expectRefused("subjects × relations are 100000000000000, too many (allowed: up to 16777216)") {
      ($0.subjects, $0.relations) = (10_000_000, 10_000_000)
    }
    expectRefused("relations × answers are 536870912, too many (allowed: up to 16777216)") {
      $0.answers = 1 << 24
    }
    expectRefused(
      "the tokens (subjects + relations + noise + 1) are 16777281, too many (allowed: up to "
        + "16777216)"
    ) { $0.noise = 1 << 24 }
    expectRefused(
      "relations × answers = 1 leaves nothing to tell apart (allowed: 2 or more)"
    ) { ($0.relations, $0.answers) = (1, 1) }
    expectRefused(
      "seq_len = 2 (allowed: 3…1073741824; a subject and a relation need a place before the end "
        + "token)"
    ) { $0.seqLen = 2 }
    expectRefused(
      "seq_len = 1 (allowed: 2…1073741824; a subject and a relation need a place)"
    ) { ($0.seqLen, $0.eos) = (1, false) }
    expectRefused(
      "noise = 0 leaves nothing to fill seq_len = 4 with (allowed: 1 or more, or seq_len = 3)"
    ) { ($0.noise, $0.seqLen) = (0, 4) }
    expectRefused("subject_exponent must be 0 or more and finite, got nan") {
      $0.subjectExponent = .nan
    }
    expectRefused("relation_exponent must be 0 or more and finite, got -1.0") {
      $0.relationExponent = -1
    }
    expectRefused(
      "subject_exponent = 200.0 makes the last of 32 subjects too rare to be drawn: 32^−200.0 is "
        + "below 2^−32 (allowed: up to 6.4)"
    ) { $0.subjectExponent = 200 }
    #expect(throws: Never.self) { try task { $0.subjectExponent = 6.4 } }
    let small = try task()
    expectError("batch: needs 1 to 16777216 sequences, got 0") { try small.batch(0, index: 0) }
  }
}
