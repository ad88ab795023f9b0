import Settings
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// The options: what is refused, and their JSON form.
struct SimplifiedConfigurationTests {
  private func expectRefused(
    _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout SimplifiedConfiguration) -> Void
  ) {
    let configuration = SimplifiedConfiguration.small(change)
    expectError("model.simplified: \(text)", sourceLocation: sourceLocation) {
      try configuration.validate()
    }
    expectError("model.simplified: \(text)", sourceLocation: sourceLocation) {
      try SimplifiedTransformer(configuration)
    }
  }

  @Test func sizesAreChecked() throws {
    expectRefused("vocab = 1 (allowed: 2 or more)") { $0.vocab = 1 }
    expectRefused("dim = 0 (allowed: 1 or more)") { $0.dim = 0 }
    expectRefused("dim = -4 (allowed: 1 or more)") { $0.dim = -4 }
    expectRefused("max_len = 0 (allowed: 1 or more)") { $0.maxLen = 0 }
    let limits = "(allowed: up to 16777216, 65536, 1048576)"
    expectRefused("vocab = 16777217, dim = 8, max_len = 15 \(limits)") { $0.vocab = 1 << 24 + 1 }
    expectRefused("vocab = 11, dim = 65537, max_len = 15 \(limits)") { $0.dim = 1 << 16 + 1 }
    expectRefused("vocab = 11, dim = 8, max_len = 1048577 \(limits)") { $0.maxLen = 1 << 20 + 1 }
    expectRefused("vocab = 11, dim = 8, max_len = \(Int.max) \(limits)") { $0.maxLen = .max }
  }

  @Test func feedForwardsAreTwo() throws {
    expectRefused("ffn has 1 entries (allowed: 2, one for each layer)") { $0.ffn = [.mlp] }
    expectRefused("ffn has 3 entries (allowed: 2, one for each layer)") {
      $0.ffn = [.none, .none, .none]
    }
  }

  @Test func combinationsAreChecked() throws {
    expectRefused("dim = 7 with positional = \"rope\" (allowed: even numbers)") {
      $0.dim = 7
      $0.positional = .rope
    }
    expectRefused(
      "cross_talk = false needs position embeddings, and positional = \"rope\" has none "
        + "(allowed: \"random\", \"sincos\")"
    ) {
      $0.crossTalk = false
      $0.positional = .rope
    }
    expectRefused(
      "ffn of layer 1 is \"linear\", but with cross_talk = false nothing reads it "
        + "(allowed: \"none\")"
    ) {
      $0.crossTalk = false
      $0.ffn = [.linear, .mlp]
    }
    for frozen in [true, false] {
      expectRefused(
        "tie_output shares one matrix, so freeze_embeddings and freeze_output must be equal"
      ) {
        $0.tieOutput = true
        $0.freezeEmbeddings = frozen
        $0.freezeOutput = !frozen
      }
    }
  }

  @Test func theSmallestModelWorks() throws {
    var configuration = SimplifiedConfiguration(vocab: 2)
    (configuration.dim, configuration.maxLen) = (1, 1)
    configuration.ffn = [.mlp, .linear]
    let logits = try SimplifiedTransformer(configuration).forward(IntTensor([1], shape: [1, 1]))
    #expect(logits.shape == [1, 1, 2])
    #expect(logits.elements().allSatisfy { $0.isFinite })
  }

  @Test func jsonHasTheOptionsOfTheConstructor() throws {
    let model = try SimplifiedTransformer(.small { $0.seed = .max })
    #expect(
      try model.settingsJSON() == """
        {"cross_talk":true,"dim":8,"embedding_init":"unit","ffn":["none","none"],\
        "freeze_embeddings":true,"freeze_output":true,"max_len":15,"positional":"random",\
        "score_scale":"sqrt_dim","seed":18446744073709551615,"tie_output":false,"vocab":11}
        """)
  }

  @Test(arguments: SimplifiedTransformerTests.configurations)
  func jsonIsReadBack(_ configuration: SimplifiedConfiguration) throws {
    let json = try SimplifiedTransformer(configuration).settingsJSON()
    let read = try SimplifiedConfiguration(settingsJSON: json)
    #expect(read == configuration)
  }

  @Test func missingKeysHaveTheirDefaults() throws {
    let read = try SimplifiedConfiguration(settingsJSON: #"{"vocab": 5, "dim": 6}"#)
    var expected = SimplifiedConfiguration(vocab: 5)
    expected.dim = 6
    #expect(read == expected)
    #expect(expected.maxLen == 128 && expected.crossTalk && expected.freezeEmbeddings)
    for json in ["{}", #"{"vocab": "5"}"#, #"{"vocab": 5, "positional": "learned"}"#] {
      #expect(throws: SettingError.self, "\(json)") {
        try SimplifiedConfiguration(settingsJSON: json)
      }
    }
  }
}
