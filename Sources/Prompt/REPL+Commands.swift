import ByteStrings
import Glibc
import LuaBridge

// What the prompt understands beside Lua: `:time`, `?name`, `$ command`.

extension REPL {
  /// A command of the prompt.
  struct Command: Sendable {
    let name: String
    let argument: String
    let summary: String
    let run: @Sendable (REPL, String) -> Void
  }

  static let commands: [Command] = [
    Command(
      name: "clear", argument: "[results]",
      summary: "clears the screen; with results, forgets _ and _1, _2 …"
    ) {
      repl, argument in
      if argument == "results" {
        repl.forgetResults()
      } else {
        Terminal.write("\u{1B}[H\u{1B}[2J")
      }
    },
    Command(
      name: "edit", argument: "[file]",
      summary: "opens $EDITOR on the last input, or on a file, and runs what it leaves"
    ) {
      repl, argument in
      if argument.isEmpty { repl.edit() } else { repl.edit(file: Folder.expanded(argument)) }
    },
    Command(name: "help", argument: "", summary: "this guide, as ?") { repl, _ in print(repl.guide)
    },
    Command(name: "load", argument: "file", summary: "runs a file and keeps its locals") {
      repl, argument in
      let path = Folder.expanded(argument)
      if path.isEmpty {
        repl.tell(":load wants a file")
      } else {
        repl.loadAndLog(path)
      }
    },
    Command(name: "quit", argument: "", summary: "leaves, as Ctrl-D") { repl, _ in
      repl.isLeaving = repl.mayLeave()
    },
    Command(
      name: "save", argument: "file", summary: "writes this session's input as a script that runs"
    ) {
      repl, argument in repl.save(to: Folder.expanded(argument))
    },
    Command(name: "time", argument: "code", summary: "tells how long an expression takes") {
      repl, argument in
      if argument.isEmpty {
        repl.tell(":time wants an expression")
      } else {
        repl.lastInput = argument
        repl.evaluate(argument, alwaysTime: true)
      }
    },
    Command(
      name: "tour", argument: "[again]",
      summary: "ten steps through data, model, training, probe and figure"
    ) {
      repl, argument in repl.tour(anew: argument == "again")
    },
    Command(name: "trace", argument: "", summary: "the whole traceback of the last error") {
      repl, _ in
      repl.trace()
    },
  ]

  static var commandNames: [String] { commands.map { ":" + $0.name } }

  /// Whether a line is for the prompt and not Lua, in which `::` begins a label.
  package func isCommand(_ line: String) -> Bool {
    let line = line.drop(while: \.isWhitespace)
    guard let first = line.first else { return false }
    return first == "?" || first == "$" || (first == ":" && !line.hasPrefix("::"))
  }

  func command(_ line: String) {
    let line = line.trimmed
    let rest = String(line.dropFirst()).trimmed
    switch line.first {
    case "?": help(rest)
    case "$": shell(rest)
    default:
      let name = String(rest.prefix { !$0.isWhitespace })
      let argument = String(rest.dropFirst(name.count)).trimmed
      // A beginning that fits one command only will do.
      let fitting = REPL.commands.filter { $0.name.hasPrefix(name) }
      let exact = REPL.commands.first { $0.name == name }
      if let command = exact ?? (fitting.count == 1 && !name.isEmpty ? fitting.first : nil) {
        command.run(self, argument)
      } else {
        let hint = nearest(name, among: REPL.commands.map(\.name)).map { "; did you mean :\($0)?" }
        tell("no command :\(name)\(hint ?? "; ? lists them")")
      }
    }
  }

  // MARK: The world outside

  private func shell(_ command: String) {
    guard !command.isEmpty else {
      tell("$ wants a command")
      return
    }
    fflush(nil)
    let status = system(command)
    guard status != 0 else { return }
    // The two halves of wait(2)'s status: a signal, an exit code.
    tell(status & 0x7F != 0 ? "ended by signal \(status & 0x7F)" : "exit status \(status >> 8)")
  }

  private func edit() {
    guard let path = Folder.temporaryFile(holding: lastInput + "\n", ending: ".lua") else {
      tell("cannot write a temporary file")
      return
    }
    defer { unlink(path) }
    guard openEditor(on: path), let text = TextFile.contents(of: path)?.trimmed, !text.isEmpty
    else { return }
    print(styled(text, Style.dim))
    remember(text)
    submit(text)
  }

  private func edit(file path: String) {
    if openEditor(on: path) { loadAndLog(path) }
  }

  /// Waits until the editor ends; tells if it fails.
  private func openEditor(on path: String) -> Bool {
    let editor = Terminal.environment("VISUAL") ?? Terminal.environment("EDITOR") ?? "vi"
    let quoted = path.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''")
    fflush(nil)
    let isDone = "\(editor) '\(quoted)'".withCBytes { system($0) } == 0
    if !isDone { tell("'\(editor)' failed; nothing is run") }
    return isDone
  }
}
