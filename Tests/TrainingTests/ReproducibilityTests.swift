import Settings
import Tasks
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// The same settings and seeds give the same numbers, bit for bit.
///
/// One after the other, because the number of threads is one for the whole process.
@Suite(.serialized) struct ReproducibilityTests {
  /// Large enough for kernels to cut their work into parts.
  private func run(evalEvery: Int = 5, seed: UInt64 = 3) throws -> TrainingRun {
    var data = BigramTask.Options()
    (data.seqLen, data.seed) = (70, 4)
    let task = try BigramTask(data)
    var configuration = SimplifiedConfiguration(vocab: task.vocabSize)
    (configuration.dim, configuration.maxLen, configuration.seed) = (40, 70, seed)
    configuration.ffn = [.mlp, .linear]
    var options = TrainingOptions(
      model: try SimplifiedTransformer(configuration), task: task, steps: 12,
      optimizer: try AdamW(learningRate: .constant(0.01)))
    (options.batchSize, options.evalEvery) = (24, evalEvery)
    (options.clipNorm, options.lossOn) = (0.5, .named(.outputs))
    options.probes = [
      ("norm", { Double(try $0.logits().norm().item()) }),
      (
        // Draws numbers and computes a loss of its own.
        "held out",
        { context in
          let batch = try task.batch(5, index: 0, purpose: .evaluation)
          let mask = try LossMask.all.mask(of: batch)
          return try noGrad { Double(try context.model.loss(batch, mask: mask).item()) }
        }
      ),
    ]
    let run = try TrainingRun(options)
    try run.run()
    return run
  }

  private func bits(_ run: TrainingRun) -> [[UInt64]] {
    run.history.map { [$0.loss.bitPattern] + $0.values.map(\.value.bitPattern) }
  }

  @Test func threadsDoNotChangeHistories() throws {
    let held = HeldThreads()
    defer { held.end() }
    var first: TrainingRun?
    for threads in [1, 2, 2, 3] {
      Parallel.threads = threads
      let run = try run()
      if let first {
        #expect(bits(run) == bits(first), "\(threads) threads")
        #expect(run.bits == first.bits, "\(threads) threads")
      } else {
        first = run
      }
    }
    #expect(try bits(run(seed: 5)) != bits(#require(first)))
  }

  /// A task of which nothing is drawn on other threads: it notes which batches were asked for.
  private final class Watched: TokenTask {
    let task: BigramTask
    let isDrawnAhead: Bool
    private(set) var indices: [UInt64] = []
    init(_ task: BigramTask, isDrawnAhead: Bool) {
      (self.task, self.isDrawnAhead) = (task, isDrawnAhead)
    }
    var vocabSize: Int { task.vocabSize }
    var seqLen: Int { task.seqLen }
    var kind: String { task.kind }
    var settings: [(name: String, value: SettingValue)] { task.settings }
    func batch(_ size: Int, index: UInt64, purpose: RandomPurpose) throws -> Batch {
      indices.append(index)
      return try task.batch(size, index: index, purpose: purpose)
    }
  }

  /// Step s takes batch s, whether it was drawn ahead or not, also when a run goes on.
  @Test func drawingAheadDoesNotChangeTheBatches() throws {
    let held = HeldThreads()
    defer { held.end() }
    Parallel.threads = 2
    var data = BigramTask.Options()
    (data.seqLen, data.seed) = (20, 4)
    let task = try BigramTask(data)
    func losses(
      _ task: any TokenTask, _ probe: @escaping () -> Double = { 0 }
    ) throws -> [Double] {
      var configuration = SimplifiedConfiguration(vocab: task.vocabSize)
      (configuration.dim, configuration.maxLen) = (8, 20)
      var options = TrainingOptions(
        model: try SimplifiedTransformer(configuration), task: task, steps: 5,
        optimizer: try SGD(learningRate: .constant(0.1)))
      (options.batchSize, options.evalEvery) = (7, 1)
      options.probes = [("drawn", { _ in probe() })]
      let run = try TrainingRun(options)
      try run.run()
      try run.advance(3)
      return run.history.map(\.loss)
    }
    let expected = try losses(task)
    for isDrawnAhead in [false, true] {
      let watched = Watched(task, isDrawnAhead: isDrawnAhead)
      var drawn: [Int] = []
      let found = try losses(watched) {
        drawn.append(watched.indices.count)
        return 0
      }
      #expect(found == expected)
      // The batch of the last record is asked for again by the step that goes on.
      #expect(watched.indices == [0, 1, 2, 3, 4, 5, 5, 6, 7, 8])
      // At a record that of the next step is there already, but for the last one.
      let ahead = [2, 3, 4, 5, 6, 6, 9, 10, 10]
      #expect(drawn == (isDrawnAhead ? ahead : [1, 2, 3, 4, 5, 6, 8, 9, 10]))
    }
  }

  @Test func measuringMoreOftenDoesNotChangeTheLosses() throws {
    let (often, seldom) = (try run(evalEvery: 1), try run(evalEvery: 5))
    #expect(often.steps == Array(0...12) && seldom.steps == [0, 5, 10, 12])
    for (step, loss) in seldom.losses { #expect(often.losses[step] == loss, "step \(step)") }
    #expect(often.bits == seldom.bits)
  }
}
