import Tensors

/// A parameter that a configuration calls for: what a file must hold, or how it is drawn.
public struct PlannedParameter: Sendable {
  /// The name, as in checkpoints.
  public let name: String
  /// The shape.
  public let shape: [Int]
  /// Whether it is trained at first.
  public let isTrained: Bool
  let draw: @Sendable (Initializer) throws -> Tensor

  /// A parameter whose first value `draw` draws.
  init(
    _ name: String, _ shape: [Int], isTrained: Bool = true,
    draw: @escaping @Sendable (Initializer) throws -> Tensor
  ) {
    (self.name, self.shape, self.isTrained, self.draw) = (name, shape, isTrained, draw)
  }

  /// A matrix [out, in], uniform in ±1/√in.
  static func weight(
    _ name: String, _ shape: [Int], stream: Int, isTrained: Bool = true
  ) -> PlannedParameter {
    PlannedParameter(name, shape, isTrained: isTrained) { try $0.weight(shape, stream: stream) }
  }

  /// Weight 1 and bias 0 of a layer normalisation.
  static func norm(_ name: String, dim d: Int) -> [PlannedParameter] {
    [("weight", 1), ("bias", 0)].map { part, value in
      PlannedParameter("\(name).\(part)", [d]) { _ in try Tensor.full([d], value) }
    }
  }
}

extension Parameters {
  /// Fresh parameters, drawn from a seed.
  init(drawing plan: [PlannedParameter], seed: UInt64) throws {
    self.init()
    let initializer = Initializer(seed: seed)
    for planned in plan {
      try add(planned.name, planned.draw(initializer), trained: planned.isTrained)
    }
  }

  /// Checks that these are the parameters that a configuration calls for, before they are used.
  /// - Throws: `EngineError` that names the first which is not.
  func check(fits plan: [PlannedParameter], _ operation: String) throws {
    for planned in plan where self[planned.name]?.shape != planned.shape {
      throw EngineError(operation, "needs '\(planned.name)' of shape \(planned.shape)")
    }
    let known = Set(plan.map { ByteName($0.name) })
    if let other = names.first(where: { !known.contains(ByteName($0)) }) {
      throw EngineError(operation, "'\(other)' is no parameter of such a model")
    }
  }

  /// Copies that are trained where these are.
  func copies() throws -> Parameters {
    var copies = Parameters()
    for (name, tensor) in all {
      try copies.add(name, tensor.copied(), trained: tensor.requiresGrad)
    }
    return copies
  }
}
