/// The script that a session becomes: what was typed, with the results that later input uses.
package struct SessionScript {
  /// One input.
  package struct Entry {
    /// Where an input came from.
    package enum Origin {
      case typed
      /// It raised an error after some of its statements had run.
      case failed
      /// It was a file.
      case loaded
      /// It was a step of the tour, which has variables of its own.
      case tour
    }

    package var text: String
    package var origin = Origin.typed
    /// The input without the semicolon at its end, if it is an expression.
    package var expression: String?
    /// The numbers of its results; nil for a result that is nil and has none.
    package var results: [Int?] = []

    package init(
      _ text: String, _ origin: Origin = .typed, expression: String? = nil, results: [Int?] = []
    ) {
      (self.text, self.origin) = (text, origin)
      (self.expression, self.results) = (expression, results)
    }

    fileprivate var source: LuaText { LuaText(text) }
  }

  private let entries: [Entry]
  private let loads: (String) -> Bool
  /// The results that later input uses, for each entry.
  private let uses: [Set<String>]

  /// - Parameters:
  ///   - entries: The inputs in their order.
  ///   - loads: Whether Lua's parser accepts a text.
  package init(_ entries: [Entry], loads: @escaping (String) -> Bool) {
    (self.entries, self.loads) = (entries, loads)
    uses = SessionScript.uses(entries)
  }

  /// The script.
  package var text: String {
    var ways: [(LuaText.Locals, inBlocks: Bool)] = [(.plain, false), (.globals, false)]
    if hasEarlierUse { ways.removeFirst() }
    // More than 200 locals, or two that get in each other's way, are globals; labels and what is to
    // be closed belong to a block.
    let texts = ways.map { write($0.0, inBlocks: $0.inBlocks) }
    return texts.first(where: loads) ?? write(.globals, inBlocks: true)
  }

  private func write(_ locals: LuaText.Locals, inBlocks: Bool) -> String {
    let statements = entries.indices.map { i in
      let statement = statement(i, locals)
      return inBlocks && !statement.isEmpty ? "do\n\(statement)\nend" : statement
    }
    return (heading + tour + statements).filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
  }

  private var heading: [String] {
    let typed = entries.filter { $0.origin != .tour }
    // Scripts have no such globals.
    let tools = [("help", "mnemo.help"), ("who", "function() end")].filter { tool in
      typed.contains { $0.source.hasName(tool.0) }
    }
    return ["-- Typed at the prompt of mnemo.\nlocal mnemo = require \"mnemo\""]
      + tools.map { "local \($0.0) = \($0.0) or \($0.1)" }
  }

  // MARK: Statements

  private func statement(_ i: Int, _ locals: LuaText.Locals) -> String {
    let entry = entries[i]
    let source = entry.source
    let asGlobals = rewritten(entry, .globals)
    switch entry.origin {
    case .tour: return uses[i].contains("_") ? assignment(of: "_", from: entry) : ""
    case .failed: return "pcall(function()\n\(asGlobals)\nend)"
    case .typed, .loaded: break
    }
    let statement: String
    if let expression = entry.expression {
      statement = assignment(of: expression, entry, uses[i])
    } else if source.hasReturn {
      // It would end the script.
      statement = assignment(of: "(function()\n\(asGlobals)\nend)()", entry, uses[i])
    } else {
      statement = rewritten(entry, locals)
    }
    // What begins with a bracket would belong to the line before it.
    return LuaText(statement).startsWithBracket ? ";" + statement : statement
  }

  private func rewritten(_ entry: Entry, _ locals: LuaText.Locals) -> String {
    String((entry.source.rewritten(locals) ?? entry.text).drop { $0 == " " })
  }

  /// An expression as a statement that leaves the results which are used.
  private func assignment(of expression: String, _ entry: Entry, _ used: Set<String>) -> String {
    let results = entry.results
    let areNumbered = results.contains { $0.map { used.contains("_\($0)") } ?? false }
    if results.isEmpty || (!areNumbered && !used.contains("_")) {
      if loads(expression) { return expression }
      return results.isEmpty ? "do local _ = \(expression) end" : "_ = " + expression
    }
    if !areNumbered, results.count == 1 { return "_ = " + expression }
    let names = results.map { $0.map { "_\($0)" } ?? "_" }.joined(separator: ", ")
    let last = used.contains("_") ? assignment(of: "_", from: entry) : ""
    return "\(names) = \(expression)" + (last.isEmpty ? "" : "\n" + last)
  }

  /// The last of an entry's results as `_`.
  private func assignment(of name: String, from entry: Entry) -> String {
    entry.results.last?.map { "\(name) = _\($0)" } ?? ""
  }

  /// The tour, if its results are used: it depends on nothing before it, and takes no variable of
  /// the user's.
  private var tour: [String] {
    let isUsed = entries.indices.contains { entries[$0].origin == .tour && !uses[$0].isEmpty }
    guard isUsed else { return [] }
    let steps = entries.filter { $0.origin == .tour }.map { step in
      let names = step.results.map { $0.map { "_G._\($0)" } ?? "_" }.joined(separator: ", ")
      guard let expression = step.expression else {
        return rewritten(step, .globals)
      }
      return names.isEmpty ? "_ = " + expression : "\(names) = \(expression)"
    }
    return ["do", "local _ENV = setmetatable({}, { __index = _G })"] + steps + ["end"]
  }

  // MARK: Uses

  /// The names among `_`, `_1`, `_2` … that are used after each entry, before they are set again.
  private static func uses(_ entries: [Entry]) -> [Set<String>] {
    let names = entries.map { entry in
      entry.origin == .loaded || entry.origin == .tour
        ? [] : entry.source.usedNames.filter(isResult)
    }
    // A function may be called at any time.
    var later = zip(entries, names).filter { $0.0.source.hasName("function") }
      .reduce(into: Set<String>()) { $0.formUnion($1.1) }
    let always = later
    var uses: [Set<String>] = []
    for (entry, used) in zip(entries, names).reversed() {
      let own = Set(entry.results.compactMap { $0.map { "_\($0)" } })
      uses.append(later.intersection(entry.results.isEmpty ? own : own.union(["_"])))
      if !entry.results.isEmpty, !always.contains("_") { later.remove("_") }
      later.formUnion(used)
    }
    return uses.reversed()
  }

  private static func isResult(_ name: String) -> Bool {
    name.hasPrefix("_") && name.dropFirst().allSatisfy(\.isNumber)
  }

  /// Whether a function uses a name that is a local only later: at the prompt it sees that one.
  private var hasEarlierUse: Bool {
    var used: Set<String> = []
    return entries.filter { $0.origin != .tour }.contains { entry in
      let source = entry.source
      defer { if source.hasName("function") { used.formUnion(source.usedNames) } }
      return source.outerLocals.contains(where: used.contains)
    }
  }
}
