import Glibc
import Synchronization
import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// Several models at once: each does what it does alone.
///
/// The number of threads is the process's; no numbers depend on it.
@Suite(.serialized) struct SideBySideTests {
  /// Models of both kinds that differ in their seeds; five, for two threads.
  private func models() throws -> [any Model] {
    let simplified = try (1...3).map { seed in
      try smallModel { $0.seed = UInt64(seed) } as any Model
    }
    let usual = try (4...5).map { seed in
      try Transformer(.small { $0.seed = UInt64(seed) }) as any Model
    }
    return [simplified[0], usual[0], simplified[1], usual[1], simplified[2]]
  }

  /// What a set of options is called, and what it changes.
  enum Kind: CaseIterable {
    case plain, often, scripted, clipped
  }

  private func options(
    _ kind: Kind, _ model: any Model, _ optimizer: any Optimizer
  ) throws -> TrainingOptions {
    var options = TrainingOptions(
      model: model, task: try smallTask(), steps: 11, optimizer: optimizer)
    (options.batchSize, options.evalEvery) = (4, 3)
    options.probes = [
      ("gradients", { Double($0.model.parameters.trained.count { $0.tensor.grad != nil }) }),
      ("logits", { Double(try $0.logits().square().sum().item()) }),
    ]
    switch kind {
    case .plain: break
    case .often: options.evalEvery = 1
    case .scripted:
      options.lossOn = .custom { try LossMask.outputs.mask(of: #require($0.sequences)) }
      options.schedule[5] = { try $0.parameters.setTrained("layers.0.*.wk.*", false) }
      options.schedule[8] = { try $0.parameters.setTrained("layers.0.*.wk.*", true) }
    case .clipped: (options.clipNorm, options.batchSize) = (0.5, 40)
    }
    return options
  }

  private func history(_ run: TrainingRun) -> [[UInt64]] {
    run.history.map {
      [UInt64($0.step), $0.loss.bitPattern] + $0.values.map(\.value.bitPattern)
    }
  }

  private func withThreads(_ counts: [Int], _ body: (Int) throws -> Void) rethrows {
    let held = HeldThreads()
    defer { held.end() }
    for threads in counts {
      Parallel.threads = threads
      try body(threads)
    }
  }

  @Test(arguments: UpdateRule.allCases, Kind.allCases)
  func eachGivesTheNumbersThatItGivesAlone(_ rule: UpdateRule, _ kind: Kind) throws {
    let rate = LearningRate.schedule { 0.2 / Double(1 + $0) }
    let alone = try models().map { model in
      let run = try TrainingRun(
        options(kind, model, rule.optimizer(kind == .plain ? .constant(0.05) : rate)))
      try run.run()
      return run
    }
    try withThreads([1, 2, 3]) { threads in
      let optimizer = try rule.optimizer(kind == .plain ? .constant(0.05) : rate)
      let runs = try models().map { try TrainingRun(options(kind, $0, optimizer)) }
      try SideBySide(runs).run()
      for (place, (run, expected)) in zip(runs, alone).enumerated() {
        #expect(history(run) == history(expected), "run \(place), \(threads) threads")
        #expect(run.bits == expected.bits, "run \(place), \(threads) threads")
        #expect(run.status == .finished && run.step == 11 && run.hasNoGradients)
      }
    }
  }

  /// Two models, each of which keeps four threads busy.
  @Test func runsTakeTurnsWhereOneFillsAllThreads() throws {
    func runs() throws -> [TrainingRun] {
      let optimizer = try AdamW()
      return try (0..<2).map { place in
        try smallRun(
          steps: 4, optimizer: optimizer, model: smallModel { $0.seed = UInt64(place) }
        ) { $0.batchSize = 640 }
      }
    }
    let alone = try runs()
    for run in alone { try run.run() }
    try withThreads([4]) { _ in
      let together = try runs()
      try SideBySide(together).run()
      #expect(together.map(\.bits) == alone.map(\.bits))
      #expect(together.map(\.losses) == alone.map(\.losses))
    }
  }

  /// A run goes on alone with what the optimizer of all remembers of it.
  @Test(arguments: UpdateRule.allCases) func eachGoesOnAlone(_ rule: UpdateRule) throws {
    let whole = try models().map { model in
      let run = try TrainingRun(options(.plain, model, rule.optimizer(.constant(0.05))))
      try run.run()
      try run.advance(4)
      return run
    }
    try withThreads([2]) { _ in
      let optimizer = try rule.optimizer(.constant(0.05))
      let runs = try models().map { try TrainingRun(options(.plain, $0, optimizer)) }
      try SideBySide(runs).run()
      for run in runs.reversed() { try run.advance(4) }
      #expect(runs.map(\.bits) == whole.map(\.bits))
    }
  }

  @Test func callbacksComeOnTheCallersThreadInOrder() throws {
    final class Calls { var heard: [String] = [] }
    let calls = Calls()
    let caller = pthread_self()
    try withThreads([2]) { _ in
      let runs = try (0..<3).map { place in
        try smallRun(steps: 4, model: smallModel { $0.seed = UInt64(place) }) { options in
          func hear(_ word: String) {
            #expect(pthread_self() == caller)
            calls.heard.append("\(word) \(place)")
          }
          options.schedule[2] = { _ in hear("at 2") }
          options.onRecord = { hear("record \($0.step)") }
        }
      }
      try SideBySide(runs).run()
    }
    let expected = ["record 0", "at 2", "record 3", "record 4"].flatMap { word in
      (0..<3).map { "\(word) \($0)" }
    }
    #expect(calls.heard == expected)
  }

  // MARK: Ends

  private final class Counter: Sendable {
    private let counted = Atomic<Int>(0)
    var count: Int { counted.load(ordering: .relaxed) }
    func next() -> Int { counted.add(1, ordering: .relaxed).newValue }
  }

  @Test(arguments: [1, 2]) func whatOneHearsStopsAll(_ threads: Int) throws {
    let asked = Counter()
    let token = StopToken(isWanted: { asked.next() == 14 }, isUrgent: { false })
    try withThreads([threads]) { _ in
      let runs = try models().map {
        try TrainingRun(options(.plain, $0, SGD(learningRate: .constant(0.05))))
      }
      try StopToken.with(token) { try SideBySide(runs).run() }
      for (run, model) in zip(runs, try models()) {
        #expect(run.status == .interrupted && (2...4).contains(run.step) && run.hasNoGradients)
        // The last record is that of the step it ended at, and nothing is lost.
        #expect(run.history.last?.step == run.step)
        try run.advance(11 - run.step)
        let whole = try TrainingRun(options(.plain, model, SGD(learningRate: .constant(0.05))))
        try whole.run()
        #expect(run.bits == whole.bits && run.status == .finished)
      }
    }
  }

  @Test(arguments: [1, 2]) func stepsThatAreCutShortAreMadeAnew(_ threads: Int) throws {
    let records = Counter()
    let token = StopToken(isWanted: { records.count > 0 }, isUrgent: { records.count > 0 })
    try withThreads([threads]) { _ in
      let runs = try models().map { model in
        var options = try options(.plain, model, AdamW())
        options.onRecord = { if $0.step == 6 { _ = records.next() } }
        return try TrainingRun(options)
      }
      try StopToken.with(token) { try SideBySide(runs).run() }
      for (run, model) in zip(runs, try models()) {
        #expect(run.status == .interrupted && run.step == 6 && run.hasNoGradients)
        try run.advance(5)
        let whole = try TrainingRun(options(.plain, model, AdamW()))
        try whole.run()
        #expect(run.bits == whole.bits)
      }
      // The token was cut for those who worked, not for the caller.
      #expect(!token.takeCut())
    }
  }

  @Test(arguments: [1, 2]) func anErrorInOneEndsAll(_ threads: Int) throws {
    try withThreads([threads]) { _ in
      try withTemporaryFolder { folder in
        let runs = try (0..<4).map { place in
          // Only the third has a parameter that breaks.
          let broken: [Int: (any Model) throws -> Void] = [
            5: { try $0.parameters.set("pe", Tensor(full: [15, 8], .nan)) }
          ]
          return try smallRun(steps: 9, model: smallModel { $0.seed = UInt64(place) }) {
            $0.schedule = place == 2 ? broken : [:]
            $0.evalEvery = 1
            $0.sinks = [try ResultsFolder("\(folder)/\(place)")]
          }
        }
        let error = #expect(throws: RunFailure.self) { try SideBySide(runs).run() }
        #expect(error?.place == 2)
        #expect(error?.description.hasPrefix("model 3: train: the loss is nan at step 5; ") == true)
        #expect(runs.map(\.status) == [.interrupted, .interrupted, .failed, .interrupted])
        for (place, run) in runs.enumerated() {
          let short = try smallRun(
            steps: run.step, model: smallModel { $0.seed = UInt64(place) })
          try short.run()
          #expect(run.bits == short.bits && run.hasNoGradients)
          #expect(try lines("\(folder)/\(place)/history.jsonl") == run.history.map(\.json))
          #expect(
            try Checkpoint.load(from: "\(folder)/\(place)/model.safetensors").bits == run.bits)
        }
        #expect((5...6).contains(runs[0].step) && runs[2].step < 5)
      }
    }
  }

  @Test func anErrorOfACallbackEndsAll() throws {
    let runs = try (0..<3).map { place in
      try smallRun(steps: 3, model: smallModel { $0.seed = UInt64(place) }) {
        $0.probes = [("p", { _ in if place == 1 { throw Refusal() } else { 1 } })]
      }
    }
    let error = #expect(throws: RunFailure.self) { try SideBySide(runs).run() }
    #expect(error?.place == 1 && error?.reason is Refusal)
    #expect(runs.map(\.status) == [.interrupted, .failed, .interrupted])
    #expect(runs.map(\.step) == [0, 0, 0] && runs.map(\.steps) == [[0], [], []])
  }

  @Test func noneIsNoError() throws { try SideBySide([]).run() }

  @Test func modelsAreTrainedOnce() throws {
    let model = try smallModel()
    let runs = try [model, smallModel(), model].map { try smallRun(steps: 1, model: $0) }
    expectError("train: models 1 and 3 are the same one; train a clone() of it") {
      try SideBySide(runs)
    }
  }
}
