import ByteStrings
import Settings
import TensorFiles
import Tensors

/// A model on disk: a safetensors file with the published parameter names, and in its metadata what
/// is needed to make the model again.
///
/// Metadata: `format` = "mnemo", `kind` = the constructor (`simplified`, `transformer`), `config` =
/// its options as JSON. Nothing in the file is ever executed.
///
/// A run's checkpoints hold further tensors, of which a model knows nothing: their names begin with
/// the metadata's `state_prefix`, and no parameter's does.
public enum Checkpoint {
  /// Writes the model's parameters; an earlier file is replaced at once or not at all.
  /// - Parameters:
  ///   - model: the model.
  ///   - path: the file.
  ///   - metadata: further entries, such as the step.
  ///   - state: further tensors, by names that do not begin with the prefix yet.
  /// - Throws: `EngineError` if the file cannot be written.
  public static func save(
    _ model: any Model, to path: String, metadata: [String: String] = [:],
    state: [(name: String, tensor: Tensor)] = []
  ) throws {
    var entries = metadata
    entries["format"] = "mnemo"
    entries["kind"] = model.kind
    entries["config"] = try model.settingsJSON()
    var prefix = "state."
    while model.parameters.names.contains(where: { $0.hasPrefix(prefix) }) { prefix = "_" + prefix }
    if !state.isEmpty { entries["state_prefix"] = prefix }
    let tensors = model.parameters.all + state.map { (prefix + $0.name, $0.tensor) }
    try Safetensors.save(
      path, tensors: tensors.map { ($0.name, .float($0.tensor)) }, metadata: entries)
  }

  /// The tensors of a file that are no parameters, by their names without the prefix.
  /// - Throws: `EngineError` if the file cannot be read.
  public static func state(from path: String) throws -> [ByteName: Tensor] {
    let prefix = try Safetensors.listing(path).metadata["state_prefix"]
    guard let prefix else { return [:] }
    var state: [ByteName: Tensor] = [:]
    for (name, value) in try Safetensors.load(path, where: { $0.hasPrefix(prefix) }).tensors {
      if case .float(let tensor) = value {
        state[ByteName(String(name.dropFirst(prefix.count)))] = tensor
      }
    }
    return state
  }

  /// Whether a tensor of a file with this metadata is a parameter.
  private static func isParameter(_ metadata: [String: String]) -> (String) -> Bool {
    { name in metadata["state_prefix"].map { !name.hasPrefix($0) } ?? true }
  }

  /// The parameters of a file, by name.
  /// - Throws: `EngineError` if the file cannot be read.
  public static func parameters(from path: String) throws -> [ByteName: Safetensors.Value] {
    let isParameter = isParameter(try Safetensors.listing(path).metadata)
    let tensors = try Safetensors.load(path, where: isParameter).tensors
    return Dictionary(uniqueKeysWithValues: tensors.map { (ByteName($0.key), $0.value) })
  }

  /// Makes the model of a file that `save` wrote.
  /// - Throws: `EngineError` if the file is damaged, or is no checkpoint of a known kind.
  public static func load(from path: String) throws -> any Model {
    var (shapes, metadata) = try Safetensors.listing(path)
    let isParameter = isParameter(metadata)
    shapes = shapes.filter { isParameter($0.key.text) }
    guard let kind = metadata["kind"], let config = metadata["config"] else {
      throw EngineError(
        "model.load",
        "'\(path)' has no model configuration in its metadata; make the model and use load_state")
    }
    guard kind != customKind else {
      throw EngineError("model.load", "'\(path)' holds \(customModel(config, shapes, path))")
    }
    guard let type = ModelKinds.all.first(where: { $0.kind == kind }) else {
      let known = ModelKinds.all.map { $0.kind }.joined(separator: ", ")
      throw EngineError(
        "model.load", "'\(path)' holds a model of kind '\(kind.printable)' (known: \(known))")
    }
    let configuration = try configuration(type, config, path)
    try configuration.validate()
    let plan = configuration.plan
    try check(plan, against: shapes) { EngineError("model.load", "'\(path)' \($0)") }
    // Now that the file is known to hold them, the tensors are read, and become the model's.
    // Those of the large kinds stay in it, and keep their number type.
    let isLarge = configuration is any GPTConfiguration
    let tensors =
      if isLarge {
        try Safetensors.open(path).tensors
      } else {
        try Safetensors.load(path, where: isParameter).tensors
      }
    var parameters = Parameters()
    for planned in plan {
      if case .float(let tensor)? = tensors[planned.name] {
        let isTrained = planned.isTrained && tensor.dtype == .float32
        try parameters.add(planned.name, tensor, trained: isTrained)
      }
    }
    return try configuration.makeModel(parameters)
  }

  /// The kind of models whose forward pass is a script's function.
  public static let customKind = "custom"

  /// What is to be done with the file of such a model.
  private static func customModel(
    _ config: String, _ shapes: [ByteName: [Int]?], _ path: String
  ) -> String {
    let parameters = shapes.map { name, shape in "\(name.text.printable) \(shape ?? [])" }.sorted()
    return "a custom model, whose forward pass is in no file; make it anew with "
      + "mnemo.model.custom, of the options \(config.printable) and the parameters "
      + parameters.joined(separator: ", ") + ", and call model:load_state(\"\(path)\")"
  }

  /// Checks that a file holds what its configuration calls for, and nothing else.
  private static func check(
    _ plan: [PlannedParameter], against shapes: [ByteName: [Int]?],
    _ failure: (String) -> EngineError
  ) throws {
    for planned in plan {
      guard case .some(.some(planned.shape)) = shapes[ByteName(planned.name)] else {
        throw failure(
          "does not hold what its configuration says: '\(planned.name)' of shape \(planned.shape)")
      }
    }
    let known = Set(plan.map { ByteName($0.name) })
    let unknown = shapes.keys.filter { !known.contains($0) }.map(\.text).sorted()
    guard unknown.isEmpty else {
      let names = unknown.map(\.printable).joined(separator: ", ")
      throw failure("holds what is no parameter of such a model: \(names)")
    }
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

  /// Copies a file's tensors into a model's parameters; all of them, or none on an error.
  /// - Throws: `EngineError` if the file cannot be read, or as ``loadState(_:into:)``.
  public static func loadState(from path: String, into model: any Model) throws {
    try loadState(parameters(from: path), into: model)
  }

  /// Copies tensors by name into a model's parameters; all of them, or none on an error.
  /// - Throws: `EngineError` if one is missing, is not the model's, or has another shape.
  public static func loadState(
    _ tensors: [ByteName: Safetensors.Value], into model: any Model
  ) throws {
    let missing = model.parameters.names.filter { tensors[ByteName($0)] == nil }
    let unknown = tensors.keys.map(\.text).filter { model.parameters[$0] == nil }.sorted()
    let wrong = [("missing", missing), ("not a parameter of this model", unknown)]
      .filter { !$0.1.isEmpty }
      .map { what, names in "\(what): \(names.map(\.printable).joined(separator: ", "))" }
    guard wrong.isEmpty else {
      throw EngineError("load_state", wrong.joined(separator: "; "))
    }
    var values = [(String, Tensor)]()
    for (name, tensor) in model.parameters.all {
      guard case .float(let value)? = tensors[ByteName(name)], value.shape == tensor.shape else {
        let given =
          switch tensors[ByteName(name)] {
          case .int?: "integers"
          case let value: "\(value?.shape ?? [])"
          }
        throw EngineError(
          "load_state",
          "'\(name.printable)' needs numbers of shape \(tensor.shape), got \(given)")
      }
      values.append((name, value))
    }
    for (name, value) in values { try model.parameters.set(name, value) }
  }
}
