import Settings
import Tensors

/// Tensors by name, such as the parameters to train.
public typealias NamedTensors = [(name: String, tensor: Tensor)]

/// Changes parameters by their gradients.
///
/// State (momentum, moments) belongs to the tensor, as PyTorch's does: a parameter that is unfrozen
/// during training begins with fresh state, one that is frozen keeps its own, and so do models that
/// take turns with one optimizer. A copy of a model begins afresh.
public protocol Optimizer: AnyObject, Described {
  /// What is remembered of each parameter.
  var states: OptimizerStates { get }

  /// What the buffers of a parameter are called, in their order; PyTorch's names.
  var bufferNames: [String] { get }

  /// Whether it remembers more than ``states`` says, in a script's table.
  var hasScriptState: Bool { get }

  /// What it remembers there.
  /// - Parameter parameters: all of the model, by name.
  /// - Returns: nil if the script has no function that tells it.
  /// - Throws: errors of that function; `EngineError` for what cannot be written down.
  func scriptState(_ parameters: NamedTensors) throws -> ScriptState?

  /// Takes it over again.
  /// - Throws: errors of the script's function.
  func load(_ state: ScriptState, _ parameters: NamedTensors) throws

  /// Whether its rates call functions of whoever made it, on the thread that is theirs.
  var ratesAreFunctions: Bool { get }

  /// Whether its updates do.
  var updatesAreFunctions: Bool { get }

  /// How large a step is, asked once before each update.
  /// - Parameter step: number of updates made before.
  /// - Returns: the rates of all groups.
  /// - Throws: `EngineError` for a rate that is negative or not finite; whatever a learning-rate
  ///   schedule throws.
  func rates(at step: Int) throws -> StepRates

  /// Updates in place every parameter that has a gradient; on any thread, unless its updates are
  /// functions.
  /// - Parameters:
  ///   - parameters: those to train, by name.
  ///   - rates: what `rates(at:)` gave.
  /// - Throws: `EngineError` for a gradient of another shape than its parameter's, or a parameter
  ///   that it cannot update, before any parameter is changed.
  func update(_ parameters: NamedTensors, _ rates: StepRates) throws

  /// Checks that it fits the parameters of these names, frozen ones among them.
  /// - Throws: `EngineError` for a group that matches none of them.
  func check(names: [String]) throws
}

extension Optimizer {
  public var bufferNames: [String] { [] }
  public var hasScriptState: Bool { false }
  public func scriptState(_ parameters: NamedTensors) throws -> ScriptState? { nil }
  public func load(_ state: ScriptState, _ parameters: NamedTensors) throws {}
  public var ratesAreFunctions: Bool { false }
  public var updatesAreFunctions: Bool { false }
  public func rates(at step: Int) throws -> StepRates { StepRates(step: step, values: []) }
  public func check(names: [String]) throws {}

  /// Updates in place every parameter that has a gradient.
  /// - Parameters:
  ///   - parameters: those to train, by name.
  ///   - step: number of updates made before this one.
  /// - Throws: as `rates(at:)` and `update(_:_:)`.
  public func update(_ parameters: NamedTensors, step: Int) throws {
    try update(parameters, rates(at: step))
  }

  /// The next step of a loop of one's own, counted by the optimizer.
  ///
  /// Parameters that do not require gradients are frozen: they stay as they are.
  /// - Throws: `EngineError` if two names have one tensor, one was computed from others, no
  ///   parameter requires gradients or none has one; as `check(names:)`, `rates(at:)` and
  ///   `update(_:_:)`.
  public func step(_ parameters: NamedTensors) throws {
    var names: [ObjectIdentifier: String] = [:]
    for (name, tensor) in parameters {
      if let other = names.updateValue(name, forKey: ObjectIdentifier(tensor)) {
        throw EngineError("step", "'\(other)' and '\(name)' are the same tensor; give it once")
      }
    }
    try check(names: parameters.map(\.name))
    let trained = parameters.filter(\.tensor.requiresGrad)
    guard !trained.isEmpty else {
      throw EngineError(
        "step",
        parameters.isEmpty
          ? "there are no parameters"
          : "no parameter requires gradients; make them with requires_grad(true)")
    }
    if let (name, _) = trained.first(where: { $0.tensor.isComputed }) {
      throw EngineError(
        "step", "'\(name)' was computed from others; give the tensors that it was made from")
    }
    guard trained.contains(where: { $0.tensor.grad != nil }) else {
      throw EngineError(
        "step", "no parameter has a gradient; call backward() on the loss before each step")
    }
    let rates = try rates(at: states.steps)
    try StopToken.check()
    try StopToken.suspended { try update(trained, rates) }
    states.steps += 1
  }
}

/// What an optimizer remembers of one parameter.
public struct OptimizerState {
  /// Momentum or moments, each of the parameter's shape.
  public var buffers: [Tensor]
  /// How often the parameter was updated.
  public var updates: Int

  /// What is known after so many updates.
  public init(buffers: [Tensor] = [], updates: Int = 0) {
    (self.buffers, self.updates) = (buffers, updates)
  }

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

  /// How many steps of a loop of one's own were made; runs count their own.
  public var steps = 0

  /// Nothing.
  public init() {}

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
