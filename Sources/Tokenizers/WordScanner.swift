/// Cuts text into the words within which byte-level tokenizers merge.
///
/// It finds what GPT-2's regular expression finds, one match beside the other:
///
/// ```
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// ```
///
/// So a word has the space before it; of several spaces the last one belongs to the next word.
struct WordScanner {
  private let text: [UInt8]
  /// Where the text to be cut ends.
  private let end: Int
  private let kinds = CharacterKind.table

  /// - Parameters:
  ///   - text: valid UTF-8 up to `end`.
  ///   - end: the end of the text to be cut, which the expression takes for the end of all.
  init(_ text: [UInt8], end: Int) { (self.text, self.end) = (text, end) }

  /// Where the word that begins at `start`, before the text's end, ends.
  func wordEnd(from start: Int) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'"), let end = contractionEnd(from: start) { return end }
    var (kind, next) = character(at: start)
    if first == UInt8(ascii: " "), next < end {
      let after = character(at: next)
      if after.kind != .space { (kind, next) = after }
    }
    var last = start
    while next < end {
      let after = character(at: next)
      guard after.kind == kind else { break }
      (last, next) = (next, after.next)
    }
    // The last of several spaces stays for what follows.
    return kind == .space && next < end && last > start ? last : next
  }

  private func contractionEnd(from start: Int) -> Int? {
    guard start + 1 < end else { return nil }
    let letter = text[start + 1]
    switch Unicode.Scalar(letter) {
    case "s", "t", "m", "d": return start + 2
    case "r", "v", "l":
      let second = letter == UInt8(ascii: "l") ? letter : UInt8(ascii: "e")
      return start + 2 < end && text[start + 2] == second ? start + 3 : nil
    default: return nil
    }
  }

  /// What kind of character begins at `start`, and where the next one does.
  @inline(__always)
  private func character(at start: Int) -> (kind: CharacterKind, next: Int) {
    let lead = text[start]
    if lead < 0x80 { return (kinds[Int(lead)], start + 1) }
    var code = Int(text[start + 1] & 0x3F)
    if lead < 0xE0 { return (kinds[Int(lead & 0x1F) << 6 | code], start + 2) }
    code = code << 6 | Int(text[start + 2] & 0x3F)
    if lead < 0xF0 { return (kinds[Int(lead & 0x0F) << 12 | code], start + 3) }
    code = Int(lead & 0x07) << 18 | code << 6 | Int(text[start + 3] & 0x3F)
    return (CharacterKind(code), start + 4)
  }
}

/// What the expression tells characters apart by.
private enum CharacterKind: UInt8 {
  case letter, number, space, other

  /// The kinds of the characters up to U+FFFF, which nearly all text consists of.
  static let table = (0..<0x10000).map(CharacterKind.init)

  init(_ code: Int) {
    guard let properties = Unicode.Scalar(UInt32(code))?.properties else {
      self = .other
      return
    }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default: self = properties.isWhitespace ? .space : .other
    }
  }
}
