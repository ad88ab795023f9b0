/// Lua source as the prompt looks at it: its tokens, and where an input could end.
///
/// Whether an input is complete, and whether it is right, Lua's own parser decides. The tokens only
/// tell where things are: the place of a syntax error, the locals of the outermost block.
package struct LuaText {
  /// A piece of source.
  package struct Token: Equatable {
    package enum Kind { case name, number, string, symbol }
    package let kind: Kind
    /// Its place in the bytes of the text.
    package let range: Range<Int>
  }

  /// The source.
  package let bytes: [UInt8]
  /// Its tokens; what is unfinished at the end is the last of them.
  package let tokens: [Token]

  package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  /// A source that need not be UTF-8.
  package init(bytes: [UInt8]) {
    self.bytes = bytes
    var scanner = LuaScanner()
    tokens = scanner.scan(bytes)
  }

  /// The text of a token.
  package func text(_ token: Token) -> String {
    String(decoding: bytes[token.range], as: UTF8.self)
  }

  /// Whether a token is this keyword, name or symbol.
  func matches(_ token: Token, _ word: StaticString) -> Bool {
    token.kind != .string && token.range.count == word.utf8CodeUnitCount
      && bytes[token.range].elementsEqual(
        UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
  }

  /// The text without the semicolons at its end; nil if there are none.
  package var withoutFinalSemicolon: String? {
    let kept = tokens.lastIndex { !matches($0, ";") }.map { $0 + 1 } ?? 0
    guard kept < tokens.count else { return nil }
    let end = kept > 0 ? tokens[kept - 1].range.upperBound : 0
    return String(decoding: bytes[..<end], as: UTF8.self)
  }

  /// Whether a name occurs.
  package func hasName(_ name: String) -> Bool {
    tokens.contains { $0.kind == .name && bytes[$0.range].elementsEqual(name.utf8) }
  }

  // MARK: Locals

  /// How locals of the outermost block are written instead.
  package enum Locals {
    /// As fields of a table of that name.
    case fields(of: String)
    /// As locals, without attributes: they may be declared again.
    case plain
    /// As globals.
    case globals
  }

  /// The source with its outermost locals rewritten; nil if there are none.
  ///
  /// `local x, y = 1` becomes `t.x, t.y = 1`, `local x` becomes `t.x = nil` and `local function f`
  /// becomes `function t.f`, each in its place, so that lines stay what they were. A local that is
  /// to be closed stays one: it belongs to its block.
  package func rewritten(_ locals: Locals) -> String? {
    var edits: [(range: Range<Int>, text: String)] = []
    var depth = 0
    var i = 0
    while i < tokens.count {
      let token = tokens[i]
      if token.kind == .name {
        if LuaScanner.opens(bytes[token.range]) {
          depth += 1
        } else if LuaScanner.closes(bytes[token.range]) {
          depth -= 1
        } else if depth == 0, matches(token, "local"), i + 1 < tokens.count {
          edits += matches(tokens[i + 1], "function") ? function(i, locals) : names(i, locals)
        }
      }
      i += 1
    }
    guard !edits.isEmpty else { return nil }
    var result: [UInt8] = []
    var position = 0
    for (range, text) in edits {
      result += bytes[position..<range.lowerBound]
      result += Array(text.utf8)
      position = range.upperBound
    }
    result += bytes[position...]
    return String(decoding: result, as: UTF8.self)
  }

  /// `local function f` at token `i`.
  private func function(_ i: Int, _ locals: Locals) -> [(range: Range<Int>, text: String)] {
    guard i + 2 < tokens.count, case let start = tokens[i].range else { return [] }
    let name = tokens[i + 2].range
    switch locals {
    case .plain: return []
    case .globals: return [(start, "")]
    case .fields(let table):
      return [(start, ""), (name.lowerBound..<name.lowerBound, table + ".")]
    }
  }

  /// `local a <const>, b = …` at token `i`.
  private func names(_ start: Int, _ locals: Locals) -> [(range: Range<Int>, text: String)] {
    var edits: [(range: Range<Int>, text: String)] = []
    if case .plain = locals {} else { edits.append((tokens[start].range, "")) }
    var i = start + 1
    while i < tokens.count, tokens[i].kind == .name {
      let name = tokens[i].range
      if case .fields(let table) = locals {
        edits.append((name.lowerBound..<name.lowerBound, table + "."))
      }
      var end = name.upperBound
      i += 1
      if i + 2 < tokens.count, matches(tokens[i], "<"), matches(tokens[i + 2], ">") {
        if matches(tokens[i + 1], "close") { return [] }
        edits.append((tokens[i].range.lowerBound..<tokens[i + 2].range.upperBound, ""))
        end = tokens[i + 2].range.upperBound
        i += 3
      }
      guard i < tokens.count, matches(tokens[i], ",") else {
        let hasValues = i < tokens.count && matches(tokens[i], "=")
        if case .plain = locals {} else if !hasValues { edits.append((end..<end, " = nil")) }
        return edits
      }
      i += 1
    }
    return []
  }

  /// The source with a statement before each `return` of the chunk itself, not of its functions; nil
  /// if the chunk has an environment of its own, in which the statement may mean anything.
  package func insertingBeforeReturns(_ statement: String) -> [UInt8]? {
    var result: [UInt8] = []
    var position = 0
    /// Whether each open block is a function's.
    var blocks: [Bool] = []
    for token in tokens where token.kind == .name {
      let word = bytes[token.range]
      if word.elementsEqual("_ENV".utf8) { return nil }
      if LuaScanner.opens(word) {
        blocks.append(matches(token, "function"))
      } else if LuaScanner.closes(word) {
        _ = blocks.popLast()
      } else if matches(token, "return"), !blocks.contains(true) {
        result += bytes[position..<token.range.lowerBound] + Array((statement + " ").utf8)
        position = token.range.lowerBound
      }
    }
    return result + bytes[position...]
  }

  // MARK: Places

  /// The line and column, from 1 and in characters, of a byte.
  package func place(of byte: Int) -> (line: Int, column: Int) {
    let before = bytes[..<min(byte, bytes.count)]
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return (line, String(decoding: before[start...], as: UTF8.self).count + 1)
  }

  /// A line, from 1.
  package func line(_ number: Int) -> String? {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return lines.indices.contains(number - 1)
      ? String(decoding: lines[number - 1], as: UTF8.self) : nil
  }

  /// The token at which a parser stops, which reads from the left and no further.
  ///
  /// - Parameter fails: Whether the parser refuses a text for good, not for being incomplete.
  /// - Returns: The token; nil if every text is accepted.
  package func firstError(_ fails: (String) -> Bool) -> Token? {
    var (low, high) = (0, tokens.count)
    // The least number of tokens that is refused.
    while low < high {
      let middle = (low + high) / 2
      let end = tokens[middle].range.upperBound
      if fails(String(decoding: bytes[..<end], as: UTF8.self)) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low < tokens.count ? tokens[low] : nil
  }
}

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
