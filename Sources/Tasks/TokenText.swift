/// What turns token ids, counted from 0, into text.
public protocol TokenText {
  /// The text of ids.
  /// - Throws: `EngineError` if one has none.
  func decode(_ ids: [Int32]) throws -> String
}

extension Corpus: TokenText {}
