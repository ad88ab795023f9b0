import Settings
import TensorFiles
import Tensors

/// A model whose forward pass is in no file: its options and its parameters alone.
public final class StoredModel: Model {
  public let kind: String
  public let truncation = Truncation()
  public let settings: [(name: String, value: SettingValue)]
  public let unwritten = ["forward"]
  public private(set) var parameters = Parameters()
  public let layerCount = 0

  /// A model of these options, and of the parameters of a checkpoint if there is one.
  /// - Throws: `EngineError` if the file cannot be read.
  public convenience init(
    kind: String, settings: [(name: String, value: SettingValue)], from path: String?
  ) throws {
    self.init(kind: kind, settings: settings)
    let stored = try path.map { try Checkpoint.parameters(from: $0) } ?? [:]
    for (name, value) in stored.sorted(by: { $0.key.text < $1.key.text }) {
      if case .float(let tensor) = value { parameters.add(name.text, try tensor.requireGrad(true)) }
    }
  }

  private init(kind: String, settings: [(name: String, value: SettingValue)]) {
    (self.kind, self.settings) = (kind, settings)
  }

  private func integer(_ name: String) -> Int? {
    settings.first { $0.name == name }.flatMap { Int($0.value) }
  }

  public var vocabSize: Int { integer("vocab") ?? 0 }
  public var outputSize: Int { integer("outputs") ?? vocabSize }
  public var maxLength: Int { integer("max_len") ?? 0 }
  public var readout: Readout {
    let name = settings.first { $0.name == "positions" }.flatMap { String($0.value) }
    return name.flatMap(Readout.init(rawValue:)) ?? .everyPosition
  }

  public func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor { throw missing }

  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    throw missing
  }

  private var missing: EngineError {
    EngineError("model", "the forward pass of a \(kind) model is its script's, and in no file")
  }

  public func copy() throws -> any Model {
    let result = StoredModel(kind: kind, settings: settings)
    for (name, tensor) in parameters.all {
      result.parameters.add(name, try tensor.copied().requireGrad(tensor.requiresGrad))
    }
    return result
  }
}
