import LuaBridge

// How an input is cut into chunks, compiled and run, and what its results are called.

extension REPL {
  /// Evaluates an input: a command of the prompt, an expression, statements.
  ///
  /// What was pasted as a whole need not be one chunk: then its parts are taken one by one.
  /// - Returns: Whether it worked.
  @discardableResult
  package func submit(_ text: String) -> Bool {
    lua.countInterruptsAnew()
    defer { lua.countInterruptsAnew() }
    if isCommand(text) {
      command(text)
      return true
    }
    guard !text.allSatisfy(\.isWhitespace) else { return true }
    if asksToLeave(text) {
      tell("Ctrl-D or :quit leaves")
      return true
    }
    lastInput = text
    guard text.contains("\n") else { return evaluate(text) }
    guard let code = try? compile(text) else { return submitByParts(text) }
    if code.expression == nil, let (statements, expression) = split(text) {
      return evaluate(statements) && evaluate(expression)
    }
    return evaluate(text)
  }

  /// Whether an input is what other prompts are left with, and means nothing here.
  private func asksToLeave(_ text: String) -> Bool {
    let word = text.trimmed.prefix { $0.isLetter }
    return ["exit", "quit"].contains(word) && ["", "()"].contains(text.trimmed.dropFirst(4))
      && locals.rawGet(String(word)).isNil && lua.global(String(word)).isNil
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

  private func submitByParts(_ text: String) -> Bool {
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
      guard evaluate(part), !isLeaving else { return false }
      part = ""
      sizeAtLastParse = 0
      scanner = LuaScanner()
    }
    return true
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
      let numbers = keep(values)
      log.append(
        SessionScript.Entry(
          text, isTouring ? .tour : .typed, expression: code.expression, results: numbers))
      if !code.isSilent { try display(values, first: first) }
      if alwaysTime || time > REPL.worthTelling { print(styled("(\(time.text))", Style.dim)) }
      return true
    } catch {
      let time = ContinuousClock.now - start
      tell(error: error)
      noteFailure(of: text, code, error)
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
    let environment = isTouring ? tourLocals ?? locals : locals
    let shorter = source.withoutFinalSemicolon
    if let chunk = try? lua.load("return " + (shorter ?? text), chunkName: name) {
      chunk.setEnvironment(environment)
      return Code(chunk: chunk, expression: shorter ?? text, isSilent: shorter != nil)
    }
    var chunk = try lua.load(text + "\n", chunkName: name)
    if let rewritten = source.rewritten(.fields(of: REPL.localsName)),
      let persistent = try? lua.load(rewritten, chunkName: name)
    {
      chunk = persistent
    }
    chunk.setEnvironment(environment)
    return Code(chunk: chunk, expression: nil, isSilent: shorter != nil)
  }

  func isIncomplete(_ text: String) -> Bool {
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

  func syntaxError(of text: String) -> any Error {
    do {
      _ = try lua.load(text + "\n", chunkName: "=[\(inputs + 1)]")
      return LuaError("nothing was typed")
    } catch {
      return error
    }
  }

  /// Keeps results as `_` and by number; returns the numbers, nil for what is nil.
  private func keep(_ values: [LuaValue]) -> [Int?] {
    values.map { value in
      locals.rawSet("_", value)
      guard !value.isNil else { return nil }
      results += 1
      locals.rawSet("_\(results)", value)
      if results > REPL.mostResults {
        locals.rawSet("_\(results - REPL.mostResults)", LuaValue.nil)
      }
      return results
    }
  }

  /// Notes several statements of which the first may have worked, as a script will need them.
  private func noteFailure(of text: String, _ code: Code, _ error: any Error) {
    guard !isTouring, code.expression == nil, text.contains("\n") || text.contains(";"),
      (error as? LuaError)?.isInterrupt != true
    else { return }
    log.append(SessionScript.Entry(text, .failed))
  }

  /// Forgets all results.
  package func forgetResults() {
    for number in max(1, results - REPL.mostResults)...max(1, results) {
      locals.rawSet("_\(number)", LuaValue.nil)
    }
    locals.rawSet("_", LuaValue.nil)
  }
}
