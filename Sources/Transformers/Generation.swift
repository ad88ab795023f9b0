import Tensors

/// A model that reads on where it stopped, with what it keeps of the tokens before.
public protocol ContinuingModel: Model {
  /// A reader of one sequence.
  /// - Parameter capacity: how many tokens it will read at the most, up to `maxLength`.
  /// - Returns: the reader, which has read nothing.
  /// - Throws: `EngineError` if there is no memory for what it keeps.
  func reader(capacity: Int) throws -> any TokenReader
}

/// Reads one sequence, some tokens at a time.
public protocol TokenReader: AnyObject {
  /// Reads the tokens that follow.
  /// - Parameter tokens: ids, counted from 0; at least one, and no more than there is room for.
  /// - Returns: the logits after the last, [V], without gradient.
  /// - Throws: `EngineError` if an id is outside the vocabulary.
  func read(_ tokens: [Int32]) throws -> Tensor
}

/// Reads the last tokens of a sequence anew each time.
private final class WholeReader: TokenReader {
  private let model: any Model
  private var tokens: [Int32] = []

  init(_ model: any Model) { self.model = model }

  func read(_ added: [Int32]) throws -> Tensor {
    tokens = Array((tokens + added).suffix(model.maxLength))
    let ids = try IntTensor(tokens, shape: [1, tokens.count])
    let last = RowSelection(lastPositionOf: 1, length: tokens.count)
    return try noGrad {
      try model.check(ids)
      return try model.logits(ids, rows: last).reshape([model.vocabSize])
    }
  }
}

extension Model {
  /// Draws `length` tokens that continue a prompt.
  ///
  /// Each is drawn from the logits at the last position, divided by `temperature`; at temperature 0
  /// it is the most likely one. Only the last `maxLength` tokens are read; by a model that keeps
  /// what it read, ``ContinuingModel``, there must not be more.
  /// - Parameters:
  ///   - prompt: ids, counted from 0; at least one.
  ///   - length: how many tokens to draw.
  ///   - temperature: 0 or more.
  ///   - ends: ids after which no more is drawn.
  ///   - stream: the random numbers.
  /// - Returns: prompt and continuation.
  /// - Throws: `EngineError` if an argument is outside its range.
  public func generate(
    prompt: [Int32], length: Int, temperature: Float, until ends: Set<Int32> = [],
    using stream: inout RandomStream
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
    guard length > 0 else { return ids }
    let reader = try reader(prompt: prompt.count, length: length)
    var added = prompt
    for _ in 0..<length {
      let logits = try reader.read(added)
      let next: Int
      if temperature == 0 {
        next = try logits.argmax().item()
      } else {
        let weights = try logits.div(Tensor(temperature)).softmax(0).elements().map(Double.init)
        next = try AliasTable(weights: weights).sample(using: &stream)
      }
      added = [Int32(next)]
      ids += added
      if ends.contains(added[0]) { break }
    }
    return ids
  }

  /// What reads a prompt and `length` tokens that are drawn after it, the last of which is not
  /// read.
  private func reader(prompt: Int, length: Int) throws -> any TokenReader {
    guard let model = self as? any ContinuingModel else { return WholeReader(self) }
    guard prompt <= maxLength else {
      throw EngineError(
        "generate", "a prompt of \(prompt) tokens (allowed: 1…\(maxLength), the model's max_len)")
    }
    let room = maxLength + 1 - prompt
    guard length <= room else {
      throw EngineError(
        "generate",
        "length = \(length) (allowed: 0…\(room), with \(prompt) tokens of a prompt and max_len = "
          + "\(maxLength))")
    }
    return try model.reader(capacity: prompt + length - 1)
  }
}
