import FoundationEssentials
import Tensors

/// A model on disk: a safetensors file with the published parameter names, and in its metadata what
/// is needed to make the model again.
///
/// Metadata: `format` = "mnemo", `kind` = the constructor (`simplified`, `transformer`), `config` = its options as
/// JSON. Nothing in the file is ever executed.
public enum Checkpoint {
  /// Writes the model's parameters; an earlier file is replaced at once or not at all.
  /// - Parameters:
  ///   - model: the model.
  ///   - path: the file.
  ///   - metadata: further entries, such as the step.
  /// - Throws: `EngineError` if the file cannot be written.
  public static func save(
    _ model: any Model, to path: String, metadata: [String: String] = [:]
  ) throws {
    var entries = metadata
    entries["format"] = "mnemo"
    entries["kind"] = model.kind
    entries["config"] = try model.configurationJSON()
    try Safetensors.save(
      path, tensors: model.parameters.all.map { ($0.name, .float($0.tensor)) },
      metadata: entries)
  }

  /// Makes the model of a file that `save` wrote.
  /// - Throws: `EngineError` if the file is damaged, or is no checkpoint of a known kind.
  public static func load(from path: String) throws -> any Model {
    let (tensors, metadata) = try Safetensors.load(path)
    guard let kind = metadata["kind"], let config = metadata["config"] else {
      throw EngineError(
        "model.load",
        "'\(path)' has no model configuration in its metadata; make the model and use load_state")
    }
    guard let type = kinds.first(where: { $0.kind == kind }) else {
      throw EngineError(
        "model.load",
        "'\(path)' holds a model of kind '\(kind)' "
          + "(known: \(kinds.map { $0.kind }.joined(separator: ", ")))")
    }
    let configuration = try configuration(type, config, path)
    try configuration.validate()
    try check(tensors, fit: configuration, path)
    let model = try configuration.makeModel()
    try loadState(tensors, into: model)
    return model
  }

  private static let kinds: [any ModelConfiguration.Type] = [
    SimplifiedConfiguration.self, TransformerConfiguration.self,
  ]

  /// Checks that a file holds what its configuration says before a model of that size is made.
  private static func check(
    _ tensors: [String: Safetensors.Value], fit configuration: any ModelConfiguration,
    _ path: String
  ) throws {
    for (name, shape) in configuration.embeddingShapes {
      guard case .float(let tensor)? = tensors[name], tensor.shape == shape else {
        throw EngineError(
          "model.load",
          "'\(path)' does not hold what its configuration says: '\(name)' of shape \(shape)")
      }
    }
  }

  private static func configuration(
    _ type: any ModelConfiguration.Type, _ json: String, _ path: String
  ) throws -> any ModelConfiguration {
    do {
      return try JSONDecoder().decode(type, from: Data(json.utf8))
    } catch {
      throw EngineError("model.load", "the configuration in '\(path)' cannot be read: \(json)")
    }
  }

  /// Copies tensors by name into a model's parameters; all of them, or none on an error.
  /// - Throws: `EngineError` if one is missing, is not the model's, or has another shape.
  public static func loadState(
    _ tensors: [String: Safetensors.Value], into model: any Model
  ) throws {
    let names = Set(model.parameters.names)
    let missing = model.parameters.names.filter { tensors[$0] == nil }
    guard missing.isEmpty else {
      throw EngineError("load_state", "missing: \(missing.joined(separator: ", "))")
    }
    let unknown = tensors.keys.filter { !names.contains($0) }.sorted()
    guard unknown.isEmpty else {
      throw EngineError(
        "load_state", "not a parameter of this model: \(unknown.joined(separator: ", "))")
    }
    var values = [(String, Tensor)]()
    for (name, tensor) in model.parameters.all {
      guard case .float(let value)? = tensors[name], value.shape == tensor.shape else {
        throw EngineError("load_state", "'\(name)' needs numbers of shape \(tensor.shape)")
      }
      values.append((name, value))
    }
    for (name, value) in values { try model.parameters.set(name, value) }
  }
}
