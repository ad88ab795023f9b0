import Settings
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// The transformer's options: what is refused, their JSON form, and what parameters they make.
struct TransformerConfigurationTests {
  private func expectRefused(
    _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout TransformerConfiguration) -> Void
  ) {
    let configuration = TransformerConfiguration.small(change)
    expectError("model.transformer: \(text)", sourceLocation: sourceLocation) {
      try configuration.validate()
    }
    expectError("model.transformer: \(text)", sourceLocation: sourceLocation) {
      try Transformer(configuration)
    }
  }

  @Test func sizesAreChecked() throws {
    expectRefused("vocab = 1 (allowed: 2 or more)") { $0.vocab = 1 }
    expectRefused("dim = 0 (allowed: 1 or more)") { $0.dim = 0 }
    expectRefused("max_len = 0 (allowed: 1 or more)") { $0.maxLen = 0 }
    expectRefused("layers = 0 (allowed: 1 to 1024)") { $0.layers = 0 }
    expectRefused("layers = 1025 (allowed: 1 to 1024)") { $0.layers = 1025 }
    for heads in [0, -3, 5, 24] {
      expectRefused("heads = \(heads) with dim = 12 (allowed: numbers that divide dim)") {
        $0.heads = heads
      }
    }
  }

  @Test func tyingNeedsOneAnswer() throws {
    for frozen in [true, false] {
      expectRefused(
        "tie_output shares one matrix, so freeze_embeddings and freeze_output must be equal"
      ) { ($0.tieOutput, $0.freezeEmbeddings, $0.freezeOutput) = (true, frozen, !frozen) }
    }
  }

  @Test func theSmallestModelWorks() throws {
    var configuration = TransformerConfiguration(vocab: 2)
    (configuration.dim, configuration.heads, configuration.maxLen) = (1, 1, 1)
    for norm in TransformerConfiguration.Norm.allCases {
      configuration.norm = norm
      let logits = try Transformer(configuration).forward(IntTensor([1], shape: [1, 1]))
      #expect(logits.shape == [1, 1, 2])
      #expect(logits.elements().allSatisfy { $0.isFinite })
    }
  }

  @Test func jsonHasTheOptionsOfTheConstructor() throws {
    #expect(
      try Transformer(.small()).settingsJSON() == """
        {"dim":12,"ffn":"mlp","freeze_embeddings":false,"freeze_output":false,"heads":3,\
        "layers":2,"max_len":15,"no_first_layer_ffn":false,"no_wo":false,"no_wv":false,\
        "norm":"pre","positional":"learned","seed":7,"tie_output":false,"vocab":11}
        """)
  }

  @Test(arguments: TransformerTests.configurations)
  func jsonIsReadBack(_ configuration: TransformerConfiguration) throws {
    let json = try Transformer(configuration).settingsJSON()
    let read = try TransformerConfiguration(settingsJSON: json)
    #expect(read == configuration)
  }

  @Test func missingKeysHaveTheirDefaults() throws {
    let read = try TransformerConfiguration(settingsJSON: #"{"vocab": 5, "dim": 6}"#)
    var expected = TransformerConfiguration(vocab: 5)
    expected.dim = 6
    #expect(read == expected)
    for json in ["{}", #"{"vocab": "5"}"#, #"{"vocab": 5, "norm": "layer"}"#] {
      #expect(throws: SettingError.self, "\(json)") {
        try TransformerConfiguration(settingsJSON: json)
      }
    }
  }

  // MARK: Parameters

  @Test func shapesAndNames() throws {
    let parameters = try Transformer(
      .small { ($0.layers, $0.noFirstLayerFfn) = (2, true) }
    ).parameters
    func attention(_ layer: Int) -> [String] {
      ["wq", "wk", "wv", "wo"].map { "layers.\(layer).attention.\($0).weight [12, 12]" }
    }
    func norm(_ name: String) -> [String] { ["\(name).weight [12]", "\(name).bias [12]"] }
    #expect(
      parameters.all.map { "\($0.name) \($0.tensor.shape)" }
        == ["tok_embeddings.weight [11, 12]", "pos_embeddings.weight [15, 12]"]
        + attention(0) + norm("layers.0.attention_norm") + attention(1)
        + ["layers.1.ff.w1.weight [48, 12]", "layers.1.ff.w2.weight [12, 48]"]
        + norm("layers.1.attention_norm") + norm("layers.1.ff_norm") + norm("norm")
        + ["output.weight [11, 12]"])
    let bare = try Transformer(
      .small {
        ($0.layers, $0.norm, $0.ffn, $0.positional) = (1, .none, .linear, .sincos)
        ($0.noWv, $0.noWo, $0.tieOutput) = (true, true, true)
      }
    ).parameters
    #expect(
      bare.names == [
        "tok_embeddings.weight", "pe", "layers.0.attention.wq.weight",
        "layers.0.attention.wk.weight", "layers.0.ff.weight",
      ])
    let post = try Transformer(.small { ($0.layers, $0.norm) = (1, .post) }).parameters
    #expect(post["norm.weight"] == nil && post["layers.0.ff_norm.bias"] != nil)
  }

  @Test func everythingIsTrainedUnlessFrozen() throws {
    let all = try Transformer(.small()).parameters
    #expect(all.trainedNames == all.names)
    let embeddings = ["tok_embeddings.weight", "pos_embeddings.weight"]
    #expect(
      try Transformer(.small { $0.freezeEmbeddings = true }).parameters.trainedNames
        == all.names.filter { !embeddings.contains($0) })
    #expect(
      try Transformer(.small { $0.freezeOutput = true }).parameters.trainedNames
        == all.names.dropLast())
    let sincos = try Transformer(.small { $0.positional = .sincos }).parameters
    #expect(sincos.trainedNames == sincos.names.filter { $0 != "pe" })
  }

  @Test func firstValues() throws {
    var configuration = TransformerConfiguration(vocab: 70)
    (configuration.dim, configuration.maxLen, configuration.seed) = (64, 90, 3)
    for (name, tensor) in try Transformer(configuration).parameters.all {
      let values = tensor.elements()
      if name.contains("norm") {
        #expect(Set(values) == [name.hasSuffix("weight") ? 1 : 0], "\(name)")
      } else if name.contains("embeddings") {
        let variance = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
        #expect(abs(variance - 1) < 0.08, "\(name)")
      } else {
        let bound = 1 / Float(tensor.shape[1]).squareRoot()
        let largest = values.reduce(0) { max($0, abs($1)) }
        #expect(largest <= bound && largest > 0.99 * bound, "\(name): \(largest), bound \(bound)")
      }
    }
  }

  /// An option that adds or drops a parameter leaves the others' first values as they are, and no
  /// two parameters begin alike.
  @Test func optionsDoNotDisturbOtherParameters() throws {
    let full = try Transformer(.small()).parameters
    let all = full.bits
    let changes: [(inout TransformerConfiguration) -> Void] = [
      { $0.layers = 1 }, { $0.norm = .none }, { $0.noWv = true }, { $0.noWo = true },
      { $0.ffn = .none }, { $0.noFirstLayerFfn = true }, { $0.tieOutput = true },
      { $0.positional = .sincos }, { $0.heads = 4 },
    ]
    for (place, change) in changes.enumerated() {
      let parameters = try Transformer(.small(change)).parameters
      let bits = parameters.bits
      for name in parameters.names where name != "pe" {
        let isSame = bits[name] == all[name]
        #expect(isSame, "change \(place): \(name)")
      }
    }
    let starts = full.all.filter { $0.tensor.rank == 2 }
      .map { $0.tensor.elements().prefix(48).map { $0 < 0 } }
    #expect(Set(starts).count == starts.count)
    #expect(try Transformer(.small { $0.seed = 8 }).parameters.bits != all)
  }
}
