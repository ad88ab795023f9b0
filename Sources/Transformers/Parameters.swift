import Glibc
import Tensors

/// A model's parameters: tensors by name, in a fixed order.
///
/// Names are those of the published code (`layers.0.attention.wk.weight`), so that checkpoints are
/// exchanged with it; they count layers from 0, and are the same if their bytes are. A parameter is
/// trained if its `requiresGrad` is on.
public struct Parameters {
  /// The names, in the order of the constructor.
  public private(set) var names: [String] = []
  private var tensors: [ByteName: Tensor] = [:]

  /// No parameters.
  public init() {}

  /// These tensors under these names, in their order.
  init(names: [String], _ tensors: [Tensor]) {
    for (name, tensor) in zip(names, tensors) { add(name, tensor) }
  }

  /// The tensor of that name; nil if there is none.
  public subscript(name: String) -> Tensor? { tensors[ByteName(name)] }

  /// Name and tensor of each parameter, in order.
  public var all: [(name: String, tensor: Tensor)] {
    names.compactMap { name in self[name].map { (name, $0) } }
  }

  /// The parameters that are trained, in order.
  public var trained: [(name: String, tensor: Tensor)] { all.filter(\.tensor.requiresGrad) }

  /// Adds a parameter; its name must be new.
  public mutating func add(_ name: String, _ tensor: Tensor) {
    precondition(self[name] == nil, "parameter \(name) added twice")
    names.append(name)
    tensors[ByteName(name)] = tensor
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

  /// Copies `values` into the parameter of that name.
  /// - Throws: `EngineError` if there is no such parameter or the shapes differ.
  public func set(_ name: String, _ values: Tensor) throws {
    let tensor = try get(name)
    guard tensor.shape == values.shape else {
      throw EngineError(
        "model",
        "parameter '\(name)' has shape \(tensor.shape), the tensor given has \(values.shape)")
    }
    try noGrad { try tensor.copyInPlace(values) }
  }

  /// Turns training on or off for every parameter whose name matches `glob` (`*`, `?`, `[…]`).
  /// - Returns: the names that matched.
  /// - Throws: `EngineError` if none does.
  @discardableResult
  public func setTrained(_ glob: String, _ trained: Bool) throws -> [String] {
    let matching = names.filter { fnmatch(glob, $0, 0) == 0 }
    guard !matching.isEmpty else {
      throw EngineError(
        "model",
        "no parameter matches '\(glob)'; there are \(names.joined(separator: ", "))")
    }
    for name in matching { try get(name).requireGrad(trained) }
    return matching
  }
}
