import Glibc
import LuaBridge

// Help, as `?name` and `??word` print it.

extension REPL {
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

      ~/.config/mnemo/init.lua runs before the first input; its locals stay as those of an input.
      The history is in ~/.local/state/mnemo/history. XDG_CONFIG_HOME and XDG_STATE_HOME name other
      folders than ~/.config and ~/.local/state.
      """
  }

  /// Prints help on a topic; without one, the guide.
  func help(_ topic: String) {
    if topic.isEmpty {
      print(guide)
    } else if topic.hasPrefix("?") {
      search(String(topic.dropFirst()).trimmed)
    } else if isOwn(topic) {
      // The user's own, which may be called as one of the module's tables is.
      helpOnValue(topic)
    } else if let text = registry.help(topic) {
      printFitted(text)
    } else if topic == "help" || topic == "who" {
      print(guide)
    } else {
      helpOnValue(topic)
    }
  }

  /// Help on what an expression gives: an object, a function of the user's, a method of an object.
  private func helpOnValue(_ topic: String) {
    let hint = registry.hint(for: topic) { "?" + $0 }
    do {
      let value = try lua.run(compile(REPL.field(topic)).chunk).first ?? .nil
      if value.isNil {
        tell("nothing is called '\(topic)'\(hint)")
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
      tell("nothing is documented as '\(topic)'\(hint)")
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

  /// A method as an expression, `m.attention` for `m:attention`; anything else as it is.
  private static func field(_ topic: String) -> String {
    guard let colon = topic.lastIndex(of: ":"),
      topic[colon...].dropFirst().allSatisfy({ $0 == "_" || $0.isLetter || $0.isNumber })
    else { return topic }
    return topic[..<colon] + "." + topic[colon...].dropFirst()
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
}
