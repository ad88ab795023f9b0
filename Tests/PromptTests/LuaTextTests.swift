import LuaBridge
import Prompt
import Testing

/// What the prompt reads out of an input, and how it rewrites locals.
@Suite struct LuaTextTests {
  @Test(
    arguments: [
      ("x;", "x"), ("x ; ;", "x"), ("x", nil), ("';'", nil), ("x -- ;", nil), (";", ""), ("", nil),
      ("f(1;2);", "f(1;2)"),
    ] as [(String, String?)])
  func finalSemicolons(_ source: String, _ shorter: String?) {
    #expect(LuaText(source).withoutFinalSemicolon == shorter)
  }

  @Test func names() {
    let text = LuaText("help('who') -- show\nwhose = t.who")
    #expect(text.hasName("help") && text.hasName("who") && text.hasName("whose"))
    #expect(!text.hasName("show") && !text.hasName("wh"))
  }

  @Test(arguments: [
    ("local x = 1", " t.x = 1", "local x = 1", " x = 1"),
    ("local x, y = 1", " t.x, t.y = 1", "local x, y = 1", " x, y = 1"),
    ("local x", " t.x = nil", "local x", " x = nil"),
    ("local x; f()", " t.x = nil; f()", "local x; f()", " x = nil; f()"),
    ("local x <const> = 1", " t.x  = 1", "local x  = 1", " x  = 1"),
    (
      "local function f() local y end", " function t.f() local y end",
      "local function f() local y end", " function f() local y end"
    ),
    (
      "do local x = 1 end local y = 2", "do local x = 1 end  t.y = 2",
      "do local x = 1 end local y = 2", "do local x = 1 end  y = 2"
    ),
    (
      "local a = function() local b end", " t.a = function() local b end",
      "local a = function() local b end", " a = function() local b end"
    ),
  ]) func locals(_ source: String, _ fields: String, _ plain: String, _ globals: String) {
    let text = LuaText(source)
    #expect((text.rewritten(.fields(of: "t")) ?? source) == fields)
    #expect((text.rewritten(.plain) ?? source) == plain)
    #expect((text.rewritten(.globals) ?? source) == globals)
  }

  @Test(arguments: [
    ("x = a.b + c:d(e)", "x a c e"), ("for _, y in pairs(z) do w = y end", "in pairs z do w y end"),
    ("local a, b <const> = c", "c"), ("local a local b c()", "c"), ("local x; y()", "y"),
    ("function f.g(_, ...) return h end", "return h end"),
    ("local function f(a) return b end", "return b end"), ("local", ""), ("-- a", ""),
  ]) func usedNames(_ source: String, _ names: String) {
    #expect(LuaText(source).usedNames == Set(names.split(separator: " ").map(String.init)))
  }

  @Test(arguments: [
    ("local a, b <const> = c", "a b"), ("local function f() local x end local y", "f y"),
    ("do local x end", ""), ("x = 1", ""), ("local", ""), ("local function", ""),
  ]) func outerLocals(_ source: String, _ names: String) {
    #expect(LuaText(source).outerLocals == names.split(separator: " ").map(String.init))
  }

  @Test func chunksThatReturn() {
    for source in ["return 1", "if a then return end", "do return end"] {
      #expect(LuaText(source).hasReturn)
    }
    for source in ["function f() return 1 end", "x = 'return'", "-- return", "t.f = f"] {
      #expect(!LuaText(source).hasReturn)
    }
    #expect(LuaText("-- a\n (f)()").startsWithBracket && !LuaText("f()").startsWithBracket)
  }

  @Test func whatIsToBeClosedStaysLocal() {
    #expect(LuaText("local x <close> = f()").rewritten(.fields(of: "t")) == nil)
    #expect(LuaText("x = 'local y'").rewritten(.globals) == nil)
    #expect(LuaText("if a then local b = 1 end").rewritten(.globals) == nil)
  }

  @Test func rewritingKeepsLines() throws {
    let source = "local a = 1\n\nlocal b <const>,\n c = 2,\n3\nlocal function f()\n local d\nend"
    for choice in [LuaText.Locals.fields(of: "t"), .plain, .globals] {
      let rewritten = LuaText(source).rewritten(choice) ?? source
      #expect(rewritten.split(separator: "\n", omittingEmptySubsequences: false).count == 8)
    }
  }

  @Test func callsBeforeReturns() {
    func inserted(_ source: String) -> String? {
      LuaText(source).insertingBeforeReturns("c()").map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(inserted("return 1") == "c() return 1")
    #expect(inserted("if x then return end") == "if x then c() return end")
    #expect(
      inserted("local function f() return 1 end return f")
        == "local function f() return 1 end c() return f")
    #expect(
      inserted("f(function() if x then return end end)") == "f(function() if x then return end end)"
    )
    #expect(inserted("x = 'return'") == "x = 'return'")
    // In an environment of its own the call may mean anything.
    #expect(inserted("local _ENV = {} return 1") == nil)
  }

  @Test func placesAndLines() {
    let text = LuaText("ab\nçd\n")
    #expect(text.place(of: 0) == (1, 1))
    #expect(text.place(of: 3) == (2, 1))
    #expect(text.place(of: 5) == (2, 2))
    #expect(text.place(of: 99) == (3, 1))
    #expect(text.line(1) == "ab" && text.line(2) == "çd" && text.line(3) == "")
    #expect(text.line(0) == nil && text.line(4) == nil)
  }

  /// The token at which Lua's own parser gives up.
  @Test(arguments: [
    ("x = 1 +* 2", "*"), ("if x then y = ) end", ")"), ("x = = 1", "="), ("f(1,, 2)", ","),
    ("return return", "return"), ("x = 5 y = 6 7", "7"),
  ]) func firstError(_ source: String, _ expected: String) throws {
    let lua = Lua()
    defer { lua.close() }
    let text = LuaText(source)
    let token = try #require(
      text.firstError { part in
        do {
          _ = try lua.load(part + "\n", chunkName: "=")
          return false
        } catch {
          return (error as? LuaError)?.isIncomplete == false
        }
      })
    #expect(text.text(token) == expected)
  }

  @Test func nothingIsWrongWithRightSource() {
    #expect(LuaText("x = 1").firstError { _ in false } == nil)
  }

  @Test func anExcerptMarksItsPlace() {
    Terminal.setLocale()
    let short = LuaText("x = 1 +* 2").excerpt(at: (1, 8))
    #expect(short?.line == "x = 1 +* 2" && short?.gap == "       ")
    // Tabs stay, so that the mark stands below its token in any window; wide characters take two.
    let wide = LuaText("\t漢 )").excerpt(at: (1, 4))
    #expect(wide?.line == "\t漢 )" && wide?.gap == "\t   ")
    let long = LuaText(String(repeating: "a", count: 200) + ")").excerpt(at: (1, 201))
    #expect(long?.line.count == 72)
    #expect(long?.gap.count == 71)
    #expect(long?.line.last == ")")
    #expect(LuaText("x").excerpt(at: (2, 1)) == nil)
  }
}
