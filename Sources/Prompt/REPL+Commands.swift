import Glibc
import LuaBridge

// What the prompt understands beside Lua: `:time`, `?name`, `$ command`.

extension REPL {
  /// A command of the prompt.
  private struct Command: Sendable {
    let name: String
    let argument: String
    let summary: String
    let run: @Sendable (REPL, String) -> Void
  }

  private static let commands: [Command] = [
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
      name: "edit", argument: "", summary: "opens $EDITOR on the last input and runs what it leaves"
    ) {
      repl, _ in repl.edit()
    },
    Command(name: "help", argument: "", summary: "this guide, as ?") { repl, _ in print(repl.guide)
    },
    Command(name: "load", argument: "file", summary: "runs a file and keeps its locals") {
      repl, argument in
      let path = Folder.expanded(argument)
      if path.isEmpty {
        repl.tell(":load wants a file")
      } else if repl.load(file: path) {
        repl.logLoad(path)
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
      name: "tour", argument: "",
      summary: "ten steps through data, model, training, probe and figure"
    ) {
      repl, _ in repl.tour()
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

  // MARK: Help

  /// What `?` alone prints.
  var guide: String {
    let commands = REPL.commands.map { command in
      let head = (":" + command.name + " " + command.argument).trimmed
      return "  " + head.padded(to: 18) + command.summary
    }.joined(separator: "\n")
    return """
      Type Lua: an expression prints its value, also without print; a ; at its end keeps it quiet.
      _ is the last value, _1, _2 … are the results by number. An input that is not complete goes
      on in the next line; Ctrl-D gives it up.

      A local at the top of an input stays: later input sees it. It is kept in a table of the
      prompt's own, so files that you load do not see it, as with any local; <const> is not
      enforced on later input, and a <close> variable ends with its input.

        ?name             the documentation of a function, class, table or value: ?mnemo.train
        ??word            everything whose documentation has the word
        who()             your variables
        $ command         runs a shell command
      \(commands)

      Tab completes, twice lists; Ctrl-R searches the history; Ctrl-C interrupts; Ctrl-D leaves.
      :tour looks around in ten steps. mnemo.help() lists all there is in mnemo.
      """
  }

  private func help(_ topic: String) {
    if topic.isEmpty {
      print(guide)
    } else if topic.hasPrefix("?") {
      search(String(topic.dropFirst()).trimmed)
    } else if isOwn(topic) {
      // The user's own, which may be called as one of the module's tables is.
      helpOnValue(topic)
    } else if let text = registry.help(REPL.withoutModule(topic)) {
      printFitted(text)
    } else if topic == "mnemo" {
      printFitted(registry.overview)
    } else if topic == "help" || topic == "who" {
      print(guide)
    } else {
      helpOnValue(topic)
    }
  }

  /// Help on what an expression gives: an object, a function of the user's.
  private func helpOnValue(_ topic: String) {
    let unknown = registry.suggestion(for: REPL.withoutModule(topic)).map {
      "; did you mean ?\($0)?"
    }
    do {
      let value = try lua.run(compile(topic).chunk).first ?? .nil
      if value.isNil {
        tell("nothing is called '\(topic)'\(unknown ?? "")")
      } else if let text = registry.help(value, in: lua) {
        printFitted(text)
      } else if case .function(let function) = lua.global("help"), case .table = value {
        try function.call([value])
      } else {
        tell("there is no documentation for this \(value.typeName)")
      }
    } catch let error as LuaError where error.isInterrupt {
      tell(error: error)
    } catch {
      tell("nothing is documented as '\(topic)'\(unknown ?? "")")
    }
  }

  /// Prints a text with its long lines broken between words, where the window ends.
  private func printFitted(_ text: String) {
    let width = Terminal.size.columns
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let indent = String(repeating: " ", count: line.prefix { $0 == " " }.count + 2)
      var row = ""
      for (i, word) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
        if i > 0, Terminal.width(of: row) + Terminal.width(of: String(word)) + 1 > width {
          print(row)
          row = indent + word
        } else {
          row += (i > 0 ? " " : "") + word
        }
      }
      print(row)
    }
  }

  private static func withoutModule(_ topic: String) -> String {
    let call = topic.hasSuffix("()") ? String(topic.dropLast(2)) : topic
    return call.hasPrefix("mnemo.") ? String(call.dropFirst(6)) : call
  }

  private func search(_ word: String) {
    guard !word.isEmpty else {
      tell("??word searches the documentation for a word")
      return
    }
    let word = word.lowercased()
    let functions = registry.all.filter { $0.help.lowercased().contains(word) }
    let classes = registry.allClasses.filter { ($0.name + $0.summary).lowercased().contains(word) }
    let lines = functions.map(\.line) + classes.map { "\($0.name)  \($0.summary)" }
    guard !lines.isEmpty else {
      tell("no documentation has '\(word)' in it")
      return
    }
    let width = Terminal.size.columns
    for line in lines { print(line.count > width ? line.prefix(width - 1) + "…" : line) }
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
    let editor = Terminal.environment("VISUAL") ?? Terminal.environment("EDITOR") ?? "vi"
    fflush(nil)
    guard system("\(editor) '\(path)'") == 0 else {
      tell("'\(editor)' failed; nothing is run")
      return
    }
    guard let text = TextFile.contents(of: path)?.trimmed, !text.isEmpty else { return }
    print(styled(text, Style.dim))
    remember(text)
    submit(text)
  }

  // MARK: Files

  /// Runs a file and keeps the locals of its outermost block; tells whether it worked.
  ///
  /// Calls are added at its end and before each `return` that read the locals of the frame they are
  /// in; where an error ends it, they are read from the frame of the chunk.
  @discardableResult
  func load(file path: String, arguments: [String] = []) -> Bool {
    do {
      let bytes = try ScriptFile.source(of: path)
      let (name, call) = ("@" + path, "_MNEMO_CAPTURE()")
      let reading = LuaText(bytes: bytes).insertingBeforeReturns(call) ?? bytes
      let chunk =
        try (try? lua.load(bytes: reading + Array(("\n" + call).utf8), chunkName: name))
        ?? (try? lua.load(bytes: reading, chunkName: name))
        ?? lua.load(bytes: bytes, chunkName: name)
      let made = try lua.run(
        lua.load(REPL.capturing, chunkName: "=(mnemo)"), [.table(locals), .function(chunk)])
      guard made.count == 2, case .table(let environment) = made[0],
        case .function(let witness) = made[1]
      else { return false }
      chunk.setEnvironment(environment)
      try lua.run(chunk, arguments.map { .string($0) }, witness: witness)
      return true
    } catch {
      tell(error: error)
      return false
    }
  }

  /// An environment that is the globals, and holds the function that reads the caller's locals; and
  /// one that looks for the chunk among the frames and reads the locals there.
  private static let capturing = """
    local locals, chunk = ...
    local getinfo, getlocal = debug.getinfo, debug.getlocal
    local function capture(level)
      local i = 1
      while true do
        local name, value = getlocal(level + 1, i)
        if not name then return end
        if name:sub(1, 1) ~= "(" then rawset(locals, name, value) end
        i = i + 1
      end
    end
    local function witness()
      local level = 2
      while true do
        local frame = getinfo(level, "f")
        if not frame then return end
        if frame.func == chunk then
          -- No tail call, which would take this frame's place.
          capture(level)
          return
        end
        level = level + 1
      end
    end
    local function of_caller() capture(2) end
    return setmetatable({ _MNEMO_CAPTURE = of_caller }, { __index = _G, __newindex = _G }), witness
    """

  func logLoad(_ path: String) {
    let real = realpath(path, nil).map { pointer in
      defer { free(pointer) }
      return String(cString: pointer)
    }
    let statement = "dofile(\"\((real ?? path).escaped)\")"
    var text = TextFile.contents(of: path) ?? ""
    if text.hasPrefix("#") { text = "--" + text }
    // A file whose last statement is a return can only be called.
    let fits = (try? lua.load(text + "\nlocal _", chunkName: "=")) != nil
    log.append(
      Entry(typed: ":load " + path, statement: fits ? "-- from \(path)\n" + text : statement))
  }

  private func save(to path: String) {
    guard !path.isEmpty else {
      tell(":save wants a file")
      return
    }
    guard !log.isEmpty else {
      tell("nothing has been typed yet")
      return
    }
    var heading = "-- Typed at the prompt of mnemo.\nlocal mnemo = require \"mnemo\"\n"
    // Scripts have no such globals.
    for (tool, fallback) in [("help", "mnemo.help"), ("who", "function() end")]
    where log.contains(where: { LuaText($0.statement).hasName(tool) }) {
      heading += "local \(tool) = \(tool) or \(fallback)\n"
    }
    heading += "\n"
    let bodies = [
      log.map { LuaText($0.statement).rewritten(.plain) ?? $0.statement },
      // More than 200 locals, or two that get in each other's way, are globals.
      log.map { LuaText($0.statement).rewritten(.globals) ?? $0.statement },
    ].map { heading + $0.joined(separator: "\n") + "\n" }
    let text = bodies.first { (try? lua.load($0, chunkName: "=")) != nil } ?? bodies[1]
    if let reason = Folder.write(text, to: path) {
      tell("cannot write \(path): \(reason)")
    } else {
      print("\(log.count) inputs written to \(path)")
    }
  }
}

extension String {
  /// Without spaces at its ends.
  package var trimmed: String {
    let start = drop(while: \.isWhitespace)
    return String(start.prefix(start.count - start.reversed().prefix(while: \.isWhitespace).count))
  }

  package func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }

  /// As it stands between quotes in Lua.
  package var escaped: String {
    reduce(into: "") { text, character in
      switch character {
      case "\\", "\"": text += "\\\(character)"
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }
}

extension Folder {
  /// A path in which `~` stands for the home folder.
  package static func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = Terminal.environment("HOME") else {
      return path
    }
    return home + path.dropFirst()
  }

  /// Writes a file; returns why it could not.
  package static func write(_ text: String, to path: String) -> String? {
    guard let file = fopen(path, "w") else { return String(cString: strerror(errno)) }
    var text = text
    let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
    let closed = fclose(file) == 0
    return written && closed ? nil : String(cString: strerror(errno))
  }

  /// A new file for the user alone, with this text in it.
  package static func temporaryFile(holding text: String, ending: String) -> String? {
    let folder = Terminal.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    var name = Array("\(folder)/mnemo-XXXXXX\(ending)".utf8CString)
    let descriptor = mkstemps(&name, Int32(ending.utf8.count))
    guard descriptor >= 0 else { return nil }
    close(descriptor)
    let path = name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    return path.flatMap { write(text, to: $0) == nil ? $0 : nil }
  }
}
