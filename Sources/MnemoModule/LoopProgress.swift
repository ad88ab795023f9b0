import LuaBridge
import Tensors
import Training

/// The rounds of a loop of one's own: counts them, shows how far it is, and ends it on Ctrl-C.
///
/// It is the function, and the closing value, of a Lua `for`: when the loop ends, however it does,
/// Lua lets go of it.
final class LoopProgress {
  private unowned let lua: Lua
  private let count: Int
  private let text: String
  private var made = 0
  private var isOver = false
  private var line: ProgressLine?
  private let began = ProgressLine.now()
  private let interrupts: Int
  private let isAlone: Bool

  init(_ lua: Lua, _ count: Int, _ text: String) {
    (self.lua, self.count, self.text) = (lua, count, text)
    line = ProgressLine.isTerminal ? ProgressLine() : nil
    interrupts = lua.interruptCount
    isAlone = lua.beginPatience()
  }

  deinit {
    line?.hide()
    lua.endPatience(isAlone)
  }

  /// The number of the next round, from 1; nil if there is none.
  private func next() -> Int? {
    // What runs inside, a training, may have heard it already.
    if lua.isInterruptPending || lua.interruptCount > interrupts {
      _ = lua.takeInterrupt()
      isOver = true
    }
    guard !isOver, made < count else {
      line?.hide()
      return nil
    }
    show()
    made += 1
    return made
  }

  private func show() {
    let now = ProgressLine.now()
    guard made > 0, line?.isDue(at: now) == true else { return }
    let speed = Double(made) / max(now - began, 1e-9)
    let words = [
      (text.isEmpty ? "" : text + " ") + "\(made)/\(count)",
      "\(ProgressLine.short(speed))/s",
      "\(ProgressLine.duration(Double(count - made) / speed)) left",
    ]
    line?.show(Double(made) / Double(count), words, at: now)
  }

  static var declaration: LuaClass {
    LuaClass(
      "Progress", for: LoopProgress.self,
      "The rounds of a loop, for the for that mnemo.progress is in.",
      isIdentified: true,
      metamethods: [
        "__call": { call in call.returns(try call.object(1, LoopProgress.self).next()) }
      ])
  }

  static var functions: [LuaFunction] {
    [progress]
  }

  private static var progress: LuaFunction {
    LuaFunction(
      "progress",
      "The numbers 1 to n for a loop, with a bar on the terminal as mnemo.train's: for step in "
        + "mnemo.progress(100, \"fitting\") do … end. Ctrl-C ends the loop after its round, and the "
        + "script goes on behind it; a second one ends the script at once.",
      parameters: [
        LuaParameter("n", .integer, "how many rounds"),
        LuaParameter("text", .string, "what the bar says first", default: "nothing"),
      ],
      returns: [
        LuaResult(.object("Progress"), "called for each number"),
        LuaResult(.any, "what a for wants beside it", optional: true, variadic: true),
      ],
      example: """
        local sum = 0
        for i in mnemo.progress(10, "adding") do sum = sum + i end
        print(sum)
        """
    ) { call in
      let n = try call.integer(1)
      guard n >= 0 else { throw call.failure(1, "0 or more expected, got \(n)") }
      let loop = LoopProgress(call.lua, n, try call.optionalString(2) ?? "")
      return call.returns(LuaObject(loop), LuaValue.nil, LuaValue.nil, LuaObject(loop))
    }
  }
}
