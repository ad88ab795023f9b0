import Tensors

extension Model {
  /// Draws `length` tokens that continue a prompt.
  ///
  /// Each is drawn from the logits at the last position, divided by `temperature`; at temperature 0
  /// it is the most likely one. Only the last `maxLength` tokens are read.
  /// - Parameters:
  ///   - prompt: ids, counted from 0; at least one.
  ///   - length: how many tokens to draw.
  ///   - temperature: 0 or more.
  ///   - stream: the random numbers.
  /// - Returns: prompt and continuation.
  /// - Throws: `EngineError` if an argument is outside its range.
  public func generate(
    prompt: [Int32], length: Int, temperature: Float, using stream: inout RandomStream
  ) throws -> [Int32] {
    guard outputSize == vocabSize else {
      throw EngineError(
        "generate", "the model reads \(vocabSize) tokens but gives \(outputSize) outputs")
    }
    guard !prompt.isEmpty else { throw EngineError("generate", "the prompt is empty") }
    // Ids are of 32 bits, and so are places among them.
    guard length >= 0, length <= Int(Int32.max) - prompt.count else {
      throw EngineError(
        "generate",
        "length = \(length) (allowed: 0 to \(Int(Int32.max) - prompt.count), with \(prompt.count) of "
          + "a prompt)")
    }
    guard temperature >= 0, temperature.isFinite else {
      throw EngineError("generate", "temperature = \(temperature) (allowed: 0 or more)")
    }
    var ids = prompt
    for _ in 0..<length {
      let context = Array(ids.suffix(maxLength))
      let tokens = try IntTensor(context, shape: [1, context.count])
      let last = RowSelection(lastPositionOf: 1, length: context.count)
      let logits = try noGrad {
        try check(tokens)
        return try self.logits(tokens, rows: last).reshape([vocabSize])
      }
      if temperature == 0 {
        ids.append(Int32(try logits.argmax().item()))
      } else {
        let weights = try logits.div(Tensor(temperature)).softmax(0).elements().map(Double.init)
        ids.append(Int32(try AliasTable(weights: weights).sample(using: &stream)))
      }
    }
    return ids
  }
}
