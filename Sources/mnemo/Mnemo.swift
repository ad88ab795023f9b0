import ArgumentParser
import ByteStrings
import Glibc
import LuaBridge
import MnemoModule
import Prompt
import Tensors

/// The command: runs a script, or opens a prompt.
@main
struct Mnemo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mnemo",
    abstract: "A laboratory for the memory view of transformers, scripted in Lua.",
    usage: "mnemo [-e stat] [-i] [-l mod] [--threads N] [--no-color] [--quiet] [script [args]]",
    discussion: """
      Runs the script with its arguments in the table arg; without a script, standard input if that \
      is no terminal, else a prompt. "mnemo help TOPIC" prints the documentation of a topic, such as \
      data.bigram or Tensor:sum; "mnemo runs" lists runs, "mnemo runs --help" says more. The prompt runs ~/.config/mnemo/init.lua first and keeps its \
      history in ~/.local/state/mnemo; XDG_CONFIG_HOME and XDG_STATE_HOME name other folders than \
      ~/.config and ~/.local/state.
      """,
    version: MnemoModule.version)

  @Option(
    name: .customShort("e"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Run a statement first; may be repeated.", valueName: "stat"))
  var execute: [String] = []

  @Option(
    name: .customShort("l"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Require a module first; may be repeated.", valueName: "mod"))
  var load: [String] = []

  @Flag(name: .customShort("i"), help: "Open the prompt after the script.")
  var interactive = false

  @Flag(name: .customLong("no-color"), help: "No colour at the prompt; NO_COLOR says the same.")
  var noColour = false

  @Flag(help: "No greeting at the prompt.")
  var quiet = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Number of threads; results do not depend on it.", valueName: "N"))
  var threads: Int?

  @Argument(help: "The script and its arguments.")
  var script: [String] = []

  /// Parses the command line and runs; a mistake in it is told with exit status 1.
  static func main() {
    ProcessEnd.prepare()
    do {
      let (words, options) = try separated(given)
      var command = try parseAsRoot(words)
      guard let mnemo = command as? Mnemo else { return try command.run() }
      // As in lua(1), statements and modules run in their order on the command line.
      try mnemo.run(first: options.filter { ["-e", "-l"].contains($0) })
    } catch {
      let code = exitCode(for: error)
      if code == .validationFailure {
        ScriptRunner.tell(message(for: error))
        Glibc.exit(1)
      }
      let text = message(for: error)
      if text == MnemoModule.version { tellVersion() }
      if !text.isEmpty { print(text) }
      Glibc.exit(code.rawValue)
    }
  }

  /// The command line's words as they were given: the standard library would replace bytes that are
  /// no UTF-8.
  private static var given: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { i in
      CommandLine.unsafeArgv[i].map { String(cBytes: $0) }
    }
  }

  /// Prints the versions of all that takes part, and exits.
  private static func tellVersion() -> Never {
    do {
      try Backends.check()
    } catch {
      ScriptRunner.tell("\(error)")
      Glibc.exit(1)
    }
    print(MnemoModule.version)
    print("backend \(Backends.summary)")
    print("kernels \(KernelSet.name)")
    print(MatrixLibrary.summary)
    Glibc.exit(0)
  }

  /// The command line with `--` before the script, whose own options are none of ours; and the
  /// names of the options in it, in order.
  ///
  /// As in lua(1), the value of a short option may follow at once: `-lmnemo.probes`.
  /// - Throws: `ValidationError` if an option is unknown, or its value missing.
  private static func separated(
    _ words: [String]
  ) throws -> (words: [String], options: [String]) {
    let valued = ["-e", "-l", "--threads"]
    let known = valued + ["-i", "-h", "--help", "--version", "--no-color", "--quiet"]
    var options: [String] = []
    var names: [String] = []
    var i = 0
    while i < words.count {
      let word = words[i]
      guard word.hasPrefix("-"), word != "-" else { break }
      i += 1
      if word == "--" { break }
      let isLong = word.hasPrefix("--")
      let name = String(isLong ? word.prefix { $0 != "=" } : word.prefix(2))
      guard (name == word ? known : valued).contains(name) else {
        let hint = nearest(name, among: known.filter { $0.hasPrefix("--") && isLong })
        throw ValidationError(
          "unknown option '\(word)'" + (hint.map { "; did you mean '\($0)'?" } ?? ""))
      }
      names.append(name)
      if name == word, valued.contains(name) {
        guard i < words.count else { throw ValidationError("\(name) wants a value") }
        options += [name, words[i]]
        i += 1
      } else {
        options += isLong || name == word ? [word] : [name, String(word.dropFirst(2))]
      }
    }
    return (options + ["--"] + words[i...], names)
  }

  func validate() throws {
    if let threads, threads < 1 || threads > Parallel.mostThreads {
      throw ValidationError("--threads \(threads) (allowed: 1 to \(Parallel.mostThreads))")
    }
  }

  /// - Parameter first: `-e` or `-l` for each statement and module, in order.
  /// - Throws: `ExitCode` after an error is told.
  private func run(first: [String]) throws {
    if let threads { Parallel.threads = threads }
    let lua = Lua()
    defer { lua.close() }
    let scripts = ScriptFolder.find(for: "/proc/self/exe")
    let registry: Registry
    do {
      registry = try MnemoModule.open(in: lua, scripts: scripts).registry
    } catch {
      throw ScriptRunner.fail(error)
    }
    if script.first == "help" {
      try help(registry)
      return
    }
    lua.hearInterrupts()
    Lua.hearEndings()
    let runner = ScriptRunner(lua)
    try runner.prepare(script: script)
    var (statements, modules) = (execute[...], load[...])
    for option in first {
      if option == "-l" {
        try runner.require(modules.removeFirst())
      } else {
        try runner.run(statements.removeFirst(), name: "=(command line)")
      }
    }
    if script.first == "runs" {
      return try runner.run("require('mnemo.runs.command')(arg)", name: "=(mnemo runs)")
    }
    if interactive || (script.isEmpty && first.isEmpty && isatty(STDIN_FILENO) == 1) {
      try prompt(lua, registry, scripts)
    } else if let path = script.first {
      try runner.run(file: path, arguments: Array(script.dropFirst()))
    } else if script.isEmpty && first.isEmpty {
      try runner.run(file: "-", arguments: [])
    }
  }

  private func prompt(_ lua: Lua, _ registry: Registry, _ scripts: String?) throws {
    var options = REPL.Options(isQuiet: quiet)
    if noColour { options.usesColour = false }
    let repl: REPL
    do {
      repl = try REPL(lua, registry, scripts: scripts, options: options)
    } catch {
      throw ScriptRunner.fail(error)
    }
    let status = repl.run(script: script.first, arguments: Array(script.dropFirst()))
    if status != 0 { throw ExitCode(status) }
  }

  private func help(_ registry: Registry) throws {
    guard script.count > 1 else {
      print(registry.overview)
      return
    }
    for topic in script.dropFirst() {
      guard let text = registry.help(topic) else {
        throw ScriptRunner.fail(
          EngineError("help", "nothing is called '\(topic)'\(registry.hint(for: topic))"))
      }
      print(text)
    }
  }
}
