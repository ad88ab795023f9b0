import Settings
import Tensors

/// How large a step an optimizer takes.
public enum LearningRate {
  /// The same at every step.
  case constant(Double)
  /// A function of the step, counted from 0.
  case schedule((Int) throws -> Double)

  /// Whether it calls a function of whoever made the optimizer.
  var isFunction: Bool { if case .schedule = self { true } else { false } }

  /// The rate at a step.
  /// - Throws: `EngineError` if a schedule gives a number that is negative or not finite.
  func value(at step: Int) throws -> Double {
    switch self {
    case .constant(let rate): return rate
    case .schedule(let function):
      let rate = try function(step)
      guard rate >= 0, rate.isFinite else {
        throw EngineError(
          "optimizer", "the learning rate at step \(step) is \(rate) (allowed: 0 or more)")
      }
      return rate
    }
  }
}

extension LearningRate: SettingConvertible {
  public static var settingType: SettingType { .either([.number, .function]) }
  public init?(_ value: SettingValue) {
    guard let rate = Double(value) else { return nil }
    self = .constant(rate)
  }
  /// A schedule is not written down.
  public var settingValue: SettingValue? {
    if case .constant(let rate) = self { .number(rate) } else { nil }
  }
}

/// Changes parameters by their gradients.
///
/// State (momentum, moments) belongs to the tensor, as PyTorch's does: a parameter that is unfrozen
/// during training begins with fresh state, one that is frozen keeps its own, and so do models that
/// take turns with one optimizer. A copy of a model begins afresh.
public protocol Optimizer: AnyObject, Described {
  /// How large a step is.
  var learningRate: LearningRate { get }

  /// Updates in place every parameter that has a gradient; on any thread.
  /// - Parameters:
  ///   - parameters: those to train, by name.
  ///   - rate: what the learning rate is at this step.
  /// - Throws: `EngineError` for a gradient of another shape than its parameter's, before that
  ///   parameter is changed.
  func update(_ parameters: [(name: String, tensor: Tensor)], rate: Double) throws

  /// What is remembered of each parameter.
  var states: OptimizerStates { get }
}

extension Optimizer {
  /// Updates in place every parameter that has a gradient.
  /// - Parameters:
  ///   - parameters: those to train, by name.
  ///   - step: number of updates made before this one.
  /// - Throws: as `update(_:rate:)`; whatever a learning-rate schedule throws.
  public func update(_ parameters: [(name: String, tensor: Tensor)], step: Int) throws {
    try update(parameters, rate: learningRate.value(at: step))
  }
}

/// What an optimizer remembers of one parameter.
public struct OptimizerState {
  /// Momentum or moments, each of the parameter's shape.
  var buffers: [Tensor] = []
  /// How often the parameter was updated.
  var updates = 0

  /// The same, in memory of its own: updates change buffers in place.
  public func copy() throws -> OptimizerState {
    OptimizerState(buffers: try buffers.map { try $0.copied() }, updates: updates)
  }
}

/// What an optimizer remembers, found by the parameter itself; nothing of those that are gone.
///
/// Several threads may update parameters of their own at a time.
public final class OptimizerStates {
  private struct Entry {
    weak var tensor: Tensor?
    var state: OptimizerState
  }

  private let entries = Lock([ObjectIdentifier: Entry]())

  init() {}

  /// What is remembered of a parameter; nil before its first update.
  public subscript(tensor: Tensor) -> OptimizerState? {
    get { entries.withLock { Self.state(of: tensor, in: $0) } }
    set {
      entries.withLock { entries in
        if Self.state(of: tensor, in: entries) == nil {
          entries = entries.filter { $0.value.tensor != nil }
        }
        entries[ObjectIdentifier(tensor)] = newValue.map { Entry(tensor: tensor, state: $0) }
      }
    }
  }

  private static func state(
    of tensor: Tensor, in entries: [ObjectIdentifier: Entry]
  ) -> OptimizerState? {
    // An address may be used again by a later tensor.
    entries[ObjectIdentifier(tensor)].flatMap { $0.tensor === tensor ? $0.state : nil }
  }
}

/// The gradient of a parameter, if it has one.
/// - Throws: `EngineError` if it does not fit.
func gradient(of parameter: (name: String, tensor: Tensor)) throws -> Tensor? {
  guard let grad = parameter.tensor.grad else { return nil }
  guard grad.shape == parameter.tensor.shape else {
    throw EngineError(
      "optimizer",
      "the gradient of '\(parameter.name)' has shape \(grad.shape), the parameter has "
        + "\(parameter.tensor.shape)")
  }
  return grad
}

/// The options of an update rule, which makes optimizers.
public protocol OptimizerConfiguration: Configuration {
  /// What the rule is, in one sentence.
  static var summary: String { get }

  /// How large a step is.
  var learningRate: LearningRate { get set }

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  func makeOptimizer() throws -> any Optimizer
}

/// The update rules there are.
public enum OptimizerKinds {
  /// All of them, in the order of the documentation.
  public static var all: [any OptimizerConfiguration.Type] {
    [SGD.Options.self, AdamW.Options.self]
  }
}

extension OptimizerConfiguration {
  /// Checks a number given as an option.
  func check(_ name: String, _ value: Double, allowed: String, _ isAllowed: Bool) throws {
    guard isAllowed, value.isFinite else {
      throw EngineError("optim.\(kind)", "\(name) = \(value) (allowed: \(allowed))")
    }
  }

  func checkLearningRate() throws {
    if case .constant(let rate) = learningRate {
      try check("lr", rate, allowed: "0 or more", rate >= 0)
    }
  }
}
