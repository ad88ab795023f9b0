import Settings
import Tensors

/// The options of an update rule, which makes optimizers.
public protocol OptimizerConfiguration: Configuration, SendableMetatype {
  /// What the rule is, in one sentence.
  static var summary: String { get }

  /// How large a step is.
  var learningRate: LearningRate { get set }

  /// How much each step shrinks the parameters; the rule says how.
  var weightDecay: Double { get set }

  /// Parameters with options of their own; the first that holds a name counts.
  var groups: [ParameterGroup] { get set }

  /// An optimizer without state yet.
  /// - Throws: `EngineError` that names the option outside its range.
  func makeOptimizer() throws -> any Optimizer
}

/// The update rules there are.
public enum OptimizerKinds {
  /// All of them, in the order of the documentation.
  public static var all: [any OptimizerConfiguration.Type] {
    [
      SGD.Options.self, AdamW.Options.self, Adam.Options.self, SignSGD.Options.self,
      Muon.Options.self,
    ]
  }
}

extension OptimizerConfiguration {
  /// Checks a number given as an option.
  func check(_ name: String, _ value: Double, allowed: String, _ isAllowed: Bool) throws {
    guard isAllowed, value.isFinite else {
      throw EngineError("optim.\(kind)", "\(name) = \(value) (allowed: \(allowed))")
    }
  }

  /// Checks what all rules have: learning rate, weight decay and groups.
  func checkCommon() throws {
    func check(_ prefix: String, _ rate: LearningRate?, _ decay: Double?) throws {
      if case .constant(let rate) = rate {
        try self.check("\(prefix)lr", rate, allowed: "0 or more", rate >= 0)
      }
      if let decay {
        try self.check("\(prefix)weight_decay", decay, allowed: "0 or more", decay >= 0)
      }
    }
    try check("", learningRate, weightDecay)
    for (place, group) in groups.enumerated() {
      try check("groups[\(place + 1)].", group.learningRate, group.weightDecay)
    }
  }

  /// Checks a share that a momentum or a moment keeps.
  func checkShare(_ name: String, _ value: Double, symbol: String) throws {
    try check(name, value, allowed: "0 ≤ \(symbol) < 1", value >= 0 && value < 1)
  }

  /// Checks the two decays of moments.
  func check(betas: [Double]) throws {
    guard betas.count == 2 else {
      throw EngineError("optim.\(kind)", "betas are 2 numbers, got \(betas.count)")
    }
    for beta in betas { try checkShare("betas", beta, symbol: "beta") }
  }
}

extension Field where Root: OptimizerConfiguration {
  /// The learning rate; without a fallback its default is the property's first value.
  static func learningRate(default fallback: Setting.Fallback? = nil) -> Field {
    Field(
      "lr", \.learningRate, default: fallback,
      "learning rate: a number, or a function of the step, counted from 0")
  }

  /// Groups, which are written down as texts.
  static var groups: Field {
    Field(
      "groups", type: .table, default: .none,
      "a list of {match = glob of names, lr =, weight_decay =}: parameters with options of their "
        + "own; the first group that matches a name counts",
      get: { $0.groups.isEmpty ? nil : .list($0.groups.map { .text($0.text) }) },
      set: { options, value in
        let groups = [String](value)?.map { ParameterGroup($0) }
        guard let groups, !groups.contains(where: { $0 == nil }) else {
          return "groups as they are written down expected, got \(value)"
        }
        options.groups = groups.compactMap { $0 }
        return nil
      })
  }
}

/// An optimizer that updates each parameter by a rule of its own, as its options say.
public protocol RuleOptimizer: Optimizer {
  associatedtype Options: OptimizerConfiguration

  /// The options it was made with.
  var options: Options { get }

  /// Checks that it can update a tensor.
  /// - Throws: `EngineError` that says why not.
  func check(_ name: String, _ tensor: Tensor) throws

  /// Updates one parameter in place, and its buffers, which begin as zeros; no gradients are
  /// recorded.
  /// - Parameters:
  ///   - tensor: the parameter.
  ///   - gradient: of the same shape.
  ///   - state: what is remembered of it; this update is counted already.
  ///   - rate: the learning rate.
  ///   - decay: the weight decay.
  /// - Throws: `EngineError` if the tensor's elements do not lie side by side.
  func update(
    _ tensor: Tensor, by gradient: Tensor, _ state: OptimizerState, rate: Double, decay: Double
  ) throws
}

extension RuleOptimizer {
  public var kind: String { options.kind }
  public var settings: [(name: String, value: SettingValue)] { options.settings }
  public var declarations: [Setting] { options.declarations }

  public var unwritten: [String] {
    (options.learningRate.isFunction ? ["lr"] : [])
      + (options.groups.contains { $0.learningRate?.isFunction == true } ? ["groups"] : [])
  }

  public var ratesAreFunctions: Bool { !unwritten.isEmpty }

  public func rates(at step: Int) throws -> StepRates {
    let all = try options.learningRate.value(at: step)
    let values = try options.groups.map { try $0.learningRate?.value(at: step) ?? all }
    return StepRates(step: step, values: values + [all])
  }

  public func check(names: [String]) throws { try options.groups.check(names: names) }

  public func check(_ name: String, _ tensor: Tensor) throws {}

  public func update(_ parameters: NamedTensors, _ rates: StepRates) throws {
    let updated = try parameters.compactMap { name, tensor -> (String, Tensor, Tensor)? in
      guard let gradient = tensor.grad else { return nil }
      guard gradient.shape == tensor.shape else {
        throw EngineError(
          "optimizer",
          "the gradient of '\(name)' has shape \(gradient.shape), the parameter has "
            + "\(tensor.shape)")
      }
      try check(name, tensor)
      return (name, tensor, gradient)
    }
    try noGrad {
      for (name, tensor, gradient) in updated {
        let groups = options.groups
        let place = groups.firstIndex { $0.holds(name) } ?? groups.count
        let own = place < groups.count ? groups[place].weightDecay : nil
        var state = try states[tensor] ?? fresh(tensor)
        state.updates += 1
        try update(
          tensor, by: gradient, state, rate: rates.values[place],
          decay: own ?? options.weightDecay)
        states[tensor] = state
      }
    }
  }

  private func fresh(_ tensor: Tensor) throws -> OptimizerState {
    OptimizerState(buffers: try bufferNames.map { _ in try Tensor(full: tensor.shape, 0) })
  }
}
