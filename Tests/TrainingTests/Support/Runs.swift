import Tasks
import Tensors
import TestModels
import Testing
import Training
import Transformers

/// A model of the sequences of `smallTask`.
func smallModel(
  _ change: (inout SimplifiedConfiguration) -> Void = { _ in }
) throws -> SimplifiedTransformer {
  try SimplifiedTransformer(.small(change))
}

extension SGD {
  /// An optimizer with these options.
  convenience init(
    learningRate: LearningRate, momentum: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false
  ) throws {
    var options = Options()
    (options.learningRate, options.momentum) = (learningRate, momentum)
    (options.weightDecay, options.nesterov) = (weightDecay, nesterov)
    try self.init(options)
  }
}

extension AdamW {
  /// An optimizer with these options.
  convenience init(
    learningRate: LearningRate = .constant(1e-3), betas: (Double, Double) = (0.9, 0.999),
    epsilon: Double = 1e-8, weightDecay: Double = 0.01
  ) throws {
    var options = Options()
    (options.learningRate, options.betas) = (learningRate, [betas.0, betas.1])
    (options.epsilon, options.weightDecay) = (epsilon, weightDecay)
    try self.init(options)
  }
}

/// A run of a fresh small model, batches of 4 and a record every 3 steps, silent.
func smallRun(
  steps: Int, optimizer: (any Optimizer)? = nil, model: (any Model)? = nil,
  _ change: (inout TrainingOptions) throws -> Void = { _ in }
) throws -> TrainingRun {
  var options = TrainingOptions(
    model: try model ?? smallModel(), task: try smallTask(), steps: steps,
    optimizer: try optimizer ?? SGD(learningRate: .constant(0.5), momentum: 0.9))
  (options.batchSize, options.evalEvery) = (4, 3)
  try change(&options)
  return try TrainingRun(options)
}

extension TrainingRun {
  /// The values of every parameter.
  var bits: Bits { options.model.bits }
  /// The steps of the records.
  var steps: [Int] { history.map(\.step) }
  /// The losses of the records, bit for bit.
  var losses: [Int: UInt64] {
    Dictionary(uniqueKeysWithValues: history.map { ($0.step, $0.loss.bitPattern) })
  }
  /// Whether no parameter is left with a gradient.
  var hasNoGradients: Bool { options.model.parameters.all.allSatisfy { $0.tensor.grad == nil } }
}

/// Update rules that remember nothing, one buffer and two.
enum UpdateRule: CaseIterable {
  case plain, momentum, adamw

  func optimizer(_ rate: LearningRate) throws -> any Optimizer {
    switch self {
    case .plain: try SGD(learningRate: rate)
    case .momentum: try SGD(learningRate: rate, momentum: 0.9, weightDecay: 0.01)
    case .adamw: try AdamW(learningRate: rate)
    }
  }
}

/// What a callback of a test throws.
struct Refusal: Error {}
