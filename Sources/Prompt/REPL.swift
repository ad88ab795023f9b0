import ByteStrings
import Glibc
import LuaBridge
import MnemoModule
import Tensors

/// The prompt: reads Lua, evaluates it, prints what it gave, until it is told to leave.
///
/// Locals of an input's outermost block persist. They are rewritten to fields of a table that is
/// the environment of everything typed and falls back to the globals (`LuaText.rewritten`): code
/// typed later sees them, `require` and `dofile` do not, as with any local.
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
  package internal(set) var log: [SessionScript.Entry] = []
  /// The source of every input, by number.
  var sources: [Int: String] = [:]
  /// Number of the input that is evaluated.
  var inputs = 0
  /// The traceback of the last error.
  package internal(set) var lastTraceback: String?
  var lastInput = ""
  /// How many steps of the tour were taken, and its variables, which are none of the user's.
  var tourSteps = 0
  var tourLocals: LuaReference?
  /// Whether what is evaluated is a step of the tour.
  var isTouring = false
  var isLeaving = false

  private let input: InputBuffer
  private(set) lazy var editor = LineEditor(input)
  private var history = HistoryFile(path: nil)
  /// Number of results so far.
  var results = 0
  /// The unsaved runs that were told of.
  private var knownUnsaved: Set<Int> = []
  private var exitStatus: Int32 = 0

  /// How many results are kept by number.
  static let mostResults = 1000
  /// Evaluation that takes longer reports its time.
  static let worthTelling = Duration.milliseconds(100)
  /// What the rewritten locals are fields of.
  static let localsName = "_local"

  /// A prompt on a state in which the module is open.
  package init(_ lua: Lua, _ registry: Registry, scripts: String?, options: Options) throws {
    self.lua = lua
    self.registry = registry
    self.scripts = scripts
    self.options = options
    input = InputBuffer(takesInterrupt: lua.takeInterrupt)
    locals = try REPL.environment(in: lua, keepsGlobals: false)
    let engine = Registry()
    engine.add(functions)
    try lua.run(
      lua.load(REPL.connection, chunkName: "=(mnemo)"),
      [.table(engine.install(in: lua)), .table(locals)])
  }

  /// A table of locals, which is the environment of code that sees the globals.
  ///
  /// Where `keepsGlobals`, globals that the code sets stay in the table.
  static func environment(in lua: Lua, keepsGlobals: Bool) throws -> LuaReference {
    let made = try lua.run(
      lua.load(preparation, chunkName: "=(mnemo)"), [.boolean(keepsGlobals)])
    guard case .table(let locals)? = made.first else { throw LuaError("no environment") }
    return locals
  }

  private static let preparation = """
    local keeps_globals = ...
    local locals = {}
    local function keep(_, name, value) rawset(locals, name, value) end
    locals.\(localsName) = setmetatable({}, { __newindex = keep, __metatable = false })
    return setmetatable(locals, { __index = _G, __newindex = not keeps_globals and _G or nil })
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
    engine.submodule = getmetatable(mnemo).submodule
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
    if let home = Folder.badHome {
      tell("HOME is '\(home)', which does not begin with /, and is ignored")
    }
    history = HistoryFile(path: editor.isEditing ? HistoryFile.defaultPath : nil)
    for entry in history.entries { editor.remember(entry) }
    editor.complete = { [weak self] in self?.completion($0) }
    runInitFile()
    lua.countInterruptsAnew()
    if let script, load(file: script, arguments: arguments), arguments.isEmpty { logLoad(script) }
    while !isLeaving {
      lua.countInterruptsAnew()
      if let warning = history.takeWarning() { tell("history: \(warning)") }
      guard let text = readInput() else { break }
      remember(text)
      submit(text)
      if let signal = Lua.endingSignal {
        exitStatus = 128 + signal
        break
      }
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
      path.withCBytes({ access($0, F_OK) }) == 0
    else { return }
    load(file: path)
  }

  /// Whether nothing would be lost; asks once about each run.
  func mayLeave() -> Bool {
    let runs = MnemoModule.unsavedRuns(in: lua)
    guard !runs.isSubset(of: knownUnsaved) else { return true }
    knownUnsaved = runs
    let what = runs.count == 1 ? "a training run is" : "\(runs.count) training runs are"
    tell("\(what) not saved: run:save(\"folder\") saves it; Ctrl-D or :quit again leaves")
    return false
  }

  // MARK: Output

  func display(_ values: [LuaValue], first: Int) throws {
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
    Terminal.writeError("mnemo: \(message.harmless)\n")
  }
}
