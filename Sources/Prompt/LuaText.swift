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

  /// Whether it begins with a bracket, which after a line before it might be a call.
  package var startsWithBracket: Bool { tokens.first.map { matches($0, "(") } ?? false }

  /// The names that occur, but for fields and where `for`, `local` and `function` declare them.
  package var usedNames: Set<String> {
    var names: Set<String> = []
    var i = 0
    while i < tokens.count {
      defer { i += 1 }
      guard tokens[i].kind == .name else { continue }
      if matches(tokens[i], "for") || matches(tokens[i], "local") {
        i = end(ofNamesFrom: i + 1)
      } else if matches(tokens[i], "function") {
        while i + 1 < tokens.count, !matches(tokens[i], "(") { i += 1 }
        i = end(ofNamesFrom: i + 1)
      } else if i == 0 || !(matches(tokens[i - 1], ".") || matches(tokens[i - 1], ":")) {
        names.insert(text(tokens[i]))
      }
    }
    return names
  }

  /// The last token of a list such as `a, b <const>, c` that begins at a token, or the one before.
  private func end(ofNamesFrom start: Int) -> Int {
    var i = start
    while i < tokens.count,
      tokens[i].kind == .name || [",", "<", ">"].contains(text(tokens[i])),
      !matches(tokens[i], "in"), !matches(tokens[i], "function")
    {
      // Two names in a row belong to two statements.
      if i > start, tokens[i].kind == .name, tokens[i - 1].kind == .name { break }
      i += 1
    }
    return i - 1
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
    let edits = outerDeclarations.flatMap { i in
      matches(tokens[i + 1], "function") ? function(i, locals) : names(i, locals)
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

  /// The names of the outermost locals.
  package var outerLocals: [String] {
    outerDeclarations.flatMap { i in
      if matches(tokens[i + 1], "function") { return tokens.dropFirst(i + 2).prefix(1).map(text) }
      return (i + 1..<max(i + 1, end(ofNamesFrom: i + 1) + 1)).filter { j in
        tokens[j].kind == .name && !matches(tokens[j - 1], "<")
      }.map { text(tokens[$0]) }
    }
  }

  /// The tokens `local` in the outermost block.
  private var outerDeclarations: [Int] {
    var places: [Int] = []
    var depth = 0
    for (i, token) in tokens.enumerated() where token.kind == .name {
      if LuaScanner.opens(bytes[token.range]) {
        depth += 1
      } else if LuaScanner.closes(bytes[token.range]) {
        depth -= 1
      } else if depth == 0, matches(token, "local"), i + 1 < tokens.count {
        places.append(i)
      }
    }
    return places
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

  /// The source with a statement before each `return` of the chunk itself, not of its functions;
  /// nil if the chunk has an environment of its own, in which the statement may mean anything.
  package func insertingBeforeReturns(_ statement: String) -> [UInt8]? {
    guard !hasName("_ENV") else { return nil }
    var result: [UInt8] = []
    var position = 0
    for place in returns {
      result += bytes[position..<place] + Array((statement + " ").utf8)
      position = place
    }
    return result + bytes[position...]
  }

  /// Whether the chunk itself returns, and not only its functions.
  package var hasReturn: Bool { !returns.isEmpty }

  /// Where the chunk itself returns.
  private var returns: [Int] {
    /// Whether each open block is a function's.
    var blocks: [Bool] = []
    return tokens.compactMap { token in
      guard token.kind == .name else { return nil }
      if LuaScanner.opens(bytes[token.range]) {
        blocks.append(matches(token, "function"))
      } else if LuaScanner.closes(bytes[token.range]) {
        _ = blocks.popLast()
      } else if matches(token, "return"), !blocks.contains(true) {
        return token.range.lowerBound
      }
      return nil
    }
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

  /// The line of a place, and what to write below it before a mark: a long line is cut around the
  /// place.
  package func excerpt(at place: (line: Int, column: Int)) -> (line: String, gap: String)? {
    guard let line = line(place.line) else { return nil }
    let characters = Array(line)
    let start = max(0, min(place.column - 1 - 40, characters.count - 72))
    let gap = characters[start..<min(characters.count, place.column - 1)].map { character in
      character == "\t" ? "\t" : String(repeating: " ", count: Terminal.width(of: "\(character)"))
    }
    return (String(characters[start..<min(characters.count, start + 72)]), gap.joined())
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
