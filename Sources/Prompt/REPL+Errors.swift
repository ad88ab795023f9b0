import ByteStrings
import LuaBridge
import Tensors

// What is said about errors: the message, the place in the source, the user's own frames.

extension REPL {
  /// Tells an error; `text` is the source if the compiler refused it.
  func tell(error: any Error, in text: String? = nil) {
    guard let error = error as? LuaError else {
      write("\(error)")
      return
    }
    if error.isInterrupt {
      lastTraceback = error.traceback
      write("interrupted")
      return
    }
    lastTraceback = error.traceback
    write(words(for: error))
    if let text, error.traceback == nil {
      showColumn(in: text)
      return
    }
    let frames = userFrames(error.traceback ?? "")
    showSourceLine(error.message)
    // A single frame is the place the message names.
    if frames.count > 1 {
      Terminal.writeError(frames.map { styled("  \($0)\n", Style.dim) }.joined())
    }
  }

  private func write(_ message: String) {
    Terminal.flush()
    Terminal.writeError(styled(message.harmless, Style.red) + "\n")
  }

  /// The message; an error object without words of its own is printed as the value it is.
  private func words(for error: LuaError) -> String {
    guard let value = error.value, case .table = value.luaValue,
      error.message.hasPrefix("(error object is a ") || error.message.hasSuffix("__tostring fails)")
    else { return error.message }
    let shown = (try? call("text", [value.luaValue]))?.first?.asString
    return "error object: " + (shown ?? error.message)
  }

  /// The line of the source and a mark below the token at which the parser stopped.
  private func showColumn(in text: String) {
    let source = LuaText(text)
    func fails(_ text: String) -> Bool {
      do {
        _ = try lua.load(text + "\n", chunkName: "=")
        return false
      } catch {
        return (error as? LuaError)?.isIncomplete == false
      }
    }
    let token = source.firstError(fails)
    let place = source.place(of: token?.range.lowerBound ?? source.bytes.count)
    guard let (line, gap) = source.excerpt(at: place) else { return }
    Terminal.writeError("    \(line)\n    \(gap)" + styled("^", Style.red) + "\n")
  }

  /// The line of an earlier input that a message such as `[3]:2: …` names.
  private func showSourceLine(_ message: String) {
    guard message.hasPrefix("["), let bracket = message.firstIndex(of: "]"),
      let input = Int(message[message.index(after: message.startIndex)..<bracket]),
      case let rest = message[message.index(after: bracket)...], rest.hasPrefix(":"),
      let line = Int(rest.dropFirst().prefix { $0.isNumber }),
      let source = sources[input], source.contains("\n") || input != inputs,
      let text = LuaText(source).line(line)
    else { return }
    Terminal.writeError(styled("    \(line) | \(text.prefix(72))\n", Style.dim))
  }

  /// The frames of code that the user wrote: not Swift's, not the module's own Lua.
  private func userFrames(_ traceback: String) -> [String] {
    traceback.split(separator: "\n").dropFirst().map { $0.drop { $0 == "\t" || $0 == " " } }
      .filter { frame in
        let own = ["[C]:", "(mnemo)", "(...", "stack traceback", "[string "] + modulePaths
        return !own.contains { frame.hasPrefix($0) }
      }.map(String.init)
  }

  /// What the frames of the module's Lua files begin with; Lua shortens long paths to `...`.
  private var modulePaths: [String] { scripts.map { [$0 + "/mnemo/"] } ?? [] }

  /// Prints the whole of the last traceback.
  func trace() {
    guard let lastTraceback else {
      tell("no error has left a traceback")
      return
    }
    print(lastTraceback)
  }
}
