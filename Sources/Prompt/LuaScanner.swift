/// Cuts Lua source into tokens, a piece at a time.
package struct LuaScanner {
  /// What the last piece ended in.
  package private(set) var state = State.code
  /// How many blocks, brackets and braces are open.
  package private(set) var depth = 0

  /// At the start of a source.
  package init() {}

  /// What a piece ends in.
  package enum State: Equatable {
    case code
    /// `[==[ … ]==]`, or a comment of that kind.
    case long(level: Int, isComment: Bool)
    /// A quoted string that goes on after a backslash.
    case string(quote: UInt8)
    /// What cannot be mended by more input.
    case broken
  }

  /// Whether the source so far may be complete, so that the parser should be asked.
  package var mayBeComplete: Bool { (state == .code && depth <= 0) || state == .broken }

  static func opens(_ word: ArraySlice<UInt8>) -> Bool {
    ["function", "do", "if", "repeat"].contains { word.elementsEqual($0.utf8) }
  }

  static func closes(_ word: ArraySlice<UInt8>) -> Bool {
    word.elementsEqual("end".utf8) || word.elementsEqual("until".utf8)
  }

  /// Scans the next piece, which ends where a line does.
  package mutating func scan(_ bytes: [UInt8]) -> [LuaText.Token] {
    var tokens: [LuaText.Token] = []
    var i = 0
    func at(_ i: Int) -> UInt8 { i < bytes.count ? bytes[i] : 0 }
    func add(_ kind: LuaText.Token.Kind, _ start: Int) {
      tokens.append(LuaText.Token(kind: kind, range: start..<i))
    }
    while i < bytes.count {
      let start = i
      switch state {
      case .broken:
        state = .code
      case .long(let level, let isComment):
        let end = LuaScanner.endOfLong(bytes, i, level)
        i = end ?? bytes.count
        if end != nil { state = .code }
        if !isComment { add(.string, start) }
        continue
      case .string(let quote):
        scanString(bytes, &i, quote)
        add(.string, start)
        continue
      case .code: break
      }
      let byte = bytes[i]
      switch byte {
      case UInt8(ascii: " "), 9...13: i += 1
      case UInt8(ascii: "-") where at(i + 1) == byte:
        i += 2
        if let level = LuaScanner.levelOfLong(bytes, i) {
          i += level + 2
          state = .long(level: level, isComment: true)
          if i >= bytes.count { break }
        } else {
          while i < bytes.count, bytes[i] != UInt8(ascii: "\n") { i += 1 }
        }
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        i += 1
        scanString(bytes, &i, byte)
        add(.string, start)
      case UInt8(ascii: "["):
        guard let level = LuaScanner.levelOfLong(bytes, i) else {
          i += 1
          depth += 1
          add(.symbol, start)
          break
        }
        i += level + 2
        let end = LuaScanner.endOfLong(bytes, i, level)
        i = end ?? bytes.count
        if end == nil { state = .long(level: level, isComment: false) }
        add(.string, start)
      case let letter where LuaScanner.isLetter(letter):
        while i < bytes.count, LuaScanner.isLetter(bytes[i]) || LuaScanner.isDigit(bytes[i]) {
          i += 1
        }
        if LuaScanner.opens(bytes[start..<i]) { depth += 1 }
        if LuaScanner.closes(bytes[start..<i]) { depth -= 1 }
        add(.name, start)
      case let digit where LuaScanner.isDigit(digit):
        scanNumber(bytes, &i)
        add(.number, start)
      case UInt8(ascii: ".") where LuaScanner.isDigit(at(i + 1)):
        scanNumber(bytes, &i)
        add(.number, start)
      default:
        i += LuaScanner.lengthOfSymbol(byte, at(i + 1), at(i + 2))
        if [UInt8(ascii: "("), UInt8(ascii: "{")].contains(byte) { depth += 1 }
        if [UInt8(ascii: ")"), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(byte) { depth -= 1 }
        add(.symbol, start)
      }
    }
    return tokens
  }

  private mutating func scanString(_ bytes: [UInt8], _ i: inout Int, _ quote: UInt8) {
    state = .code
    while i < bytes.count {
      let byte = bytes[i]
      i += 1
      if byte == quote { return }
      if byte == UInt8(ascii: "\n") {
        // The string is unfinished, and Lua says so.
        i -= 1
        state = .broken
        return
      }
      guard byte == UInt8(ascii: "\\") else { continue }
      if i < bytes.count, bytes[i] == UInt8(ascii: "z") {
        i += 1
        while i < bytes.count, bytes[i] == UInt8(ascii: " ") || (9...13).contains(bytes[i]) {
          i += 1
        }
      } else if i < bytes.count {
        i += 1
      }
      if i >= bytes.count {
        state = .string(quote: quote)
        return
      }
    }
    state = .broken
  }

  private func scanNumber(_ bytes: [UInt8], _ i: inout Int) {
    while i < bytes.count {
      let byte = bytes[i]
      let isSign = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
      let afterExponent = isSign && "eEpP".utf8.contains(bytes[i - 1])
      guard
        LuaScanner.isDigit(byte) || LuaScanner.isLetter(byte) || byte == UInt8(ascii: ".")
          || afterExponent
      else { return }
      i += 1
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 32) >= UInt8(ascii: "a") && (byte | 32) <= UInt8(ascii: "z")
      || byte == UInt8(ascii: "_")
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func lengthOfSymbol(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Int {
    let dot = UInt8(ascii: ".")
    if a == dot && b == dot { return c == dot ? 3 : 2 }
    let pairs = ["==", "~=", "<=", ">=", "//", "::", "<<", ">>"]
    return pairs.contains { $0.utf8.elementsEqual([a, b]) } ? 2 : 1
  }

  /// The number of `=` in a long bracket that opens here; nil if none does.
  private static func levelOfLong(_ bytes: [UInt8], _ start: Int) -> Int? {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "[") else { return nil }
    var i = start + 1
    while i < bytes.count, bytes[i] == UInt8(ascii: "=") { i += 1 }
    return i < bytes.count && bytes[i] == UInt8(ascii: "[") ? i - start - 1 : nil
  }

  private static func endOfLong(_ bytes: [UInt8], _ start: Int, _ level: Int) -> Int? {
    let bracket = UInt8(ascii: "]")
    var i = start
    while i + level + 1 < bytes.count {
      if bytes[i] == bracket, bytes[i + level + 1] == bracket,
        bytes[(i + 1)..<(i + 1 + level)].allSatisfy({ $0 == UInt8(ascii: "=") })
      {
        return i + level + 2
      }
      i += 1
    }
    return nil
  }
}
