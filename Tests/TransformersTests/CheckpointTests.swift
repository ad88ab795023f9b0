import FoundationEssentials
import Settings
import TensorFiles
import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// Models on disk.
struct CheckpointTests {
  @Test(arguments: SimplifiedTransformerTests.configurations)
  func modelsComeBack(_ configuration: SimplifiedConfiguration) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      let model = try SimplifiedTransformer(configuration)
      try model.parameters.set("layers.1.attention.wo.weight", Tensor(full: [8, 8], 0.1))
      try Checkpoint.save(model, to: path)
      let loaded = try #require(Checkpoint.load(from: path) as? SimplifiedTransformer)
      #expect(loaded.configuration == configuration)
      #expect(loaded.parameters.names == model.parameters.names)
      #expect(loaded.parameters.bits == model.parameters.bits)
      #expect(loaded.parameters.trainedNames == model.parameters.trainedNames)
    }
  }

  @Test(arguments: TransformerTests.configurations)
  func transformersComeBack(_ configuration: TransformerConfiguration) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      let model = try Transformer(configuration)
      try model.parameters.set("layers.0.attention.wk.weight", Tensor(full: [12, 12], 0.1))
      try Checkpoint.save(model, to: path)
      let loaded = try #require(Checkpoint.load(from: path) as? Transformer)
      #expect(loaded.configuration == configuration)
      #expect(loaded.parameters.names == model.parameters.names)
      #expect(loaded.parameters.bits == model.parameters.bits)
      #expect(loaded.parameters.trainedNames == model.parameters.trainedNames)
    }
  }

  @Test func metadataIsKept() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      let model = try SimplifiedTransformer(.small())
      // What makes the model again cannot be replaced.
      try Checkpoint.save(model, to: path, metadata: ["step": "12", "kind": "other"])
      let metadata = try Safetensors.load(path).metadata
      #expect(
        metadata == [
          "step": "12", "format": "mnemo", "kind": "simplified",
          "config": try model.settingsJSON(),
        ])
    }
  }

  @Test func savingAgainReplacesTheFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      try Checkpoint.save(SimplifiedTransformer(.small { $0.ffn = [.mlp, .mlp] }), to: path)
      let model = try SimplifiedTransformer(.small { $0.seed = 8 })
      try Checkpoint.save(model, to: path)
      #expect(try Checkpoint.load(from: path).parameters.bits == model.parameters.bits)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.safetensors"])
      #expect(throws: EngineError.self) {
        try Checkpoint.save(model, to: "\(folder)/none/model.safetensors")
      }
    }
  }

  /// A model that is read takes the file's tensors; nothing is drawn, so no time is lost.
  @Test func loadedModelsAreTheirOwn() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      try Checkpoint.save(SimplifiedTransformer(.small()), to: path)
      let (a, b) = (try Checkpoint.load(from: path), try Checkpoint.load(from: path))
      try a.parameters.set("output.weight", Tensor(full: [11, 8], 0))
      #expect(a.parameters.bits["pe"] == b.parameters.bits["pe"])
      #expect(a.parameters.bits["output.weight"] != b.parameters.bits["output.weight"])
      // What is asked of a model made of parameters is that they are those of its options.
      let parameters = try SimplifiedTransformer(.small()).parameters
      expectError("model.simplified: needs 'tok_embeddings.weight' of shape [11, 6]") {
        try SimplifiedTransformer(.small { $0.dim = 6 }, parameters: parameters)
      }
      expectError("model.simplified: 'output.weight' is no parameter of such a model") {
        try SimplifiedTransformer(
          .small { ($0.tieOutput, $0.freezeEmbeddings) = (true, $0.freezeOutput) },
          parameters: parameters)
      }
    }
  }

  // MARK: Files that are no checkpoints

  /// Writes the tensors of a small model, changed, with this metadata, and reads the file.
  private func load(
    _ metadata: [String: String], at path: String,
    _ change: (inout [String: Tensor]) throws -> Void = { _ in }
  ) throws -> any Model {
    let model = try SimplifiedTransformer(.small())
    var tensors = Dictionary(
      uniqueKeysWithValues: model.parameters.all.map { ($0.name, $0.tensor) })
    try change(&tensors)
    try Safetensors.save(
      path, tensors: tensors.sorted { $0.key < $1.key }.map { ($0.key, .float($0.value)) },
      metadata: metadata)
    return try Checkpoint.load(from: path)
  }

  private func metadata() throws -> [String: String] {
    ["kind": "simplified", "config": try SimplifiedTransformer(.small()).settingsJSON()]
  }

  @Test func filesWithoutConfigurationAreRefused() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/m"
      let good = try metadata()
      #expect(try load(good, at: path).kind == "simplified")
      for missing in ["kind", "config"] {
        expectError(
          "model.load: '\(path)' has no model configuration in its metadata; make the model and "
            + "use load_state"
        ) { try load(good.filter { $0.key != missing }, at: path) }
      }
      for (kind, shown) in [("lstm", "lstm"), ("\u{1B}]0;x\u{7}", "\\u{1B}]0;x\\u{7}")] {
        expectError(
          "model.load: '\(path)' holds a model of kind '\(shown)' (known: simplified, transformer, factual, gpt2, gpt_neox)"
        ) {
          try load(good.merging(["kind": kind]) { $1 }, at: path)
        }
      }
      try Data("no safetensors".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: EngineError.self) { try Checkpoint.load(from: path) }
      #expect(throws: EngineError.self) { try Checkpoint.load(from: "\(path)-none") }
    }
  }

  @Test func damagedConfigurationsAreRefused() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/m"
      let damaged = [
        ("", ""), ("{", "{"), ("[]", "[]"), ("null", "null"), ("{}", "vocab: missing"),
        (#"{"vocab":2.5}"#, "vocab: integer expected, got 2.5"),
        (
          #"{"vocab":11,"ffn":["gelu","none"]}"#,
          "ffn: list of \"none\" or \"linear\" or \"mlp\" expected, got [\"gelu\", \"none\"]"
        ), (#"{"vocab":11,"dim":1e300}"#, "dim: integer expected, got 1e+300"),
        (#"{"vocab":11,"depth":2}"#, "depth: there is no such option"),
        // What a file says goes to no terminal as it is.
        (
          #"{"vocab":11,"\u001b]0;title\u0007":2}"#,
          "\\u{1B}]0;title\\u{7}: there is no such option"
        ),
        ("\u{1B}[31m\u{9B}\u{202E}", "\\u{1B}[31m\\u{9B}\\u{202E}"),
      ]
      for (config, reason) in damaged {
        expectError("model.load: the configuration in '\(path)' cannot be read: \(reason)") {
          try load(["kind": "simplified", "config": config], at: path)
        }
      }
      expectError("model.simplified: dim = 0 (allowed: 1 or more)") {
        try load(["kind": "simplified", "config": #"{"vocab":11,"dim":0}"#], at: path)
      }
      // A configuration that does not fit the tensors is refused before a model is made of it.
      for (config, name, shape) in [
        (#"{"vocab":12,"dim":8,"max_len":15}"#, "tok_embeddings.weight", "[12, 8]"),
        (#"{"vocab":11,"dim":8,"max_len":1000000}"#, "pe", "[1000000, 8]"),
        (#"{"vocab":16000000,"dim":60000}"#, "tok_embeddings.weight", "[16000000, 60000]"),
      ] {
        expectError(
          "model.load: '\(path)' does not hold what its configuration says: '\(name)' of shape "
            + shape
        ) { try load(["kind": "simplified", "config": config], at: path) }
      }
      // Thousands of layers of gigabytes, of which the file holds nothing.
      expectError(
        "model.load: '\(path)' does not hold what its configuration says: "
          + "'tok_embeddings.weight' of shape [11, 65536]"
      ) {
        try load(
          ["kind": "transformer", "config": #"{"vocab":11,"dim":65536,"layers":1024,"heads":1}"#],
          at: path)
      }
      // Integers are no weights, whatever their shape.
      try Safetensors.save(
        path, tensors: [("tok_embeddings.weight", .int(IntTensor(shape: [2, 1])))],
        metadata: ["kind": "simplified", "config": #"{"vocab":2,"dim":1}"#])
      expectError(
        "model.load: '\(path)' does not hold what its configuration says: "
          + "'tok_embeddings.weight' of shape [2, 1]"
      ) { try Checkpoint.load(from: path) }
      // A transformer's positions have another name, and none of its layers' weights are there.
      let config = #"{"vocab":11,"dim":8,"max_len":15"#
      expectError(
        "model.load: '\(path)' does not hold what its configuration says: "
          + "'pos_embeddings.weight' of shape [15, 8]"
      ) { try load(["kind": "transformer", "config": "\(config)}"], at: path) }
      expectError(
        "model.load: '\(path)' does not hold what its configuration says: "
          + "'layers.0.attention.wq.weight' of shape [8, 8]"
      ) {
        try load(
          [
            "kind": "transformer",
            "config": #"\#(config),"norm":"none","ffn":"none","positional":"sincos"}"#,
          ], at: path)
      }
    }
  }

  @Test func wrongTensorsAreRefused() throws {
    try withTemporaryFolder { folder in
      let (path, good) = ("\(folder)/m", try metadata())
      let missing = "model.load: '\(path)' does not hold what its configuration says"
      expectError("\(missing): 'layers.0.attention.wk.weight' of shape [8, 8]") {
        try load(good, at: path) {
          ($0["output.weight"], $0["layers.0.attention.wk.weight"]) = (nil, nil)
        }
      }
      expectError(
        "model.load: '\(path)' holds what is no parameter of such a model: \\u{1B}[31m, a"
      ) {
        try load(good, at: path) { ($0["\u{1B}[31m"], $0["a"]) = (Tensor(1), Tensor(1)) }
      }
      expectError("\(missing): 'output.weight' of shape [11, 8]") {
        try load(good, at: path) { $0["output.weight"] = try Tensor(full: [8, 11], 1) }
      }
    }
  }

  // MARK: load_state

  @Test func statesAreLoadedByName() throws {
    let source = try SimplifiedTransformer(.small { $0.seed = 8 })
    let model = try SimplifiedTransformer(.small())
    let tensors = source.parameters.all.map {
      (ByteName($0.name), Safetensors.Value.float($0.tensor))
    }
    let identities = model.parameters.all.map { ObjectIdentifier($0.tensor) }
    #expect(model.parameters.bits != source.parameters.bits)
    try Checkpoint.loadState(Dictionary(uniqueKeysWithValues: tensors), into: model)
    #expect(model.parameters.bits == source.parameters.bits)
    #expect(model.parameters.all.map { ObjectIdentifier($0.tensor) } == identities)
    #expect(model.parameters.trainedNames == source.parameters.trainedNames)
  }

  @Test func aStateThatDoesNotFitLeavesTheModelUntouched() throws {
    let source = try SimplifiedTransformer(.small { $0.seed = 8 })
    let model = try SimplifiedTransformer(.small())
    let before = model.parameters.bits
    let state = Dictionary(
      uniqueKeysWithValues: source.parameters.all.map {
        (ByteName($0.name), Safetensors.Value.float($0.tensor))
      })
    // The last parameter is wrong, so that all others have been looked at before.
    func expectRefused(
      _ text: String, _ change: (inout [ByteName: Safetensors.Value]) throws -> Void
    ) throws {
      var wrong = state
      try change(&wrong)
      expectError("load_state: \(text)") { try Checkpoint.loadState(wrong, into: model) }
      #expect(model.parameters.bits == before, "\(text)")
    }
    try expectRefused("missing: output.weight") { $0["output.weight"] = nil }
    try expectRefused("not a parameter of this model: x") { $0["x"] = .float(Tensor(1)) }
    try expectRefused("missing: output.weight; not a parameter of this model: x, y") {
      ($0["output.weight"], $0["y"], $0["x"]) = (nil, .float(Tensor(1)), .float(Tensor(1)))
    }
    try expectRefused("'output.weight' needs numbers of shape [11, 8], got [11, 9]") {
      $0["output.weight"] = .float(try Tensor(full: [11, 9], 1))
    }
    try expectRefused("'output.weight' needs numbers of shape [11, 8], got integers") {
      $0["output.weight"] = .int(try IntTensor(shape: [11, 8]))
    }
  }
}
