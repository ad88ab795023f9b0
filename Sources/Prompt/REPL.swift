import Glibc
import LuaBridge
import MnemoModule
import Tensors

/// The prompt: reads Lua, evaluates it, prints what it gave, until it is told to leave.
///
/// Locals of an input's outermost block persist. They are rewritten to fields of a table that is the
/// environment of everything typed and falls back to the globals (`LuaText.rewritten`): code typed
/// later sees them, `require` and `dofile` do not, as with any local.
package final class REPL {
  /// What the command line said about the prompt.
  package struct Options {
    /// Whether there is no greeting.
    package var isQuiet: Bool
    /// Whether it writes in colour.
    package var usesColour: Bool

    /// By default there are colours where the terminal shows them.
    package init(isQuiet: Bool = false, usesColour: Bool = Terminal.wantsColour) {
      (self.isQuiet, self.usesColour) = (isQuiet, usesColour)
    }
  }

  package let lua: Lua
  let registry: Registry
  let options: Options
  /// The folder of the module's Lua files, whose frames are not the user's.
  let scripts: String?
  /// The locals that persist, and the environment of what is typed.
  package let locals: LuaReference
  /// What was typed and worked, as it will be saved.
  package internal(set) var log: [Entry] = []
  /// The source of every input, by number.
  var sources: [Int: String] = [:]
  /// Number of the input that is evaluated.
  var inputs = 0
  /// The traceback of the last error.
  package internal(set) var lastTraceback: String?
  var lastInput = ""
  var isLeaving = false

  private let input = InputBuffer()
  private(set) lazy var editor = LineEditor(input)
  private var history = HistoryFile(path: nil)
  /// Number of results so far.
  private var results = 0
  private var hasAskedAboutRuns = false
  private var exitStatus: Int32 = 0

  /// How many results are kept by number.
  private static let mostResults = 1000
  /// Evaluation that takes longer reports its time.
  private static let worthTelling = Duration.milliseconds(100)
  /// What the rewritten locals are fields of.
  private static let localsName = "_local"

  /// One input, as it was typed and as a statement of a script.
  package struct Entry {
    package var typed: String
    package var statement: String
  }

  /// A prompt on a state in which the module is open.
  package init(_ lua: Lua, _ registry: Registry, scripts: String?, options: Options) throws {
    self.lua = lua
    self.registry = registry
    self.scripts = scripts
    self.options = options
    let made = try lua.run(REPL.preparation, chunkName: "=(mnemo)")
    guard case .table(let locals)? = made.first else { throw LuaError("no environment") }
    self.locals = locals
    let engine = Registry()
    engine.add(functions)
    try lua.run(
      lua.load(REPL.connection, chunkName: "=(mnemo)"),
      [.table(engine.install(in: lua)), .table(locals)])
  }

  private static let preparation = """
    local locals = {}
    local function keep(_, name, value) rawset(locals, name, value) end
    locals.\(localsName) = setmetatable({}, { __newindex = keep, __metatable = false })
    return setmetatable(locals, { __index = _G, __newindex = _G })
    """

  /// The tools of the prompt, as globals; what exists already is the user's and the system's.
  private static let connection = """
    local engine, locals = ...
    local show
    local function display(name, ...)
      show = show or require "mnemo.prompt.show"
      return show[name](engine, ...)
    end
    engine.display = display
    -- As the module itself loads what is written in Lua, whatever its metatable will be.
    local load = getmetatable(mnemo).__index
    function engine.submodule(name) return load(mnemo, name) end
    local base = {}
    if not help then
      function help(...)
        if select("#", ...) == 0 then return engine.guide() end
        return mnemo.help(...)
      end
    end
    if not who then
      function who() io.write(display("who", locals, base), "\\n") end
    end
    for name in next, _G do base[name] = true end
    package.loaded["(prompt)"] = { display = display, base = base, engine = engine }
    """

  // MARK: The loop

  /// Reads and evaluates until the end; returns the exit status.
  package func run(script: String? = nil, arguments: [String] = []) -> Int32 {
    Terminal.setLocale()
    if !options.isQuiet, editor.isEditing {
      print("mnemo \(MnemoModule.version) · ? for help, :tour to look around, Ctrl-D leaves")
    }
    history = HistoryFile(path: editor.isEditing ? HistoryFile.defaultPath : nil)
    for entry in history.entries { editor.remember(entry) }
    editor.complete = { [weak self] in self?.completion($0) }
    runInitFile()
    if let script, load(file: script, arguments: arguments), arguments.isEmpty { logLoad(script) }
    while !isLeaving {
      if let warning = history.takeWarning() { tell("history: \(warning)") }
      guard let text = readInput() else { break }
      remember(text)
      submit(text)
    }
    return exitStatus
  }

  /// Reads one input: lines until Lua's parser finds it complete; nil when it is time to leave.
  private func readInput() -> String? {
    var text = ""
    var scanner = LuaScanner()
    var sizeAtLastParse = 0
    while true {
      editor.pending = text
      let isFirst = text.isEmpty
      switch editor.read(
        prompt: isFirst ? "mnemo> " : "    .> ",
        colour: options.usesColour ? (isFirst ? Style.prompt : Style.dim) : nil)
      {
      case .interrupted:
        input.drop()
        return ""
      case .end:
        if !isFirst {
          // Ctrl-D gives up what was begun.
          tell(error: syntaxError(of: text))
          return ""
        }
        if mayLeave() { return nil }
        return ""
      case .gone(let signal):
        if !isFirst { tell(error: syntaxError(of: text)) }
        if signal != 0 { exitStatus = 128 + signal }
        return nil
      case .text(let line):
        if isFirst, isCommand(line) || line.allSatisfy(\.isWhitespace) { return line }
        text += isFirst ? line : "\n" + line
        _ = scanner.scan(Array((line + "\n").utf8))
        // In a long paste the parser is asked only where it could say yes, and now and then.
        guard scanner.mayBeComplete || !editor.hasMore || text.utf8.count > 2 * sizeAtLastParse
        else { continue }
        sizeAtLastParse = text.utf8.count
        if !isIncomplete(text) { return text }
      }
    }
  }

  func remember(_ text: String) {
    if history.add(text) { editor.remember(text) }
  }

  private func runInitFile() {
    guard let path = Folder.xdg("XDG_CONFIG_HOME", "/.config").map({ $0 + "/mnemo/init.lua" }),
      access(path, F_OK) == 0
    else { return }
    load(file: path)
  }

  /// Whether nothing would be lost; asks once.
  func mayLeave() -> Bool {
    guard !hasAskedAboutRuns else { return true }
    let runs = MnemoModule.unsavedRuns(in: lua)
    guard runs > 0 else { return true }
    hasAskedAboutRuns = true
    let what = runs == 1 ? "a training run is" : "\(runs) training runs are"
    tell("\(what) not saved: run:save(\"folder\") saves it; Ctrl-D or :quit again leaves")
    return false
  }

  // MARK: Evaluation

  /// Evaluates an input: a command of the prompt, an expression, statements.
  ///
  /// What was pasted as a whole need not be one chunk: then its parts are taken one by one.
  package func submit(_ text: String) {
    if isCommand(text) {
      command(text)
      return
    }
    guard !text.allSatisfy(\.isWhitespace) else { return }
    lastInput = text
    guard text.contains("\n") else {
      evaluate(text)
      return
    }
    guard let code = try? compile(text) else {
      submitByParts(text)
      return
    }
    if code.expression == nil, let (statements, expression) = split(text) {
      if evaluate(statements) { evaluate(expression) }
    } else {
      evaluate(text)
    }
  }

  /// Statements and the expression after them, which is to be printed, if an input is both.
  private func split(_ text: String) -> (statements: String, expression: String)? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for first in stride(from: lines.count - 1, to: max(0, lines.count - 64), by: -1) {
      // What begins with a bracket may belong to the line before it.
      guard let start = lines[first].first, start.isLetter || start == "_" else { continue }
      let expression = lines[first...].joined(separator: "\n")
      let shorter = LuaText(expression).withoutFinalSemicolon ?? expression
      guard (try? lua.load("return " + shorter, chunkName: "=")) != nil else { continue }
      let statements = lines[..<first].joined(separator: "\n")
      return (try? lua.load(statements, chunkName: "=")) == nil ? nil : (statements, expression)
    }
    return nil
  }

  private func submitByParts(_ text: String) {
    var part = ""
    var scanner = LuaScanner()
    var sizeAtLastParse = 0
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (i, line) in lines.enumerated() {
      if part.isEmpty, line.allSatisfy(\.isWhitespace) { continue }
      if part.isEmpty, isCommand(String(line)) {
        command(String(line))
        continue
      }
      part += (part.isEmpty ? "" : "\n") + line
      _ = scanner.scan(Array((line + "\n").utf8))
      let isLast = i == lines.count - 1
      guard isLast || scanner.mayBeComplete || part.utf8.count > 2 * sizeAtLastParse else {
        continue
      }
      sizeAtLastParse = part.utf8.count
      guard isLast || !isIncomplete(part) else { continue }
      guard evaluate(part), !isLeaving else { return }
      part = ""
      sizeAtLastParse = 0
      scanner = LuaScanner()
    }
  }

  /// Evaluates one chunk and prints what it gives; tells whether it worked.
  @discardableResult
  func evaluate(_ text: String, alwaysTime: Bool = false) -> Bool {
    inputs += 1
    sources[inputs] = text
    let code: Code
    do {
      code = try compile(text)
    } catch {
      tell(error: error, in: text)
      return false
    }
    let start = ContinuousClock.now
    do {
      let values = try lua.run(code.chunk)
      let time = ContinuousClock.now - start
      let first = results + 1
      keep(values)
      log.append(Entry(typed: text, statement: statement(text, code, first: first)))
      if !code.isSilent { try display(values, first: first) }
      if alwaysTime || time > REPL.worthTelling { print(styled("(\(time.text))", Style.dim)) }
      return true
    } catch {
      let time = ContinuousClock.now - start
      tell(error: error)
      if alwaysTime || time > REPL.worthTelling { print(styled("(\(time.text))", Style.dim)) }
      return false
    }
  }

  /// An input, ready to run.
  struct Code {
    let chunk: LuaReference
    /// The text of the expression, if it is one.
    let expression: String?
    /// Whether a semicolon at its end silences it.
    let isSilent: Bool
  }

  /// An expression if it is one, else statements, as lua(1) does.
  func compile(_ text: String) throws -> Code {
    let name = "=[\(inputs)]"
    let source = LuaText(text)
    let shorter = source.withoutFinalSemicolon
    if let chunk = try? lua.load("return " + (shorter ?? text), chunkName: name) {
      chunk.setEnvironment(locals)
      return Code(chunk: chunk, expression: shorter ?? text, isSilent: shorter != nil)
    }
    var chunk = try lua.load(text + "\n", chunkName: name)
    if let rewritten = source.rewritten(.fields(of: REPL.localsName)),
      let persistent = try? lua.load(rewritten, chunkName: name)
    {
      chunk = persistent
    }
    chunk.setEnvironment(locals)
    return Code(chunk: chunk, expression: nil, isSilent: shorter != nil)
  }

  private func isIncomplete(_ text: String) -> Bool {
    if (try? lua.load("return " + text, chunkName: "=")) != nil { return false }
    do {
      // The end of the line: a quoted string cannot go on behind it.
      _ = try lua.load(text + "\n", chunkName: "=")
      return false
    } catch let error as LuaError {
      return error.isIncomplete
    } catch {
      return false
    }
  }

  private func syntaxError(of text: String) -> any Error {
    do {
      _ = try lua.load(text + "\n", chunkName: "=[\(inputs + 1)]")
      return LuaError("nothing was typed")
    } catch {
      return error
    }
  }

  /// Keeps results as `_` and by number.
  private func keep(_ values: [LuaValue]) {
    for value in values {
      locals.rawSet("_", value)
      guard !value.isNil else { continue }
      results += 1
      locals.rawSet("_\(results)", value)
      if results > REPL.mostResults {
        locals.rawSet("_\(results - REPL.mostResults)", LuaValue.nil)
      }
    }
  }

  /// The input as a statement of a script, which sets the results that later input may use.
  private func statement(_ text: String, _ code: Code, first: Int) -> String {
    guard let expression = code.expression, results >= first else { return text }
    let names = (first...results).map { "_\($0)" }
    return names.joined(separator: ", ") + " = " + expression + "\n_ = _\(results)"
  }

  /// Forgets all results.
  package func forgetResults() {
    for number in max(1, results - REPL.mostResults)...max(1, results) {
      locals.rawSet("_\(number)", LuaValue.nil)
    }
    locals.rawSet("_", LuaValue.nil)
  }

  // MARK: Output

  private func display(_ values: [LuaValue], first: Int) throws {
    guard !values.isEmpty else { return }
    let list = lua.newTable()
    for (i, value) in values.enumerated() { list.rawSet(i + 1, value) }
    try call("values", [.table(list), .integer(values.count), .integer(first)])
  }

  /// Calls a function of `mnemo.prompt.show`.
  @discardableResult
  func call(_ name: String, _ arguments: [LuaValue]) throws -> [LuaValue] {
    guard case .function(let display) = tool("display") else { return [] }
    return try display.call([.string(name)] + arguments)
  }

  /// Whether a name is a variable of the user's: of the prompt, or a global made since its start.
  package func isOwn(_ name: String) -> Bool {
    if !locals.rawGet(name).isNil { return true }
    guard case .table(let base) = tool("base"), !lua.global(name).isNil else { return false }
    return base.rawGet(name).isNil
  }

  /// What `connection` left for the Lua files of the prompt.
  private func tool(_ name: String) -> LuaValue {
    guard case .table(let package) = lua.global("package"),
      case .table(let loaded) = package.rawGet("loaded"),
      case .table(let prompt) = loaded.rawGet("(prompt)")
    else { return .nil }
    return prompt.rawGet(name)
  }

  /// Text in a style, if there are styles.
  func styled(_ text: String, _ style: String) -> String {
    options.usesColour ? style + text + Style.reset : text
  }

  /// A message of the prompt itself.
  func tell(_ message: String) {
    fflush(nil)
    Terminal.writeError("mnemo: \(message)\n")
  }
}
