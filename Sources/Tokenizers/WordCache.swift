/// The tokens of words that came before, since most words come again.
///
/// A table with open addressing; what it holds of words and tokens lies side by side. When it is
/// full, it begins anew.
struct WordCache {
  /// Longer words, in bytes, are not kept.
  static let longestWord = 64
  private static let mostWords = 1 << 17

  private struct Entry {
    var hash: UInt32 = 0
    var wordStart: UInt32 = 0
    var tokenStart: UInt32 = 0
    /// 0 where no word is.
    var wordCount: UInt16 = 0
    var tokenCount: UInt16 = 0
  }

  /// A power of two of them, at most half of them taken.
  private var entries = [Entry](repeating: Entry(), count: 1 << 10)
  private var count = 0
  private var words: [UInt8] = []
  private var tokens: [Int32] = []

  /// Appends the tokens of the word that `range` of the text is, if it is known.
  func take(_ text: [UInt8], _ range: Range<Int>, hash: UInt32, into result: inout [Int]) -> Bool {
    let entry = entries[place(of: text, range, hash)]
    guard entry.wordCount > 0 else { return false }
    for i in 0..<Int(entry.tokenCount) {
      result.append(Int(tokens[Int(entry.tokenStart) + i]))
    }
    return true
  }

  /// Keeps the tokens of a word that is not known, of at most ``longestWord`` bytes.
  mutating func add(
    _ text: [UInt8], _ range: Range<Int>, hash: UInt32, _ found: ArraySlice<Int32>
  ) {
    if count == Self.mostWords { self = WordCache() }
    if 2 * count == entries.count { grow() }
    entries[place(of: text, range, hash)] = Entry(
      hash: hash, wordStart: UInt32(words.count), tokenStart: UInt32(tokens.count),
      wordCount: UInt16(range.count), tokenCount: UInt16(found.count))
    words += text[range]
    tokens += found
    count += 1
  }

  private mutating func grow() {
    let before = entries
    entries = [Entry](repeating: Entry(), count: 2 * before.count)
    let mask = entries.count - 1
    for entry in before where entry.wordCount > 0 {
      var place = Int(entry.hash) & mask
      while entries[place].wordCount > 0 { place = (place + 1) & mask }
      entries[place] = entry
    }
  }

  /// Where the word is, or would be.
  private func place(of text: [UInt8], _ range: Range<Int>, _ hash: UInt32) -> Int {
    let mask = entries.count - 1
    var place = Int(hash) & mask
    while entries[place].wordCount > 0, !holds(entries[place], text, range, hash) {
      place = (place + 1) & mask
    }
    return place
  }

  private func holds(
    _ entry: Entry, _ text: [UInt8], _ range: Range<Int>, _ hash: UInt32
  ) -> Bool {
    guard entry.hash == hash, entry.wordCount == range.count else { return false }
    let start = Int(entry.wordStart)
    for i in 0..<range.count where words[start + i] != text[range.lowerBound + i] {
      return false
    }
    return true
  }

  /// A number that tells words apart, as a rule (FNV-1a, its halves folded).
  static func hash(_ text: [UInt8], _ range: Range<Int>) -> UInt32 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for i in range { hash = (hash ^ UInt64(text[i])) &* 0x100_0000_01B3 }
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
