import Tensors

/// How large a step an optimizer takes.
public enum LearningRate {
  /// The same at every step.
  case constant(Double)
  /// A function of the step, counted from 0.
  case schedule((Int) throws -> Double)

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

/// Changes parameters by their gradients.
///
/// State (momentum, moments) belongs to the tensor, as PyTorch's does: a parameter that is unfrozen
/// during training begins with fresh state, one that is frozen keeps its own, and so do models that
/// take turns with one optimizer. A copy of a model begins afresh.
public protocol Optimizer: AnyObject {
  /// Updates in place every parameter that has a gradient.
  /// - Parameters:
  ///   - parameters: those to train, by name.
  ///   - step: number of updates made before this one.
  /// - Throws: whatever a learning-rate schedule throws; `EngineError` for a gradient of another
  ///   shape than its parameter's, before that parameter is changed.
  func update(_ parameters: [(name: String, tensor: Tensor)], step: Int) throws

  /// What is remembered of each parameter.
  var states: OptimizerStates { get set }
}

/// What an optimizer remembers of one parameter.
public struct OptimizerState {
  /// Momentum or moments, each of the parameter's shape.
  var buffers: [Tensor] = []
  /// How often the parameter was updated.
  var updates = 0

  /// The same, in memory of its own: updates change buffers in place.
  public func copy() throws -> OptimizerState {
    OptimizerState(buffers: try buffers.map { try $0.clone() }, updates: updates)
  }
}

/// What an optimizer remembers, found by the parameter itself; nothing of those that are gone.
public struct OptimizerStates {
  private struct Entry {
    weak var tensor: Tensor?
    var state: OptimizerState
  }

  private var entries: [ObjectIdentifier: Entry] = [:]

  /// What is remembered of a parameter; nil before its first update.
  public subscript(tensor: Tensor) -> OptimizerState? {
    get {
      // An address may be used again by a later tensor.
      entries[ObjectIdentifier(tensor)].flatMap { $0.tensor === tensor ? $0.state : nil }
    }
    set {
      if self[tensor] == nil { entries = entries.filter { $0.value.tensor != nil } }
      entries[ObjectIdentifier(tensor)] = newValue.map { Entry(tensor: tensor, state: $0) }
    }
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

/// Checks a number given as an optimizer's option.
func checkOption(
  _ optimizer: String, _ name: String, _ value: Double, allowed: String, _ isAllowed: Bool
) throws {
  guard isAllowed, value.isFinite else {
    throw EngineError(optimizer, "\(name) = \(value) (allowed: \(allowed))")
  }
}
