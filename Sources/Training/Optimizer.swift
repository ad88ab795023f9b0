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
/// State (momentum, moments) is kept by parameter name, so a parameter that is unfrozen during
/// training begins with fresh state, and one that is frozen keeps its own.
public protocol Optimizer: AnyObject {
  /// Updates in place every parameter that has a gradient.
  /// - Parameters:
  ///   - parameters: those to train, by name.
  ///   - step: number of updates made before this one.
  /// - Throws: whatever a learning-rate schedule throws.
  func update(_ parameters: [(name: String, tensor: Tensor)], step: Int) throws

  /// A copy of the state, to return to.
  var state: OptimizerState { get }

  /// Returns to a state.
  func restore(_ state: OptimizerState)
}

/// What an optimizer remembers of each parameter: buffers by name, and how often it was updated.
public struct OptimizerState: Sendable {
  var buffers: [String: [[Float]]] = [:]
  var updates: [String: Int] = [:]
}

/// Checks a number given as an optimizer's option.
func checkOption(
  _ optimizer: String, _ name: String, _ value: Double, allowed: String, _ isAllowed: Bool
) throws {
  guard isAllowed, value.isFinite else {
    throw EngineError(optimizer, "\(name) = \(value) (allowed: \(allowed))")
  }
}
