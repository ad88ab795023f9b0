import LuaBridge
import Testing

/// Declarations looked up, and the help made from them.
@Suite struct RegistryTests {
  static var registry: Registry {
    let registry = Registry()
    let (functions, classes) = Counter.declarations(.init())
    registry.add(functions)
    registry.add(classes)
    registry.add([
      OptionsTests.bigram,
      LuaFunction(
        "memory.embeddings",
        "Random vectors, one for each of n tokens. They are nearly orthogonal when there are many "
          + "dimensions, which is what makes a matrix a memory.",
        parameters: [
          LuaParameter("n", .integer, "How many."),
          LuaParameter("d", .integer, "Of what dimension."),
        ],
        options: [
          LuaOption(
            "kind", .choice(["gaussian", "sphere"]), "gaussian", "Where the vectors are drawn from."
          )
        ],
        returns: [.object("Tensor")],
        example: "local E = mnemo.memory.embeddings(100, 64)\nprint(E:shape())"
      ) { _ in 0 },
      LuaFunction(
        "zeros", "Zeros.",
        parameters: [
          LuaParameter("sizes", .integer, variadic: true),
          LuaParameter("dim", .integer, default: "all of them"),
        ], returns: [.object("Tensor")]
      ) { _ in 0 },
    ])
    return registry
  }

  @Test func lookups() throws {
    let registry = Self.registry
    #expect(registry.function(named: "data.bigram")?.shortName == "bigram")
    #expect(registry.function(named: "Counter:add")?.isMethod == true)
    #expect(registry.function(named: "Counter.add")?.name == "Counter:add")
    #expect(registry.luaClass(named: "Counter")?.methods.count == 2)
    #expect(registry.names.contains("data"))
    let lua = Lua()
    defer { lua.close() }
    lua.setGlobal("m", registry.install(in: lua))
    let values = try lua.run("return m.data.bigram, m.counter(1), m.counter(1).add, print")
    #expect(registry.help(values[0], in: lua)?.hasPrefix("data.bigram{") == true)
    #expect(registry.help(values[1], in: lua)?.hasPrefix("Counter\n") == true)
    #expect(registry.help(values[2], in: lua)?.hasPrefix("Counter:add(n)") == true)
    #expect(registry.help(values[3], in: lua) == nil)
    #expect(registry.help("data", in: lua)?.hasPrefix("data.bigram{") == true)
  }

  @Test func topicsAsPeopleWriteThem() {
    let registry = Self.registry
    let help = registry.help("data.bigram")
    #expect(help != nil)
    for topic in ["mnemo.data.bigram", "data.bigram()", "mnemo.data.bigram()"] {
      #expect(registry.help(topic) == help)
    }
    #expect(registry.help("mnemo.data") == registry.help("data"))
    #expect(registry.help("mnemo") == registry.overview)
    #expect(registry.help("") == nil)
    #expect(registry.help("mnemonic.data.bigram") == nil)
  }

  @Test func whatWasMeant() {
    let registry = Self.registry
    #expect(registry.suggestions(for: "data.bigrm") == ["data.bigram"])
    #expect(registry.suggestions(for: "mnemo.data.bigrm") == ["data.bigram"])
    #expect(registry.suggestions(for: "bigram") == ["data.bigram"])
    #expect(registry.suggestions(for: "bigrm") == ["data.bigram"])
    #expect(registry.suggestions(for: "ADD") == ["Counter:add"])
    #expect(registry.suggestions(for: "xyz").isEmpty)
    #expect(registry.hint(for: "bigram") == "; did you mean 'data.bigram'?")
    #expect(registry.hint(for: "bigram") { "?" + $0 } == "; did you mean ?data.bigram?")
    #expect(registry.hint(for: "kind") == "; an option of 'data.bigram' and 'memory.embeddings'")
    #expect(registry.hint(for: "xyz") == "")
  }

  @Test func beginningsOfTopics() {
    let registry = Self.registry
    #expect(registry.topics(beginning: "d") == ["data"])
    #expect(registry.topics(beginning: "data.") == ["data.bigram"])
    #expect(registry.topics(beginning: "Counter:a") == ["Counter:add"])
    #expect(registry.topics(beginning: "m") == ["memory", "mnemo"])
    #expect(registry.topics(beginning: "mnemo.m") == ["mnemo.memory"])
    #expect(registry.topics(beginning: "nothing").isEmpty)
    #expect(LuaType.union([.choice(["a", "b"]), .function]).choices == ["a", "b"])
    #expect(LuaType.string.choices.isEmpty)
  }

  @Test func helpOfAnOptionFunction() {
    #expect(
      Self.registry.help("data.bigram")
        == """
        data.bigram{corpus=…, triggers=5, kind="fixed", noise=…, range=…, lr=0.1, …}
          In-context copying.
          options:
            corpus    Counter, required. Where the tokens come from.
            triggers  integer, default 5. How many.
            kind      "fixed" or "random", default "fixed"
            noise     number
            range     list of integer, default {1, 3}
            lr        number or function, default 0.1
            loss_on   "all", "outputs" or function, default "all"
            probe     function
            vocab     integer, default that of the corpus
        """)
  }

  @Test func helpOfAFunctionWithBoth() {
    #expect(
      Self.registry.help("memory.embeddings")
        == """
        memory.embeddings(n, d[, {kind="gaussian"}]) → Tensor
          Random vectors, one for each of n tokens. They are nearly orthogonal when
          there are many dimensions, which is what makes a matrix a memory.
          parameters:
            n  integer. How many.
            d  integer. Of what dimension.
          options:
            kind  "gaussian" or "sphere", default "gaussian". Where the vectors are
                  drawn from.
          example:
            local E = mnemo.memory.embeddings(100, 64)
            print(E:shape())
        """)
    #expect(Self.registry.function(named: "zeros")?.line == "zeros(sizes…[, dim]) → Tensor  Zeros.")
  }

  @Test func helpOfAClass() {
    #expect(
      Self.registry.help("Counter")
        == """
        Counter
          Counts.
          methods:
            Counter:get() → integer  The value.
            Counter:add(n)  Adds.
        """)
  }

  @Test(arguments: [
    ("trigers", "triggers"), ("tirggers", "triggers"), ("Seed", "seed"), ("sed", "seed"),
    ("se", nil), ("model", nil), ("x", nil), ("", nil),
  ])
  func nearestNames(given: String, expected: String?) {
    #expect(nearest(given, among: ["triggers", "seed", "lr"]) == expected)
  }

  /// A very long name is near to none, which takes no counting.
  @Test func longNames() {
    let start = ContinuousClock.now
    #expect(nearest(String(repeating: "x", count: 3_000_000), among: ["triggers", "seed"]) == nil)
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
