import LuaBridge
import Testing

/// Declarations read from the comments of a Lua file.
@Suite struct LuaCommentsTests {
  private let text = """
    --- Memories, and what they hold.
    --
    -- The second paragraph
    -- goes on.
    --
    --     print(memories.recall(W, U))
    local memories = {}

    --- A memory.
    -- @type Memory
    local memory = {}

    ---- Reading ----

    --- Helps.
    local function help(x) return x end

    --- Tells how much comes
    -- back.
    -- @tparam Tensor W the memory [d, d]
    -- @tparam Tensor|{number,...} U the keys, one
    --   a row
    -- @tparam[opt=as many as there are] integer n how many
    -- @tparam[opt="all"] "all"|"some" options.of which keys
    -- @tparam number options.least what counts
    -- @treturn number from 0 to 1
    -- @treturn {string,...}|nil their names
    -- @usage
    -- for i = 1, 2 do
    --   print(memories.recall(W, U, i))
    -- end
    function memories.recall(W, U, n, options)
      return help(W, U, n, options)
    end

    function memories.bare(a, _, ...) return a, ... end

    --- Forgets everything.
    -- @treturn Memory the same one
    function memory:forget() return self end

    function memory:__tostring() return "memory" end

    --- Makes a memory.
    -- @function memories
    -- @usage print(memories(3))
    local function make(_, size) return size end

    return setmetatable(memories, { __call = make })
    """

  @Test func threeDashesBeforeEveryLine() {
    let comments = LuaComments(
      """
      --- Halves
      --- a number.
      ---@param x number
      --- @treturn number the half
      local function halved(x) return x / 2 end
      """)
    #expect(comments.byLine[5]?.summary == "Halves a number.")
    #expect(comments.byLine[5]?.signature == "halved(x) → number")
  }

  @Test func theFile() {
    #expect(
      LuaComments(text, module: "m").summary
        == """
        Memories, and what they hold.

        The second paragraph goes on.

            print(memories.recall(W, U))
        """)
  }

  @Test func publicNames() {
    let comments = LuaComments(text, module: "m")
    #expect(comments.functions.map(\.name) == ["m.recall", "m.bare", "m"])
    #expect(comments.classes.map(\.name) == ["Memory"])
    #expect(comments.classes.first?.summary == "A memory.")
    #expect(comments.classes.first?.methods.map(\.name) == ["Memory:forget"])
    #expect(LuaComments(text).functions.isEmpty)
  }

  @Test func aWholeDeclaration() {
    #expect(
      LuaComments(text, module: "m").functions.first?.help
        == """
        m.recall(W, U[, n], {least=…, of=…}) → number, list of string or nil
          Tells how much comes back.
          parameters:
            W  Tensor. The memory [d, d].
            U  Tensor or list of number. The keys, one a row.
            n  integer, default as many as there are. How many.
          options:
            of     "all" or "some", default "all". Which keys.
            least  number, required. What counts.
          returns:
            number. From 0 to 1.
            list of string or nil. Their names.
          example:
            for i = 1, 2 do
              print(memories.recall(W, U, i))
            end
        """)
  }

  @Test func withoutAComment() {
    let bare = LuaComments(text, module: "m").functions.first { $0.name == "m.bare" }
    #expect(bare?.summary == "")
    #expect(bare?.signature == "m.bare(a)")
  }

  @Test func byLine() {
    let comments = LuaComments(text, module: "m")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let isCommented =
        ["help", "recall", "forget", "make"].contains { line.contains("\($0)(") }
        && line.contains("function ")
      #expect((comments.byLine[index + 1] != nil) == isCommented, "line \(index + 1): \(line)")
    }
  }

  @Test(arguments: ["", "\n", "--- ", "--- @type", "-- @tparam", "return", "function x(", "---"])
  func whatIsNoDeclaration(text: String) {
    let comments = LuaComments(text, module: "m")
    #expect(comments.functions.isEmpty && comments.classes.isEmpty)
  }

  @Test(arguments: [
    ("how many", "How many."), ("How many.", "How many."),
    ("x limited to a range", "x limited to a range."),
    ("a token", "A token."), ("", ""), ("which?", "Which?"), ("[B, T]", "[B, T]."),
  ])
  func phrasesBecomeSentences(phrase: String, sentence: String) {
    let function = LuaFunction("f", "", parameters: [LuaParameter("x", .any, phrase)]) { _ in 0 }
    #expect(
      function.help.hasSuffix("value" + (sentence.isEmpty ? "" : ". \(sentence)")))
  }

  @Test func bracketsNest() {
    let function = LuaFunction(
      "f", "",
      parameters: [
        LuaParameter("a", .any), LuaParameter("b", .any, optional: true),
        LuaParameter("c", .any, default: "1"),
      ], options: [LuaOption("d", .integer, 2)]
    ) { _ in 0 }
    #expect(function.signature == "f(a[, b[, c[, {d=2}]]])")
  }
}
