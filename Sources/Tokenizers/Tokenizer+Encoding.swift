import Tensors

/// What encoding remembers from one call to the next; one call at a time has it.
struct WordEncoder {
  var cache = WordCache()
  var merger = Merger()
  /// The tokens of a word's bytes, and what they are merged into.
  var word: [Int32] = []
  var merged: [Int32] = []

  /// Gives the memory back that merging takes, but not what is remembered of words.
  mutating func forgetSpace() { (merger, word, merged) = (Merger(), [], []) }
}

extension Tokenizer {
  /// The longest text, in bytes.
  private static let longestText = 1 << 30
  /// The longest word, in bytes: merging takes 40 times as much.
  private static let longestWord = 1 << 24

  /// The tokens of a text.
  ///
  /// Words that came before, in this call or an earlier one, are remembered.
  /// - Parameter text: UTF-8.
  /// - Returns: ids from 0.
  /// - Throws: `EngineError` that says at which byte, counted from 1, the text is no UTF-8, or that
  ///   names a byte which the vocabulary lacks; also for texts of more than 2³⁰ bytes, and words of
  ///   more than 2²⁴.
  public func encode(_ text: [UInt8]) throws -> [Int] {
    guard text.count <= Self.longestText else {
      throw EngineError(
        "encode", "a text of \(text.count) bytes is too long (allowed: \(Self.longestText))")
    }
    try Self.checkUTF8(text)
    var ids: [Int] = []
    // A second call at the same time begins with nothing.
    var words = spare.withLock { $0.take() } ?? WordEncoder()
    defer { spare.withLock { $0 = words } }
    try addedTokens.plain.split(text, 0..<text.count) { piece in
      switch piece {
      case .token(let id): ids.append(id)
      case .text(let range): try encode(text, normalizing: range, &words, into: &ids)
      }
    }
    return ids
  }

  private func encode(
    _ text: [UInt8], normalizing range: Range<Int>, _ words: inout WordEncoder,
    into ids: inout [Int]
  ) throws {
    if composesText, let composed = try composed(text[range]) {
      try encode(composed, 0..<composed.count, &words, into: &ids)
    } else {
      try encode(text, range, &words, into: &ids)
    }
  }

  /// Appends the tokens of normalized text.
  private func encode(
    _ text: [UInt8], _ range: Range<Int>, _ words: inout WordEncoder, into ids: inout [Int]
  ) throws {
    try addedTokens.normalized.split(text, range) { piece in
      switch piece {
      case .token(let id): ids.append(id)
      case .text(let range):
        if addsSpaceBefore, text[range.lowerBound] != UInt8(ascii: " ") {
          let spaced = [UInt8(ascii: " ")] + text[range]
          try encode(spaced, words: 0..<spaced.count, &words, into: &ids)
        } else {
          try encode(text, words: range, &words, into: &ids)
        }
      }
    }
  }

  /// Appends the tokens of text without added tokens.
  private func encode(
    _ text: [UInt8], words range: Range<Int>, _ words: inout WordEncoder, into ids: inout [Int]
  ) throws {
    guard cutsWords else { return try encode(text, word: range, &words, into: &ids) }
    let scanner = WordScanner(text, end: range.upperBound)
    var (start, count) = (range.lowerBound, 0)
    while start < range.upperBound {
      count += 1
      if count & 0xFFF == 0 { try StopToken.checkpoint() }
      let end = scanner.wordEnd(from: start)
      try encode(text, word: start..<end, &words, into: &ids)
      start = end
    }
  }

  /// Appends the tokens of one word.
  private func encode(
    _ text: [UInt8], word range: Range<Int>, _ words: inout WordEncoder, into ids: inout [Int]
  ) throws {
    let isKept = range.count <= WordCache.longestWord
    let hash = isKept ? WordCache.hash(text, range) : 0
    if isKept, words.cache.take(text, range, hash: hash, into: &ids) { return }
    guard range.count <= Self.longestWord else {
      throw EngineError(
        "encode", "a word of \(range.count) bytes is too long (allowed: \(Self.longestWord))")
    }
    // The memory of a long word is not kept.
    defer { if range.count > 1 << 16 { words.forgetSpace() } }
    words.word.removeAll(keepingCapacity: true)
    for i in range {
      let token = byteTokens[Int(text[i])]
      guard token >= 0 else {
        throw EngineError("encode", "the vocabulary has no token for byte \(text[i])")
      }
      words.word.append(token)
    }
    words.merged.removeAll(keepingCapacity: true)
    try words.merger.merge(words.word, by: merges, into: &words.merged)
    for token in words.merged { ids.append(Int(token)) }
    if isKept { words.cache.add(text, range, hash: hash, words.merged[...]) }
  }

  /// - Throws: `EngineError` that says where the text is no UTF-8.
  private static func checkUTF8(_ text: [UInt8]) throws {
    if String(validating: text, as: UTF8.self) != nil { return }
    var position = 0
    var parser = Unicode.UTF8.ForwardParser()
    var bytes = text.makeIterator()
    while case .valid(let character) = parser.parseScalar(from: &bytes) {
      position += character.count
    }
    throw EngineError("encode", "the text is not UTF-8 (byte \(position + 1))")
  }
}
