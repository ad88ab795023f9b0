import Glibc
import Tensors
import TestModels
import Testing
import Transformers

/// What parameters are drawn from, and which of them are trained.
struct InitialValueTests {
  /// Large enough for moments: 70 tokens, 64 coordinates, 90 positions.
  private static func large(
    _ change: (inout SimplifiedConfiguration) -> Void = { _ in }
  ) throws -> Parameters {
    var configuration = SimplifiedConfiguration(vocab: 70)
    (configuration.dim, configuration.maxLen, configuration.seed) = (64, 90, 3)
    configuration.ffn = [.linear, .mlp]
    change(&configuration)
    return try SimplifiedTransformer(configuration).parameters
  }

  private func expectMoments(
    _ tensor: Tensor, variance: Double, _ label: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let values = tensor.elements().map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let second = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    // Four standard errors, of a normal distribution; a uniform one's are smaller.
    let error = 4 / Double(values.count).squareRoot()
    #expect(
      abs(mean) < error * variance.squareRoot(), "mean \(mean) of \(label)",
      sourceLocation: sourceLocation)
    #expect(
      abs(second / variance - 1) < error * 2.0.squareRoot(), "variance \(second) of \(label)",
      sourceLocation: sourceLocation)
  }

  @Test func shapesAndNames() throws {
    let parameters = try Self.large()
    #expect(
      parameters.all.map { "\($0.name) \($0.tensor.shape)" } == [
        "tok_embeddings.weight [70, 64]", "pe [90, 64]", "layers.0.attention.wk.weight [64, 64]",
        "layers.0.attention.wv.weight [64, 64]", "layers.0.attention.wo.weight [64, 64]",
        "layers.0.ff.weight [64, 64]", "layers.1.attention.wk.weight [64, 64]",
        "layers.1.attention.wv.weight [64, 64]", "layers.1.attention.wo.weight [64, 64]",
        "layers.1.ff.w1.weight [256, 64]", "layers.1.ff.w2.weight [64, 256]",
        "output.weight [70, 64]",
      ])
    let bare = try Self.large {
      $0.ffn = [.none, .none]
      $0.positional = .rope
      $0.tieOutput = true
    }
    #expect(
      bare.names == [
        "tok_embeddings.weight", "layers.0.attention.wk.weight", "layers.0.attention.wv.weight",
        "layers.0.attention.wo.weight", "layers.1.attention.wk.weight",
        "layers.1.attention.wv.weight", "layers.1.attention.wo.weight",
      ])
  }

  @Test func trainedAreWhatTheExperimentTrains() throws {
    let inside = [
      "layers.0.attention.wk.weight", "layers.0.ff.weight", "layers.1.attention.wk.weight",
      "layers.1.attention.wo.weight", "layers.1.ff.w1.weight", "layers.1.ff.w2.weight",
    ]
    #expect(try Self.large().trainedNames == inside)
    #expect(
      try Self.large { $0.freezeEmbeddings = false }.trainedNames
        == ["tok_embeddings.weight"] + inside)
    #expect(
      try Self.large { $0.freezeOutput = false }.trainedNames == inside + ["output.weight"])
    let tied = try Self.large {
      $0.tieOutput = true
      $0.freezeEmbeddings = false
      $0.freezeOutput = false
    }
    #expect(tied.trainedNames == ["tok_embeddings.weight"] + inside)
  }

  @Test func embeddingsAreNormal() throws {
    for (choice, variance) in [(.unit, 1), (.scaled, 1 / 64.0)]
      as [(SimplifiedConfiguration.EmbeddingInit, Double)]
    {
      let parameters = try Self.large { $0.embeddingInit = choice }
      for name in ["tok_embeddings.weight", "pe"] {
        let tensor = try parameters.get(name)
        expectMoments(tensor, variance: variance, "\(name), \(choice)")
        // Not uniform: 0.27 % of a normal distribution lie beyond three deviations.
        let beyond = tensor.elements().filter { abs($0) > 3 * Float(variance.squareRoot()) }
        #expect((3...40).contains(beyond.count), "\(name): \(beyond.count) of \(tensor.count)")
      }
    }
  }

  @Test func weightsAreUniformInTheirBounds() throws {
    for (name, tensor) in try Self.large().all where name != "tok_embeddings.weight" && name != "pe"
    {
      let bound = 1 / Float(tensor.shape[1]).squareRoot()
      expectMoments(tensor, variance: Double(bound * bound) / 3, name)
      let largest = tensor.elements().reduce(0) { max($0, abs($1)) }
      #expect(largest <= bound && largest > 0.99 * bound, "\(name): \(largest), bound \(bound)")
    }
  }

  @Test(arguments: [8, 7]) func sinusoidsFollowTheFormula(_ dim: Int) throws {
    for embeddings in SimplifiedConfiguration.EmbeddingInit.allCases {
      let model = try SimplifiedTransformer(
        .small {
          $0.positional = .sincos
          $0.dim = dim
          $0.embeddingInit = embeddings
        })
      let size = embeddings == .scaled ? 1 / Double(dim).squareRoot() : 1
      let values = try model.parameters.get("pe").elements()
      #expect(values.count == 15 * dim)
      for t in 0..<15 {
        for i in 0..<(dim + 1) / 2 {
          let angle = Double(t) / pow(10000, Double(2 * i) / Double(dim))
          let place = t * dim + 2 * i
          #expect(abs(Double(values[place]) - size * sin(angle)) < 1e-6, "t = \(t), i = \(i)")
          if 2 * i + 1 < dim {
            #expect(abs(Double(values[place + 1]) - size * cos(angle)) < 1e-6, "t = \(t), i = \(i)")
          }
        }
      }
    }
  }

  @Test func seedsDecide() throws {
    let first = try Self.large()
    #expect(try Self.large().bits == first.bits)
    let second = try Self.large { $0.seed = 4 }
    for name in first.names {
      let isSame = second.bits[name] == first.bits[name]
      #expect(!isSame, "\(name)")
    }
    // Streams of their own: no two parameters begin alike, whatever their scale.
    let starts = first.all.map { $0.tensor.elements().prefix(48).map { $0 < 0 } }
    #expect(Set(starts).count == starts.count)
  }

  /// An option that adds, drops or scales a parameter leaves the others' first values as they are.
  @Test func optionsDoNotDisturbOtherParameters() throws {
    let all = try Self.large { $0.ffn = [.mlp, .mlp] }.bits
    let changes: [(String, (inout SimplifiedConfiguration) -> Void)] = [
      ("no feed-forward", { $0.ffn = [.none, .none] }),
      ("one feed-forward", { $0.ffn = [.none, .mlp] }),
      ("rope", { ($0.ffn, $0.positional) = ([.mlp, .mlp], .rope) }),
      ("tied", { ($0.ffn, $0.tieOutput) = ([.mlp, .mlp], true) }),
      ("not frozen", { ($0.ffn, $0.freezeEmbeddings) = ([.mlp, .mlp], false) }),
      ("idealised", { ($0.ffn, $0.crossTalk) = ([.none, .mlp], false) }),
    ]
    for (label, change) in changes {
      let parameters = try Self.large(change)
      let bits = parameters.bits
      for name in parameters.names {
        let isSame = bits[name] == all[name]
        #expect(isSame, "\(label): \(name)")
      }
    }
  }
}
