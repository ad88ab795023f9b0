import Settings
import Tensors

/// A model on disk: a safetensors file with the published parameter names, and in its metadata what
/// is needed to make the model again.
///
/// Metadata: `format` = "mnemo", `kind` = the constructor (`simplified`, `transformer`), `config` = its
/// options as JSON. Nothing in the file is ever executed.
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
    entries["config"] = try model.settingsJSON()
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
    guard let type = ModelKinds.all.first(where: { $0.kind == kind }) else {
      let known = ModelKinds.all.map { $0.kind }.joined(separator: ", ")
      throw EngineError(
        "model.load", "'\(path)' holds a model of kind '\(kind.printable)' (known: \(known))")
    }
    let configuration = try configuration(type, config, path)
    try configuration.validate()
    let parameters = try parameters(configuration.plan, from: tensors) {
      EngineError("model.load", "'\(path)' \($0)")
    }
    return try configuration.makeModel(parameters)
  }

  /// The tensors of a file, as the parameters that its configuration calls for; none is made.
  private static func parameters(
    _ plan: [PlannedParameter], from tensors: [String: Safetensors.Value],
    _ failure: (String) -> EngineError
  ) throws -> Parameters {
    var parameters = Parameters()
    for planned in plan {
      guard case .float(let tensor)? = tensors[planned.name], tensor.shape == planned.shape else {
        throw failure(
          "does not hold what its configuration says: '\(planned.name)' of shape \(planned.shape)")
      }
      try parameters.add(planned.name, tensor, trained: planned.isTrained)
    }
    let unknown = tensors.keys.filter { parameters[$0] == nil }.sorted()
    guard unknown.isEmpty else {
      let names = unknown.map(\.printable).joined(separator: ", ")
      throw failure("holds what is no parameter of such a model: \(names)")
    }
    return parameters
  }

  private static func configuration(
    _ type: any ModelConfiguration.Type, _ json: String, _ path: String
  ) throws -> any ModelConfiguration {
    do {
      return try type.init(settingsJSON: json)
    } catch {
      let reason = (error as? SettingError).map { "\($0.name): \($0.reason)" } ?? json
      throw EngineError(
        "model.load", "the configuration in '\(path)' cannot be read: \(reason.printable)")
    }
  }

  /// Copies tensors by name into a model's parameters; all of them, or none on an error.
  /// - Throws: `EngineError` if one is missing, is not the model's, or has another shape.
  public static func loadState(
    _ tensors: [ByteName: Safetensors.Value], into model: any Model
  ) throws {
    let missing = model.parameters.names.filter { tensors[ByteName($0)] == nil }
    guard missing.isEmpty else {
      throw EngineError("load_state", "missing: \(missing.joined(separator: ", "))")
    }
    let unknown = tensors.keys.map(\.text).filter { model.parameters[$0] == nil }.sorted()
    guard unknown.isEmpty else {
      throw EngineError(
        "load_state",
        "not a parameter of this model: \(unknown.map(\.printable).joined(separator: ", "))")
    }
    var values = [(String, Tensor)]()
    for (name, tensor) in model.parameters.all {
      guard case .float(let value)? = tensors[ByteName(name)], value.shape == tensor.shape else {
        throw EngineError("load_state", "'\(name)' needs numbers of shape \(tensor.shape)")
      }
      values.append((name, value))
    }
    for (name, value) in values { try model.parameters.set(name, value) }
  }
}
