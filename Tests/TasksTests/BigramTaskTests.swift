import Tasks
import Tensors
import TestSupport
import Testing

/// A task with changed defaults.
private func task(
  _ corpus: Corpus? = nil, _ change: (inout BigramTask.Options) -> Void = { _ in }
) throws -> BigramTask {
  var options = BigramTask.Options(corpus: corpus)
  change(&options)
  return try BigramTask(options)
}

/// One sequence of a batch.
private struct Sequence {
  var tokens: [Int]
  var targets: [Int]
  var occurrence: [Int]

  /// The first target after each token that is a trigger.
  var outputs: [Int: Int] {
    var result: [Int: Int] = [:]
    for (t, token) in tokens.enumerated() where occurrence[t] == 1 { result[token] = targets[t] }
    return result
  }
}

extension Batch {
  /// The field that every batch of the task has; tokens, which no test takes for it, if one has
  /// not.
  fileprivate var occurrence: IntTensor { fields["occurrence", default: tokens] }

  fileprivate var sequences: [Sequence] {
    let length = tokens.shape[1]
    func rows(_ tensor: IntTensor) -> [[Int]] {
      let elements = tensor.elements().map { Int($0) }
      return stride(from: 0, to: elements.count, by: length).map {
        Array(elements[$0..<$0 + length])
      }
    }
    return zip(zip(rows(tokens), rows(targets)), rows(occurrence)).map {
      Sequence(tokens: $0.0, targets: $0.1, occurrence: $1)
    }
  }

  fileprivate var ids: [[Int32]] {
    [tokens.elements(), targets.elements(), occurrence.elements()]
  }
}

@Suite struct BigramTaskTests {
  // MARK: Sequences

  /// Corpora and options whose sequences must all keep the definition's rules.
  static let variants: [@Sendable () throws -> BigramTask] = [
    { try task() },
    { try task { $0.triggerKind = .random } },
    { try task { ($0.triggers, $0.triggerOffset, $0.outputs) = (7, 10, .bigram) } },
    { try task { ($0.triggerKind, $0.outputs, $0.noRepeat) = (.random, .bigram, true) } },
    { try task(.letters()) { ($0.triggers, $0.seqLen, $0.noRepeat) = (1, 33, true) } },
    { try task(.uniform(4)) { ($0.triggers, $0.triggerKind, $0.seqLen) = (4, .random, 50) } },
    { try task(.zipf(20, alpha: 3)) { ($0.triggers, $0.triggerKind) = (20, .random) } },
    { try task(.zipf(50_000, alpha: 1)) { ($0.triggerKind, $0.outputsRange) = (.random, (5, 9)) } },
    { try task(.uniform(2)) { ($0.triggers, $0.seqLen) = (0, 1) } },
  ]

  @Test(arguments: variants.indices)
  func sequencesKeepTheDefinition(variant: Int) throws {
    let task = try Self.variants[variant]()
    let batch = try task.batch(37, index: 3)
    #expect(batch.tokens.shape == [37, task.seqLen])
    #expect(batch.targets.shape == [37, task.seqLen])
    #expect(batch.occurrence.shape == [37, task.seqLen])
    var triggersSeen = 0
    for sequence in batch.sequences {
      // Targets are the tokens one place further.
      #expect(Array(sequence.tokens.dropFirst()) == sequence.targets.dropLast())
      #expect((sequence.tokens + sequence.targets).allSatisfy { (0..<task.vocabSize).contains($0) })
      // The occurrence counts each trigger; a token is a trigger everywhere or nowhere.
      let triggers = Set(
        zip(sequence.tokens, sequence.occurrence).filter { $0.1 > 0 }.map { $0.0 })
      if let fixed = task.triggers {
        #expect(triggers == Set(fixed.map { Int($0) }).intersection(sequence.tokens))
      }
      #expect(triggers.count <= task.options.triggers)
      var seen: [Int: Int] = [:]
      for (token, occurrence) in zip(sequence.tokens, sequence.occurrence) {
        if triggers.contains(token) { seen[token, default: 0] += 1 }
        #expect(occurrence == seen[token] ?? 0)
      }
      // A trigger is followed by its output without exception.
      let outputs = sequence.outputs
      for (t, token) in sequence.tokens.enumerated() where sequence.occurrence[t] > 0 {
        #expect(sequence.targets[t] == outputs[token])
        if task.options.noRepeat { #expect(outputs[token] != token) }
        if let range = task.options.outputsRange {
          #expect((range.first...range.last).contains(sequence.targets[t]))
        }
        triggersSeen += 1
      }
    }
    #expect((triggersSeen > 0) == (task.options.triggers > 0))
  }

  @Test func fixedTriggersAreTheMostFrequentSymbols() throws {
    let corpus = try Corpus.counts(unigram: [2, 5, 0, 7, 2, 1])
    #expect(try task(corpus) { $0.triggers = 4 }.triggers == [3, 1, 0, 4])
    #expect(
      try task(corpus) { ($0.triggers, $0.triggerOffset) = (3, 2) }.triggers == [0, 4, 5])
    #expect(try task(corpus) { $0.triggers = 0 }.triggers == [])
    #expect(try task(corpus) { $0.triggerKind = .random }.triggers == nil)
    // Space, e, t, o, a.
    #expect(try task().triggers == Corpus.shakespeare().encode(" etoa"))
  }

  @Test func defaultsAreThoseOfTheDocumentation() throws {
    let task = try task()
    #expect(task.vocabSize == 65)
    #expect(task.seqLen == 128)
    #expect(task.triggers?.count == 5)
    #expect(!task.options.noRepeat)
  }

  @Test func outputsChangeFromSequenceToSequence() throws {
    let outputs = try task(.uniform(10)) { $0.triggers = 1 }.batch(50, index: 0).sequences
      .compactMap { $0.outputs[0] }
    #expect(Set(outputs).count > 5)
  }

  // MARK: Reproducibility

  @Test func theSameIndexGivesTheSameBatch() throws {
    let first = try task { $0.seed = 5 }
    let again = try task { $0.seed = 5 }
    let other = try task { $0.seed = 6 }
    let batch = try first.batch(8, index: 2).ids
    #expect(try again.batch(8, index: 2, purpose: .data).ids == batch)
    #expect(try first.batch(8, index: 3).ids != batch)
    #expect(try first.batch(8, index: 2, purpose: .evaluation).ids != batch)
    #expect(try other.batch(8, index: 2).ids != batch)
    #expect(
      try first.batch(8, index: 2 + (1 << 39)).ids != batch, "high bits of the index are used")
  }

  @Test func aSequenceDoesNotDependOnTheSizeOfItsBatch() throws {
    let task = try task { $0.triggerKind = .random }
    let large = try task.batch(301, index: 1).sequences
    for size in [1, 7, 8, 9, 64, 300] {
      for (a, b) in zip(try task.batch(size, index: 1).sequences, large) {
        #expect(a.tokens == b.tokens && a.targets == b.targets && a.occurrence == b.occurrence)
      }
    }
    #expect(Set(large.map(\.tokens)).count == 301, "sequences differ from each other")
  }

  @Test func anyNumberOfThreadsDrawsTheSame() throws {
    let held = HeldThreads()
    defer { held.end() }
    let task = try task { ($0.triggerKind, $0.outputs) = (.random, .bigram) }
    let batches = try [1, 2, 3, 8].map { threads in
      Parallel.threads = threads
      return try task.batch(100, index: 0).ids
    }
    for batch in batches { #expect(batch == batches[0]) }
  }

  /// Recorded once: a change here changes every published figure.
  @Test func theFirstBatchIsTheRecordedOne() throws {
    let corpus = try Corpus.letters()
    let batch = try task(corpus) { ($0.triggers, $0.seqLen) = (2, 24) }.batch(2, index: 0)
    #expect(
      try batch.sequences.map { try corpus.decode($0.tokens.map { Int32($0) }) } == [
        "ruodroimaoztasiylvejmaol", "evaevitttttttttttttttttt",
      ])
  }

  // MARK: Statistics

  @Test func sequencesBeginWithTheUnigram() throws {
    let corpus = try Corpus.shakespeare()
    var counts = [Int](repeating: 0, count: 65)
    let batch = try task { $0.seqLen = 1 }.batch(50_000, index: 0)
    for token in batch.tokens.elements() {
      counts[Int(token)] += 1
    }
    var test = ChiSquare()
    test.add(counts, corpus.unigram)
    test.expectFit(atLeast: 40)
  }

  @Test(arguments: BigramTask.TriggerKind.allCases)
  func otherTokensFollowTheBigram(kind: BigramTask.TriggerKind) throws {
    let corpus = try Corpus.shakespeare()
    let batch = try task { ($0.triggerKind, $0.seqLen) = (kind, 200) }.batch(1000, index: 0)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 65), count: 65)
    let (tokens, targets) = (batch.tokens.elements(), batch.targets.elements())
    for (i, occurrence) in batch.occurrence.elements().enumerated() where occurrence == 0 {
      counts[Int(tokens[i])][Int(targets[i])] += 1
    }
    var test = ChiSquare()
    for token in 0..<65 { test.add(counts[token], try corpus.bigram(after: token)) }
    test.expectFit(atLeast: 300)
  }

  /// Counts the outputs of `trigger` over many sequences.
  private func outputCounts(_ task: BigramTask, of trigger: Int) throws -> [Int] {
    var counts = [Int](repeating: 0, count: task.vocabSize)
    for sequence in try task.batch(10_000, index: 0).sequences {
      if let output = sequence.outputs[trigger] { counts[output] += 1 }
    }
    return counts
  }

  @Test func uniformOutputsAreUniform() throws {
    let corpus = try Corpus.zipf(12, alpha: 1)
    // All symbols; a range; a range without the trigger, which is symbol 0, 1 or 2.
    let cases: [((Int, Int)?, Bool, [Double])] = [
      (nil, false, [Double](repeating: 1, count: 12)),
      ((2, 6), false, (0..<12).map { (2...6).contains($0) ? 1 : 0 }),
      (nil, true, (0..<12).map { $0 == 1 ? 0 : 1 }),
      ((0, 3), true, (0..<12).map { (0...3).contains($0) && $0 != 1 ? 1 : 0 }),
      ((4, 7), true, (0..<12).map { (4...7).contains($0) ? 1 : 0 }),
    ]
    for (range, noRepeat, weights) in cases {
      let task = try task(corpus) {
        ($0.triggers, $0.seqLen) = (3, 20)
        ($0.outputsRange, $0.noRepeat) = (range, noRepeat)
      }
      var test = ChiSquare()
      test.add(try outputCounts(task, of: 1), weights)
      test.expectFit(atLeast: 2)
    }
  }

  @Test(arguments: BigramTask.TriggerKind.allCases)
  func bigramOutputsFollowTheBigram(kind: BigramTask.TriggerKind) throws {
    let corpus = try Corpus.counts(
      unigram: [4, 3, 2, 1, 1],
      bigram: [
        [1, 2, 3, 4, 0], [5, 0, 1, 2, 2], [1, 1, 8, 0, 3], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1],
      ])
    for (range, noRepeat) in [(nil, false), ((1, 3), false), (nil, true), ((0, 2), true)]
      as [((Int, Int)?, Bool)]
    {
      let task = try task(corpus) {
        ($0.triggers, $0.triggerKind, $0.outputs, $0.seqLen) = (3, kind, .bigram, 20)
        ($0.outputsRange, $0.noRepeat) = (range, noRepeat)
      }
      var test = ChiSquare()
      for trigger in 0..<3 {
        let weights = try corpus.bigram(after: trigger).enumerated().map { symbol, weight in
          let allowed = range.map { ($0.0...$0.1).contains(symbol) } ?? true
          return allowed && !(noRepeat && symbol == trigger) ? weight : 0
        }
        test.add(try outputCounts(task, of: trigger), weights)
      }
      test.expectFit(atLeast: 3)
    }
  }

  /// After random triggers that nothing in the range ever follows, outputs are uniform over it.
  @Test func outputsWithoutMassAreUniform() throws {
    let corpus = try Corpus.counts(
      unigram: [1, 1, 1, 1],
      bigram: [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]])
    let task = try task(corpus) {
      ($0.triggers, $0.triggerKind, $0.outputs, $0.seqLen) = (4, .random, .bigram, 20)
      ($0.outputsRange, $0.noRepeat) = ((1, 3), true)
    }
    var test = ChiSquare()
    test.add(try outputCounts(task, of: 0), [0, 1, 0, 0])
    test.add(try outputCounts(task, of: 1), [0, 0, 1, 1])
    test.add(try outputCounts(task, of: 2), [0, 1, 0, 1])
    test.add(try outputCounts(task, of: 3), [0, 1, 1, 0])
    test.expectFit(atLeast: 3)
  }

  /// P(i is among K symbols drawn without replacement), summed over all orders.
  private func inclusion(_ p: [Double], _ k: Int) -> [Double] {
    var result = [Double](repeating: 0, count: p.count)
    func visit(_ chosen: [Int], _ probability: Double, _ left: Double) {
      if chosen.count == k {
        for i in chosen { result[i] += probability }
        return
      }
      for i in p.indices where !chosen.contains(i) {
        visit(chosen + [i], probability * p[i] / left, left - p[i])
      }
    }
    visit([], 1, 1)
    return result
  }

  /// With uniform outputs and uniform transitions the second token is uniform whatever the
  /// triggers: it is i and a trigger with probability P(i is a trigger)/N.
  @Test(
    arguments: [
      ([4, 3, 2, 1], 1), ([4, 3, 2, 1], 2), ([4, 3, 2, 1], 3), ([5, 1, 1, 4, 0, 2], 3),
      // Here drawing again what was drawn before would hardly ever end.
      ([40_000, 5, 4, 3, 2, 1], 3), ([40_000, 5, 4, 3, 2, 1], 5), ([40_000, 5, 4, 3, 2, 1], 6),
    ] as [([Double], Int)])
  func randomTriggersAreDrawnWithoutReplacement(weights: [Double], k: Int) throws {
    let n = weights.count
    let corpus = try Corpus.counts(
      unigram: weights,
      bigram: [[Double]](repeating: [Double](repeating: 1, count: n), count: n))
    let batch = try task(corpus) {
      ($0.triggers, $0.triggerKind, $0.seqLen) = (k, .random, 2)
    }.batch(200_000, index: 0)
    var counts = [Int](repeating: 0, count: 2 * n)
    let (second, occurrence) = (try batch.tokens.select(1, 1), try batch.occurrence.select(1, 1))
    for (token, occurrence) in zip(second.elements(), occurrence.elements()) {
      counts[2 * Int(token) + (occurrence > 0 ? 1 : 0)] += 1
    }
    var test = ChiSquare()
    // What sums to 1 over all orders may miss it by a rounding error.
    test.add(counts, inclusion(corpus.unigram, k).flatMap { [max(0, 1 - $0 - 1e-12), $0] })
    test.expectFit(atLeast: 4)
  }

  @Test(arguments: [0, 0.3, 0.5, 1, nil] as [Double?])
  func noiseTakesTheOutputsPlaceAsOftenAsTold(probability: Double?) throws {
    // Outputs are never the noise token, so the two can be told apart.
    let task = try task(.zipf(8, alpha: 1)) {
      ($0.triggers, $0.seqLen, $0.outputsRange) = (1, 50, (0, 6))
      ($0.noiseToken, $0.noiseProb) = (7, probability)
    }
    var counts = [0, 0]
    for sequence in try task.batch(500, index: 0).sequences {
      var outputs = Set<Int>()
      for (t, target) in sequence.targets.enumerated() where sequence.occurrence[t] > 0 {
        counts[target == 7 ? 1 : 0] += 1
        if target != 7 { outputs.insert(target) }
      }
      #expect(outputs.count <= 1)
    }
    let expected = probability ?? 0.5
    #expect(counts.reduce(0, +) > 1000)
    if expected == 0 || expected == 1 {
      #expect(counts[Int(1 - expected)] == 0)
    } else {
      var test = ChiSquare()
      test.add(counts, [1 - expected, expected])
      test.expectFit()
    }
  }

  // MARK: What is refused

  private func refused(
    _ message: String, _ corpus: Corpus? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout BigramTask.Options) -> Void
  ) {
    #expect(throws: EngineError("data.bigram", message), sourceLocation: sourceLocation) {
      _ = try task(corpus, change)
    }
  }

  @Test func badTriggersAreRefused() throws {
    refused("triggers must be from 0 to 65 (the corpus has 65 symbols), got 66") {
      $0.triggers = 66
    }
    refused("triggers must be from 0 to 65 (the corpus has 65 symbols), got -1") {
      $0.triggers = -1
    }
    for kind in BigramTask.TriggerKind.allCases {
      refused(
        "triggers must be from 0 to 2 (the corpus has 2 symbols of positive probability), got 3",
        try .counts(unigram: [1, 0, 1])
      ) { ($0.triggers, $0.triggerKind) = (3, kind) }
    }
    refused(
      "trigger_offset must be from 0 to 60 for 5 triggers (the corpus has 65 symbols), got 61"
    ) { $0.triggerOffset = 61 }
    refused(
      "trigger_offset must be from 0 to 60 for 5 triggers (the corpus has 65 symbols), got -1"
    ) { $0.triggerOffset = -1 }
    refused(
      "trigger_offset must be from 0 to 60 for 5 triggers (the corpus has 65 symbols), "
        + "got 9223372036854775807"
    ) { $0.triggerOffset = .max }
    refused("trigger_offset goes with fixed triggers only, got 1 for random ones") {
      ($0.triggerOffset, $0.triggerKind) = (1, .random)
    }
    #expect(throws: Never.self) { try task { $0.triggerOffset = 60 } }
  }

  @Test func badOutputsAreRefused() throws {
    for (first, last, shown) in [
      (-1, 3, "{0, 4}"), (3, 65, "{4, 66}"), (5, 4, "{6, 5}"),
      (0, Int.max, "{1, -9223372036854775808}"),
    ] {
      refused(
        "outputs_range must be {first, last} with 1 ≤ first ≤ last ≤ 65, got \(shown)"
      ) { $0.outputsRange = (first, last) }
    }
    refused("no_repeat leaves no output for trigger 2 (\" \"), the only symbol in outputs_range") {
      ($0.noRepeat, $0.outputsRange) = (true, (1, 1))
    }
    refused(
      "no_repeat leaves no output for a random trigger that is 2, the only symbol in outputs_range"
    ) { ($0.noRepeat, $0.outputsRange, $0.triggerKind) = (true, (1, 1), .random) }
    // "$" is no trigger: there is an output for each.
    #expect(throws: Never.self) {
      try task { ($0.noRepeat, $0.outputsRange) = (true, (3, 3)) }
    }
    let corpus = try Corpus.counts(
      unigram: [3, 2, 1], bigram: [[0, 1, 0], [0, 1, 0], [1, 1, 1]])
    refused("no bigram output for trigger 1 (\"1\"): nothing in {3, 3} ever follows it", corpus) {
      ($0.triggers, $0.outputs, $0.outputsRange) = (2, .bigram, (2, 2))
    }
    refused(
      "no bigram output for trigger 2 (\"2\"): nothing but itself in {1, 3} ever follows it", corpus
    ) { ($0.triggers, $0.outputs, $0.noRepeat) = (2, .bigram, true) }
    #expect(throws: Never.self) {
      try task(corpus) { ($0.triggers, $0.outputs, $0.outputsRange) = (2, .bigram, (1, 2)) }
    }
  }

  @Test func badNoiseIsRefused() {
    for probability in [-0.1, 1.5, .nan, .infinity] {
      refused("noise_prob must be from 0 to 1, got \(probability)") {
        ($0.noiseToken, $0.noiseProb) = (3, probability)
      }
    }
    refused("noise_prob needs a noise_token") { $0.noiseProb = 0.5 }
    refused("noise_token 0 is outside 1…65") { $0.noiseToken = -1 }
    refused("noise_token 66 is outside 1…65") { $0.noiseToken = 65 }
  }

  @Test func noiseThatMayBeATriggerIsRefused() throws {
    // The five most frequent: " ", "e", "t", "o", "a"; "$" is none.
    refused("noise_token 2 (\" \") is a trigger (allowed: any other token)") { $0.noiseToken = 1 }
    refused("noise_token 53 (\"n\") is a trigger (allowed: any other token)") {
      ($0.noiseToken, $0.noiseProb, $0.triggerOffset) = (52, 0, 5)
    }
    refused(
      "noise_token 4 (\"$\") may be drawn as a random trigger (allowed: tokens of probability 0)"
    ) { ($0.noiseToken, $0.triggerKind) = (3, .random) }
    let corpus = try Corpus.counts(unigram: [3, 2, 0])
    #expect(throws: Never.self) {
      _ = try task { $0.noiseToken = 3 }
      _ = try task(corpus) { ($0.triggers, $0.triggerKind, $0.noiseToken) = (2, .random, 2) }
      // Where there are no triggers, nothing is in anyone's place.
      _ = try task { ($0.triggers, $0.triggerKind, $0.noiseToken) = (0, .random, 3) }
      try task { ($0.triggers, $0.noiseToken) = (0, 1) }
    }
  }

  @Test func badLengthsAndSizesAreRefused() throws {
    for length in [0, -1, .max] {
      refused("seq_len must be from 1 to 1073741824, got \(length)") { $0.seqLen = length }
    }
    let task = try task()
    func batchRefused(_ size: Int, _ index: UInt64, _ message: String) {
      #expect(throws: EngineError("batch", message)) { try task.batch(size, index: index) }
    }
    for size in [0, -1, (1 << 24) + 1, .max] {
      batchRefused(size, 0, "needs 1 to 16777216 sequences, got \(size)")
    }
    batchRefused(
      1 << 24, 0,
      "16777216 sequences of 128 tokens are too many (allowed: up to 1073741824 tokens)")
    batchRefused(1, 1 << 40, "index must not exceed 1099511627775, got 1099511627776")
    batchRefused(1, .max, "index must not exceed 1099511627775, got 18446744073709551615")
    #expect(throws: Never.self) { try task.batch(1, index: (1 << 40) - 1) }
  }
}
