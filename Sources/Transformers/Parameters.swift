import Tensors

/// A model's parameters: tensors by name, in a fixed order.
///
/// Names are those of the published code (`layers.0.attention.wk.weight`), so that checkpoints are
/// exchanged with it; they count layers from 0, and are the same if their bytes are. A parameter is
/// trained if its `requiresGrad` is on.
public struct Parameters {
  /// Name and tensor of each parameter, in the order of the constructor.
  public private(set) var all: [(name: String, tensor: Tensor)] = []
  /// Where each name stands in `all`.
  private var places: [ByteName: Int] = [:]

  /// No parameters.
  public init() {}

  /// The names, in order.
  public var names: [String] { all.map(\.name) }

  /// The tensor of that name; nil if there is none.
  public subscript(name: String) -> Tensor? { places[ByteName(name)].map { all[$0].tensor } }

  /// These tensors, as many, under the same names.
  func replaced(by tensors: [Tensor]) -> Parameters {
    precondition(tensors.count == all.count)
    var result = self
    for (i, tensor) in tensors.enumerated() { result.all[i].tensor = tensor }
    return result
  }

  /// The parameters that are trained, in order.
  public var trained: [(name: String, tensor: Tensor)] { all.filter(\.tensor.requiresGrad) }

  /// Adds a parameter; its name must be new.
  public mutating func add(_ name: String, _ tensor: Tensor) {
    precondition(self[name] == nil, "parameter \(name) added twice")
    places[ByteName(name)] = all.count
    all.append((name, tensor))
  }

  /// Adds a leaf that is trained or not; its name must be new.
  mutating func add(_ name: String, _ tensor: Tensor, trained: Bool) throws {
    try tensor.requireGrad(trained)
    add(name, tensor)
  }

  /// The tensor of that name.
  /// - Throws: `EngineError` that lists the names there are.
  public func get(_ name: String) throws -> Tensor {
    guard let tensor = self[name] else {
      throw EngineError(
        "model", "no parameter named '\(name)'; there are \(names.joined(separator: ", "))")
    }
    return tensor
  }

  /// W_U, [V, D]: the output matrix, or where both are one the embedding matrix.
  func outputWeight() throws -> Tensor {
    try self["output.weight"] ?? get("tok_embeddings.weight")
  }

  /// Copies `values` into the parameter of that name; into one of 16 bits the nearest of them.
  /// - Throws: `EngineError` if there is no such parameter or the shapes differ.
  public func set(_ name: String, _ values: Tensor) throws {
    let tensor = try get(name)
    guard tensor.shape == values.shape else {
      throw EngineError(
        "model",
        "parameter '\(name)' has shape \(tensor.shape), the tensor given has \(values.shape)")
    }
    try noGrad {
      guard tensor.dtype == .float32 else {
        let rounded = try values.rounded(to: tensor.dtype).contiguous()
        try StopToken.check()
        return tensor.overwrite(with: rounded)
      }
      try tensor.copyInPlace(values)
    }
  }

  /// Turns training on or off for every parameter whose name matches `glob` (`*`, `?`, `[…]`).
  /// - Returns: the names that matched.
  /// - Throws: `EngineError` if none does.
  @discardableResult
  public func setTrained(_ glob: String, _ trained: Bool) throws -> [String] {
    let matching = try names(matching: glob)
    for name in matching { try get(name).requireGrad(trained) }
    return matching
  }
}
