import Settings

/// The steps whose checkpoints are kept.
public enum CheckpointSteps: Sendable, Equatable {
  /// 0, and the powers of two.
  case log
  /// These.
  case steps([Int])

  /// Whether one is kept of how things are after `step` updates.
  func isDue(at step: Int) -> Bool {
    switch self {
    case .log: step & (step - 1) == 0
    case .steps(let steps): steps.contains(step)
    }
  }
}

extension CheckpointSteps: SettingConvertible {
  public static var settingType: SettingType { .either([.choice(["log"]), .list(.integer)]) }
  public init?(_ value: SettingValue) {
    switch value {
    case .text("log"): self = .log
    case .list:
      guard let steps = [Int](value) else { return nil }
      self = .steps(steps)
    default: return nil
    }
  }
  public var settingValue: SettingValue? {
    switch self {
    case .log: .text("log")
    case .steps(let steps): .list(steps.map { .integer($0) })
    }
  }
}
