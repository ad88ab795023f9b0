import Settings
import Tensors

/// A language model of the kinds that are published with weights: GPT-2 or GPT-NeoX.
///
/// Layers of attention and feed-forward with biases, layer normalisation before both and before the
/// output. Parameters have the published names, and may be numbers of 16 bits and lie in a mapped
/// file: they are widened where they are used.
///
/// How it is computed is in GPTForward.swift; what is kept of the tokens before, where one after
/// the other is read, in GPTReader.swift.
public final class GPT: FunctionalModel {
  /// The options it was made with.
  public let configuration: any GPTConfiguration
  public let parameters: Parameters
  public let truncation = Truncation()
  /// What turns text into its tokens; nil if nothing is known of them.
  public var text: (any TextCodec)?
  public var vocabSize: Int { configuration.vocab }
  public var maxLength: Int { configuration.maxLen }
  public var layerCount: Int { configuration.layers }
  public var kind: String { configuration.kind }
  public var settings: [(name: String, value: SettingValue)] { configuration.settings }
  public var declarations: [Setting] { configuration.declarations }

  /// A model with these parameters, which become its own.
  /// - Throws: `EngineError` if the options do not make a model, or one of other parameters.
  public init(_ configuration: any GPTConfiguration, parameters: Parameters) throws {
    try configuration.validate()
    try parameters.check(fits: configuration.plan, "model.\(configuration.kind)")
    (self.configuration, self.parameters) = (configuration, parameters)
  }

  public func copy() throws -> any Model {
    let copy = try GPT(configuration, parameters: parameters.copies())
    copy.text = text
    return copy
  }

  public func weights(_ tokens: IntTensor) -> Parameters { parameters }

  public func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs {
    try GPTForward(configuration, weights).outputs(tokens, rows: rows)
  }

  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    try GPTForward(configuration, parameters, trace).observedLogits(tokens, trace)
  }
}

extension GPT: ContinuingModel {
  public func reader(capacity: Int) throws -> any TokenReader {
    try GPTReader(configuration, parameters, capacity: capacity)
  }
}
