import FoundationEssentials
import Settings
import Tasks
import TensorFiles
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// The models against an independent implementation in double precision.
struct GoldenTests {
  static let names = [
    "simplified", "simplified-rope", "simplified-linear-ffn", "simplified-mlp",
    "transformer-prenorm", "transformer-postnorm", "transformer-tied", "transformer-bare",
    "factual", "factual-attention-only",
  ]

  /// The rest of a file's `config`.
  private struct Case: Decodable {
    var kind: String
    var batch: Int
    var length: Int
    var lossOn: String?

    enum CodingKeys: String, CodingKey {
      case kind, batch
      case length = "seq_len"
      case lossOn = "loss_on"
    }
  }

  /// A golden file, its model and its batch.
  private struct Golden {
    let model: any Model
    let batch: Batch
    let mask: LossMask
    let trained: [String]
    let tensors: [String: Tensor]

    init(_ name: String) throws {
      let (values, metadata) = try Safetensors.load(fixture(name))
      func decode<T: Decodable>(_ type: T.Type, _ key: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(try #require(metadata[key]).utf8))
      }
      /// The options of a model, which stand in `config` beside those of the case.
      func configuration<C: ModelConfiguration>(_: C.Type) throws -> C {
        var result = C()
        for (name, value) in try decode([String: SettingValue].self, "config")
        where C.declarations.contains(where: { $0.name == name }) {
          try result.set(name, value)
        }
        return result
      }
      func ints(_ name: String) throws -> IntTensor {
        guard case .int(let tensor) = values[name] else {
          throw EngineError("golden", "no integers named \(name)")
        }
        return tensor
      }
      tensors = values.compactMapValues { if case .float(let tensor) = $0 { tensor } else { nil } }
      let settings = try decode(Case.self, "config")
      model =
        switch settings.kind {
        case "simplified":
          try SimplifiedTransformer(configuration(SimplifiedConfiguration.self))
        case "transformer": try Transformer(configuration(TransformerConfiguration.self))
        case "factual": try FactualModel(configuration(FactualConfiguration.self))
        case let kind: throw EngineError("golden", "no model of kind \(kind)")
        }
      trained = try decode([String].self, "trained")
      mask = try #require(LossMask(rawValue: settings.lossOn ?? "all"))
      batch = Batch(
        tokens: try ints("tokens"), targets: try ints("targets"),
        fields: settings.lossOn == nil ? [:] : ["occurrence": try ints("occurrence")])
      #expect(model.kind == settings.kind)
      #expect(batch.tokens.shape == [settings.batch, settings.length])
      // Under rope the file holds position embeddings that nothing reads.
      let unread: Set<String> = name == "simplified-rope" ? ["pe"] : []
      let results = Set(["logits", "loss"] + (0..<model.layerCount).map { "scores.\($0)" })
      let inFile = Set(tensors.keys.filter { !$0.hasPrefix("grad.") })
      #expect(Set(model.parameters.names) == inFile.subtracting(results).subtracting(unread))
      for name in model.parameters.names { try model.parameters.set(name, self[name]) }
    }

    subscript(_ name: String) -> Tensor {
      get throws { try #require(tensors[name], "\(name)") }
    }
  }

  @Test(arguments: names) func logitsAgree(_ name: String) throws {
    let golden = try Golden(name)
    try expectClose(golden.model.forward(golden.batch.tokens), golden["logits"], 1e-5, name)
  }

  @Test(arguments: names) func attentionAgrees(_ name: String) throws {
    let golden = try Golden(name)
    for layer in 0..<golden.model.layerCount {
      try expectClose(
        golden.model.attention(golden.batch.tokens, layer: layer), golden["scores.\(layer)"], 1e-5,
        "\(name), layer \(layer)")
    }
  }

  @Test(arguments: names) func lossAndGradientsAgree(_ name: String) throws {
    let golden = try Golden(name)
    #expect(Set(golden.model.parameters.trainedNames) == Set(golden.trained))
    #expect(
      Set(golden.trained.map { "grad.\($0)" })
        == Set(golden.tensors.keys.filter { $0.hasPrefix("grad.") }))
    let loss = try golden.model.loss(golden.batch, mask: golden.mask.mask(of: golden.batch))
    #expect(loss.shape == [])
    try expectClose(loss.reshape([1]), golden["loss"], 1e-5, "\(name), loss")
    try loss.backward()
    for (name, tensor) in golden.model.parameters.all {
      if golden.trained.contains(name) {
        try expectClose(tensor.grad, golden["grad.\(name)"], 1e-5, "gradient of \(name)")
      } else {
        #expect(tensor.grad == nil, "\(name) is frozen")
      }
    }
  }

  @Test(arguments: names) func inputsAreLeftAlone(_ name: String) throws {
    let golden = try Golden(name)
    let batch = golden.batch
    let inputs = [batch.tokens, batch.targets, batch.fields["occurrence"]].compactMap { $0 }
    let mask = try golden.mask.mask(of: batch)
    let (ids, weights) = (inputs.map { $0.elements() }, mask.elements())
    let parameters = golden.model.parameters.bits
    _ = try golden.model.forward(batch.tokens)
    for layer in 0..<golden.model.layerCount {
      _ = try golden.model.attention(batch.tokens, layer: layer)
    }
    try golden.model.loss(batch, mask: mask).backward()
    #expect(inputs.map { $0.elements() } == ids)
    #expect(mask.elements() == weights)
    #expect(golden.model.parameters.bits == parameters)
  }
}
