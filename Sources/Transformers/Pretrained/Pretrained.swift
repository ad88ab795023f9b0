import ByteStrings
import TensorFiles
import Tensors

/// Models that others have trained, from folders in the form of the Hugging Face hub: config.json,
/// and the weights in model.safetensors, or in several files that model.safetensors.index.json
/// lists.
///
/// Weights stay in their files, which are mapped, in their own number type. They are not trained at
/// first. Nothing in a file is ever run.
public enum Pretrained {
  static let operation = "pretrained.load"

  /// The model of a folder.
  /// - Throws: `EngineError` that names the folder or file and what is wrong with it.
  public static func load(from folder: String) throws -> GPT {
    try checkFiles(of: folder)
    let path = "\(folder)/config.json"
    let record = try HubRecord(path: path, operation)
    let configuration = try record.configuration()
    do {
      try configuration.validate()
    } catch let error as EngineError {
      throw record.failure(error.description)
    }
    let weights = try HubWeights(folder)
    return try GPT(configuration, parameters: weights.parameters(of: configuration))
  }

  /// Tells of what a folder lacks.
  private static func checkFiles(of folder: String) throws {
    func has(_ name: String) -> Bool {
      File.exists("\(folder)/\(name)")
    }
    func failure(_ message: String) -> EngineError {
      EngineError(operation, "\"\(folder)\": \(message)")
    }
    guard !folder.utf8.contains(0) else { throw failure("a path must not contain a zero byte") }
    guard File.exists(folder) else {
      throw failure("there is no such folder")
    }
    let needs =
      "a model's folder holds config.json and model.safetensors, or several files of weights and "
      + "model.safetensors.index.json"
    guard has("config.json") else { throw failure("there is no config.json in it; \(needs)") }
    guard has(HubWeights.single) || has(HubWeights.index) else {
      let other = ["pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5"].first(
        where: has)
      throw failure(
        other.map { "its weights are in \($0), which is not read" }
          .map { "\($0); \(needs)" } ?? "there are no weights in it; \(needs)")
    }
  }
}

/// The files of weights in a folder.
private struct HubWeights {
  static let single = "model.safetensors"
  static let index = "model.safetensors.index.json"

  private let folder: String
  private let files: [Safetensors.Mapped]
  /// Which of the files holds a tensor.
  private let places: [ByteName: Int]
  /// All names, in the order of the files.
  private let names: [String]

  init(_ folder: String) throws {
    self.folder = folder
    let path = "\(folder)/\(Self.single)"
    if File.exists(path) {
      files = [try Safetensors.Mapped(path, Pretrained.operation)]
    } else {
      files = try Self.shards(of: folder)
    }
    names = files.flatMap(\.names)
    var places: [ByteName: Int] = [:]
    for (place, file) in files.enumerated() {
      for name in file.names {
        if let other = places.updateValue(place, forKey: ByteName(name)) {
          throw EngineError(
            Pretrained.operation,
            "\"\(folder)\": '\(name.printable)' is both in \(files[other].path) and in "
              + "\(file.path)")
        }
      }
    }
    self.places = places
  }

  /// The files that the index lists, each of which holds what it says and nothing else.
  private static func shards(of folder: String) throws -> [Safetensors.Mapped] {
    let record = try HubRecord(path: "\(folder)/\(index)", Pretrained.operation)
    guard let map = try record.record("weight_map") else {
      throw record.wrong("weight_map", "an object from tensors to files")
    }
    var tensors: [String: Set<ByteName>] = [:]
    for name in map.names {
      guard let file = try map.text(name) else { throw map.wrong(name, "a file's name") }
      guard file.hasSuffix(".safetensors"), !file.contains("/"), !file.utf8.contains(0) else {
        throw record.failure(
          "'\(name.printable)' is said to be in \"\(file.printable)\"; a file of this folder that "
            + "ends in .safetensors expected")
      }
      tensors[file, default: []].insert(ByteName(name))
    }
    guard !tensors.isEmpty else { throw record.failure("weight_map lists no tensor") }
    return try tensors.keys.sorted().map { file in
      let path = "\(folder)/\(file)"
      guard File.exists(path) else {
        throw record.failure("\"\(file.printable)\", which it lists, is not there")
      }
      let shard = try Safetensors.Mapped(path, Pretrained.operation)
      let promised = tensors[file] ?? []
      let held = Set(shard.names.map { ByteName($0) })
      func list(_ names: Set<ByteName>) -> String { listed(names.map(\.text).sorted()) }
      guard promised.isSubset(of: held) else {
        throw record.failure(
          "\"\(file.printable)\" does not hold what the index says is there: "
            + list(promised.subtracting(held)))
      }
      guard held.isSubset(of: promised) else {
        throw record.failure(
          "\"\(file.printable)\" holds what the index does not list there: "
            + list(held.subtracting(promised)))
      }
      return shard
    }
  }

  /// The parameters that a configuration calls for, over the mapped files.
  /// - Throws: `EngineError` that names the tensors which are missing, too many or of another
  ///   shape.
  func parameters(of configuration: any GPTConfiguration) throws -> Parameters {
    let names = configuration.names
    // Files of the model without its output, GPT-2's among them, leave the base's name out.
    let hasBase = self.names.contains { $0.hasPrefix("\(names.base).") }
    func stored(_ name: String) -> String {
      guard !hasBase, name.hasPrefix("\(names.base).") else { return name }
      return String(name.dropFirst(names.base.count + 1))
    }
    let plan = configuration.plan
    let missing = plan.map { stored($0.name) }.filter { places[ByteName($0)] == nil }
    guard missing.isEmpty else { throw failure("lacks \(listed(missing))") }
    let needed = Set(plan.map { ByteName(stored($0.name)) })
    let others = self.names.filter { !needed.contains(ByteName($0)) && !isBuffer($0, names) }
    guard others.isEmpty else {
      throw failure("holds what is no parameter of such a model: \(listed(others))")
    }
    var parameters = Parameters()
    for planned in plan {
      let tensor = try tensor(stored(planned.name), planned.shape)
      parameters.add(planned.name, tensor)
    }
    return parameters
  }

  private func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    guard let place = places[ByteName(name)], let form = files[place].form(name) else {
      throw failure("lacks \(listed([name]))")
    }
    guard form.shape == shape else {
      throw failure(
        "'\(name.printable)' has shape \(form.shape), where config.json calls for \(shape)")
    }
    guard case .float(let tensor)? = try files[place].value(name) else {
      throw failure("'\(name.printable)' is of type \(form.type); numbers expected")
    }
    return tensor
  }

  /// Whether a tensor is none that was trained: masks and frequencies, which are computed here, and
  /// a copy of the embeddings as output matrix.
  private func isBuffer(_ name: String, _ names: GPTNames) -> Bool {
    let buffers = [
      ".attn.bias", ".attn.masked_bias", ".attention.bias",
      ".attention.masked_bias", "rotary_emb.inv_freq",
    ]
    if name == names.output || buffers.contains(where: name.hasSuffix) { return true }
    guard let place = places[ByteName(name)], let form = files[place].form(name) else {
      return false
    }
    return !["F64", "F32", "F16", "BF16"].contains(form.type)
  }

  private func failure(_ message: String) -> EngineError {
    EngineError(Pretrained.operation, "\"\(folder)\": \(message)")
  }
}

/// Some of these names, and how many more there are.
private func listed(_ names: [String]) -> String {
  let shown = names.prefix(5).map { "'\($0.printable)'" }.joined(separator: ", ")
  return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
}
