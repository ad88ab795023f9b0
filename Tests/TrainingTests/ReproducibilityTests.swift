import Settings
import Tasks
import Tensors
import TestModels
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
    let before = Parallel.threads
    defer { Parallel.threads = before }
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

  /// A task in which nothing is drawn ahead: it notes who asks for which batch.
  private final class Watched: TokenTask {
    let task: BigramTask
    private(set) var indices: [UInt64] = []
    init(_ task: BigramTask) { self.task = task }
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
    let before = Parallel.threads
    defer { Parallel.threads = before }
    Parallel.threads = 2
    var data = BigramTask.Options()
    (data.seqLen, data.seed) = (20, 4)
    let task = try BigramTask(data)
    func losses(_ task: any TokenTask) throws -> [Double] {
      var configuration = SimplifiedConfiguration(vocab: task.vocabSize)
      (configuration.dim, configuration.maxLen) = (8, 20)
      var options = TrainingOptions(
        model: try SimplifiedTransformer(configuration), task: task, steps: 5,
        optimizer: try SGD(learningRate: .constant(0.1)))
      (options.batchSize, options.evalEvery) = (7, 1)
      let run = try TrainingRun(options)
      try run.run()
      try run.advance(3)
      return run.history.map(\.loss)
    }
    let watched = Watched(task)
    #expect(try losses(task) == losses(watched))
    // The batch of the last record is asked for again by the step that goes on.
    #expect(watched.indices == [0, 1, 2, 3, 4, 5, 5, 6, 7, 8])
  }

  @Test func measuringMoreOftenDoesNotChangeTheLosses() throws {
    let (often, seldom) = (try run(evalEvery: 1), try run(evalEvery: 5))
    #expect(often.steps == Array(0...12) && seldom.steps == [0, 5, 10, 12])
    for (step, loss) in seldom.losses { #expect(often.losses[step] == loss, "step \(step)") }
    #expect(often.bits == seldom.bits)
  }
}
