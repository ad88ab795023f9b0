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

/// The learning rates of one step.
public struct StepRates {
  /// Number of updates made before it.
  public let step: Int
  /// That of each group, and last that of all other parameters.
  let values: [Double]
}
