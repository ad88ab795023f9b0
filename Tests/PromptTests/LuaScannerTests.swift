import Prompt
import Testing

/// Lua source cut into tokens, a line at a time.
@Suite struct LuaScannerTests {
  /// What the scanner says after each of these lines.
  private func scanned(_ lines: String...) -> LuaScanner {
    var scanner = LuaScanner()
    for line in lines { _ = scanner.scan(Array((line + "\n").utf8)) }
    return scanner
  }

  @Test(arguments: [
    ("x = 1 + .5e-3", ["x", "=", "1", "+", ".5e-3"]),
    ("a.b:c'd'[[e]]", ["a", ".", "b", ":", "c", "'d'", "[[e]]"]),
    ("x<=y>>2//z ~= ...", ["x", "<=", "y", ">>", "2", "//", "z", "~=", "..."]),
    ("a..b -- a comment", ["a", "..", "b"]),
    ("a --[[ one ]] b --[==[ ]] ]==] c", ["a", "b", "c"]),
    ("'it\\'s' \"\\\\\" x", ["'it\\'s'", "\"\\\\\"", "x"]),
    ("0x1p+4 3..2", ["0x1p+4", "3..2"]),
    ("t[a[1]]", ["t", "[", "a", "[", "1", "]", "]"]),
    ("é = 1", ["\u{FFFD}", "\u{FFFD}", "=", "1"]),
  ]) func tokens(_ source: String, _ expected: [String]) {
    let text = LuaText(source)
    #expect(text.tokens.map(text.text) == expected)
  }

  @Test(arguments: [
    ("for i = 1, 2 do", 1), ("if x then f(", 2), ("f() end", -1), ("repeat until x", 0),
    ("function f() return {", 2), ("while x do end", 0), ("-- do", 0), ("'do'", 0),
    ("dont = ended", 0),
  ]) func depth(_ line: String, _ depth: Int) {
    #expect(scanned(line).depth == depth)
  }

  @Test func aLongStringGoesOnOverLines() {
    #expect(scanned("x = [==[ one").state == .long(level: 2, isComment: false))
    #expect(!scanned("x = [==[ one", "]] do").mayBeComplete)
    let closed = scanned("x = [==[ one", "]==] y")
    #expect(closed.state == .code && closed.mayBeComplete)
    #expect(scanned("--[[ do").state == .long(level: 0, isComment: true))
    #expect(scanned("--[[ do", "]]").depth == 0)
  }

  @Test func aQuotedStringGoesOnAfterABackslashAlone() {
    #expect(scanned("x = 'one\\").state == .string(quote: UInt8(ascii: "'")))
    #expect(scanned("x = 'one\\", "two'").state == .code)
    #expect(scanned("x = 'one \\z", "   two'").state == .code)
    // More input cannot mend it, so the parser should be asked, and says what is wrong.
    #expect(scanned("x = 'one").mayBeComplete)
  }

  @Test func piecesAndTheWholeAgree() {
    let lines = ["x = [[a", "b]] -- [[", "y = 'c\\", "d' .. {1,", "2} --[=[", "]=] z"]
    var scanner = LuaScanner()
    let count = lines.map { scanner.scan(Array(($0 + "\n").utf8)).count }.reduce(0, +)
    let whole = LuaText(lines.joined(separator: "\n") + "\n")
    // A string over several pieces is a token in each of them.
    #expect(count == whole.tokens.count + 2)
    #expect(scanner.depth == 0 && scanner.state == .code)
  }
}
