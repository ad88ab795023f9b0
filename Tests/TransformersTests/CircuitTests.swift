import Tasks
import Tensors
import Testing
import Transformers

/// An induction head built by hand from orthonormal vectors, so that each part does what the theory
/// says it does.
///
/// Coordinates 0..<10 hold tokens, 10..<30 positions, 30..<40 "the token before" and 40..<50
/// predictions.
struct CircuitTests {
  private static let (vocab, dim, length) = (10, 50, 20)
  private static let (positions, before, predictions) = (vocab, vocab + length, 2 * vocab + length)

  /// Σ strength · e_to e_fromᵀ, [d, d]; or its top rows.
  private static func memory(
    _ pairs: [(from: Int, to: Int)], rows: Int = dim, strength: Float = 1
  ) throws -> Tensor {
    var elements = [Float](repeating: 0, count: rows * dim)
    for (from, to) in pairs { elements[to * dim + from] += strength }
    return try Tensor(elements, shape: [rows, dim])
  }

  private static func inductionHead(crossTalk: Bool) throws -> SimplifiedTransformer {
    var configuration = SimplifiedConfiguration(vocab: vocab)
    (configuration.dim, configuration.maxLen) = (dim, length)
    configuration.crossTalk = crossTalk
    configuration.scoreScale = .none
    let model = try SimplifiedTransformer(configuration)
    func set(_ name: String, _ value: Tensor) throws { try model.parameters.set(name, value) }
    let tokens = 0..<vocab
    try set("tok_embeddings.weight", memory(tokens.map { ($0, $0) }, rows: vocab))
    try set("pe", memory((0..<length).map { (positions + $0, $0) }, rows: length))
    // Scores are x_tᵀ W_K x_u: position t looks for position t − 1.
    try set(
      "layers.0.attention.wk.weight",
      memory((1..<length).map { (positions + $0 - 1, positions + $0) }, strength: 20))
    try set("layers.0.attention.wv.weight", memory(tokens.map { ($0, before + $0) }))
    try set("layers.0.attention.wo.weight", Tensor.eye(dim))
    // Token k looks for the position whose token before was k.
    try set(
      "layers.1.attention.wk.weight", memory(tokens.map { (before + $0, $0) }, strength: 20))
    try set("layers.1.attention.wv.weight", Tensor.eye(dim))
    try set("layers.1.attention.wo.weight", memory(tokens.map { ($0, predictions + $0) }))
    try set("output.weight", memory(tokens.map { (predictions + $0, $0) }, rows: vocab))
    return model
  }

  private static func batch() throws -> Batch {
    var options = BigramTask.Options(corpus: try .uniform(vocab))
    (options.triggers, options.seqLen, options.seed) = (3, length, 2)
    return try BigramTask(options).batch(30, index: 0)
  }

  @Test(arguments: [true, false]) func theFirstLayerAttendsToThePreviousToken(
    _ crossTalk: Bool
  ) throws {
    let model = try Self.inductionHead(crossTalk: crossTalk)
    let attention = try model.attention(Self.batch().tokens, layer: 0).elements()
    let length = Self.length
    for sequence in 0..<30 {
      for t in 1..<length {
        let probability = attention[(sequence * length + t) * length + t - 1]
        #expect(probability > 0.99, "sequence \(sequence), position \(t)")
      }
    }
  }

  @Test(arguments: [true, false]) func theSecondPredictsEveryRepeatedOutput(
    _ crossTalk: Bool
  ) throws {
    let model = try Self.inductionHead(crossTalk: crossTalk)
    let batch = try Self.batch()
    let (tokens, targets) = (batch.tokens.elements(), batch.targets.elements())
    let occurrence = try #require(batch.fields["occurrence"]).elements()
    let predictions = try model.forward(batch.tokens).argmax(2).elements()
    var asked = 0
    for place in tokens.indices where occurrence[place] >= 2 {
      // Position 0 attends to itself, so that its token looks like its own successor.
      if tokens[place] == tokens[place / Self.length * Self.length] { continue }
      asked += 1
      #expect(predictions[place] == targets[place], "place \(place)")
    }
    #expect(asked > 50)
  }
}
