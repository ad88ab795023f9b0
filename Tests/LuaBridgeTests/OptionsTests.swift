import LuaBridge
import Testing

/// Option tables: unknown keys, types, defaults, choices.
@Suite struct OptionsTests {
  static var bigram: LuaFunction {
    LuaFunction(
      "data.bigram", "In-context copying.",
      options: [
        LuaOption("corpus", .object("Counter"), .required, "Where the tokens come from."),
        LuaOption("triggers", .integer, 5, "How many."),
        LuaOption("kind", .choice(["fixed", "random"]), "fixed"),
        LuaOption("noise", .number),
        LuaOption("range", .list(.integer), [1, 3]),
        LuaOption("lr", .union([.number, .function]), 0.1),
        LuaOption("loss_on", .union([.choice(["all", "outputs"]), .function]), "all"),
        LuaOption("probe", .function),
        LuaOption("vocab", .integer, .described("that of the corpus")),
      ]
    ) { call in
      let options = try call.options()
      return call.returns(
        try options.object("corpus", Counter.self).value, try options.integer("triggers"),
        try options.string("kind"), try options.optionalNumber("noise"),
        try options.integers("range"), options.value("lr"), options.has("probe"),
        options.isGiven("triggers"))
    }
  }

  func withBigram<R>(_ body: (Lua) throws -> R) rethrows -> R {
    let (functions, classes) = Counter.declarations(.init())
    return try withLua(functions + [Self.bigram], classes: classes, body)
  }

  @Test func defaultsAreWrittenOnce() throws {
    try withBigram { lua in
      let values = try lua.run("return m.data.bigram {corpus = m.counter(4)}")
      #expect(Array(values[0..<4]) == [4, 5, "fixed", nil])
      #expect(try values[4].asTable?.integer(2) == 3)
      #expect(Array(values[5...]) == [0.1, false, false])
    }
  }

  @Test func givenValuesReplaceThem() throws {
    try withBigram { lua in
      let values = try lua.run(
        """
        return m.data.bigram {corpus = m.counter(1), triggers = 2.0, kind = "random", noise = 0,
          range = {7, 8}, lr = print, probe = print}
        """)
      #expect(Array(values[0..<4]) == [1, 2, "random", 0])
      #expect(try values[4].asTable?.integers(at: [1, 2]) == [7, 8])
      #expect(Array(values[6...]) == [true, true])
    }
  }

  @Test(arguments: [
    (
      "{corpus = c, trigers = 3}",
      "data.bigram: unknown option 'trigers'; did you mean 'triggers'?"
    ),
    (
      "{corpus = c, zzzzzzz = 3}",
      "data.bigram: unknown option 'zzzzzzz'; allowed are 'corpus', 'triggers', 'kind', 'noise', "
        + "'range', 'lr', 'loss_on', 'probe', 'vocab'"
    ),
    ("{corpus = c, 3}", "data.bigram: option names are strings, got a number"),
    ("{triggers = 3}", "data.bigram: missing option 'corpus' (Counter expected)"),
    ("{corpus = {}}", "bad option 'corpus' to 'data.bigram' (Counter expected, got table)"),
    (
      "{corpus = c, noise = 'x'}",
      "bad option 'noise' to 'data.bigram' (number expected, got string)"
    ),
    (
      "{corpus = c, triggers = 1.5}",
      "bad option 'triggers' to 'data.bigram' (number has no integer representation)"
    ),
    (
      "{corpus = c, triggers = '3'}",
      "bad option 'triggers' to 'data.bigram' (number expected, got string)"
    ),
    (
      "{corpus = c, kind = 'fixd'}",
      "bad option 'kind' to 'data.bigram' (\"fixed\" or \"random\" expected, got \"fixd\")"
    ),
    (
      "{corpus = c, kind = 1}",
      "bad option 'kind' to 'data.bigram' (\"fixed\" or \"random\" expected, got number)"
    ),
    (
      "{corpus = c, range = {1, 'x'}}",
      "bad option 'range' to 'data.bigram' ([2]: number expected, got string)"
    ),
    (
      "{corpus = c, lr = {}}",
      "bad option 'lr' to 'data.bigram' (number or function expected, got table)"
    ),
    (
      "{corpus = c, loss_on = 'al'}",
      "bad option 'loss_on' to 'data.bigram' "
        + "(\"all\", \"outputs\" or function expected, got \"al\")"
    ),
    ("nil", "bad argument #1 to 'data.bigram' (table expected, got nil)"),
    ("", "bad argument #1 to 'data.bigram' (table expected, got no value)"),
    ("3", "bad argument #1 to 'data.bigram' (table expected, got number)"),
  ])
  func messages(arguments: String, expected: String) {
    withBigram { lua in
      let text = "local c = m.counter(1)\nm.data.bigram(\(arguments))"
      #expect(message(lua, text) == "script.lua:2: " + expected)
    }
  }

  @Test func theTableMayBeMissingIfNothingIsRequired() {
    let function = LuaFunction(
      "rand", "", parameters: [LuaParameter("n", .integer)],
      options: [LuaOption("seed", .integer, 1)]
    ) { call in call.returns(try call.options().integer("seed")) }
    withLua([function]) { lua in
      #expect(results(lua, "return m.rand(3), m.rand(3, nil), m.rand(3, {seed = 9})") == [1, 1, 9])
      #expect(
        message(lua, "m.rand(3, 4)")
          == "script.lua:1: bad argument #2 to 'rand' (table expected, got number)")
    }
  }

  @Test func choicesOfPositionalArguments() {
    let function = LuaFunction(
      "norm", "", parameters: [LuaParameter("kind", .choice(["pre", "post", "none"]))]
    ) { call in call.returns(try call.string(1)) }
    withLua([function]) { lua in
      #expect(
        message(lua, "m.norm 'mid'")
          == "script.lua:1: bad argument #1 to 'norm' "
          + "(\"pre\", \"post\" or \"none\" expected, got \"mid\")")
    }
  }

  @Test func nestedTablesTellThePath() {
    let function = LuaFunction("tensor", "") { call in
      let rows = try call.table(1)
      return call.returns(
        try (1...rows.count).map { try rows.table(.index($0)).number(2) })
    }
    withLua([function]) { lua in
      #expect(results(lua, "return m.tensor {{1, 2}, {3, 4}}[2]") == [4])
      #expect(
        message(lua, "m.tensor {{1, 2}, {3, 'x'}}")
          == "script.lua:1: bad argument #1 to 'tensor' ([2][2]: number expected, got string)")
    }
  }

  @Test func fieldsComeSorted() throws {
    let function = LuaFunction("names", "") { call in
      call.returns(try call.table(1).fields().map(\.name))
    }
    try withLua([function]) { lua in
      let names = try lua.run("return table.concat(m.names {wq = 1, wk = 2, emb = 3}, ' ')")
      #expect(names == ["emb wk wq"])
      #expect(
        message(lua, "m.names {1}")
          == "script.lua:1: bad argument #1 to 'names' (names expected as keys, got a number)")
    }
  }
}

extension TableReader {
  fileprivate func integers(at positions: [Int]) throws -> [Int] {
    try positions.map { try integer(.index($0)) }
  }
}
