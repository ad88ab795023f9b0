import Glibc
import LuaBridge

// The guide that `:tour` opens: `lua/mnemo/prompt/guide.lua`, a list of steps.

extension REPL {
  /// Walks through the guide, from where it was left: Enter runs a step, anything else leaves it.
  ///
  /// - Parameter anew: Whether it begins at the first step.
  func tour(anew: Bool) {
    guard case .function(let require) = lua.global("require"),
      case .table(let steps)? = try? require.call([.string("mnemo.prompt.guide")]).first,
      let count = steps.table?.count
    else {
      tell("the guide, lua/mnemo/prompt/guide.lua, was not found")
      return
    }
    if anew || tourLocals == nil {
      tourSteps = 0
      tourLocals = try? REPL.environment(in: lua, keepsGlobals: true)
    }
    while tourSteps < count {
      guard let step = steps.rawGet(tourSteps + 1).asTable?.reference, take(step, of: count)
      else { return }
      tourSteps += 1
      if isLeaving { return }
    }
    tourLocals = nil
    print(
      """

      That was the tour. Its variables were its own; what it showed is in _1, _2 … ? lists what the
      prompt can do, examples/ has whole experiments.
      """)
  }

  /// Shows the next step and runs it; tells whether the tour goes on.
  private func take(_ step: LuaReference, of count: Int) -> Bool {
    guard let title = step.rawGet("title").asString, let text = step.rawGet("text").asString,
      let code = step.rawGet("code").asString
    else { return false }
    print(styled("\n\(tourSteps + 1) of \(count) · \(title)", Style.bold))
    print(text.trimmed + "\n")
    print(
      code.trimmed.split(separator: "\n", omittingEmptySubsequences: false)
        .map { "    " + $0 }.joined(separator: "\n"))
    guard
      case .text(let answer) = editor.read(
        prompt: "Enter runs it, q leaves: ", colour: options.usesColour ? Style.dim : nil),
      answer.allSatisfy(\.isWhitespace)
    else {
      print("The tour goes on with this step whenever you say :tour; :tour again begins anew.")
      return false
    }
    if isatty(STDIN_FILENO) == 0 { print() }
    isTouring = true
    defer { isTouring = false }
    return submit(code.trimmed)
  }
}
