import Glibc
import LuaBridge

// The guide that `:tour` opens: `lua/mnemo/prompt/guide.lua`, a list of steps.

extension REPL {
  /// Walks through the guide: Enter runs a step, anything else leaves it.
  func tour() {
    guard case .function(let require) = lua.global("require"),
      case .table(let steps)? = try? require.call([.string("mnemo.prompt.guide")]).first,
      let count = steps.table?.count
    else {
      tell("the guide, lua/mnemo/prompt/guide.lua, was not found")
      return
    }
    for number in 1..<(count + 1) {
      guard let step = steps.rawGet(number).asTable?.reference,
        let title = step.rawGet("title").asString, let text = step.rawGet("text").asString,
        let code = step.rawGet("code").asString
      else { continue }
      print(styled("\n\(number) of \(count) · \(title)", Style.bold))
      print(text.trimmed + "\n")
      print(
        code.trimmed.split(separator: "\n", omittingEmptySubsequences: false)
          .map { "    " + $0 }.joined(separator: "\n"))
      switch editor.read(
        prompt: "Enter runs it, q leaves: ", colour: options.usesColour ? Style.dim : nil)
      {
      case .text(let answer) where answer.allSatisfy(\.isWhitespace): break
      default:
        print("The tour goes on whenever you say :tour.")
        return
      }
      if isatty(STDIN_FILENO) == 0 { print() }
      submit(code.trimmed)
      if isLeaving { return }
    }
    print("\nThat was the tour. ? lists what the prompt can do, examples/ has whole experiments.")
  }
}
