import ArgumentParser
import ByteStrings
import Glibc
import LuaBridge
import Prompt
import Tensors

/// Lua code as the command runs it: statements and scripts.
struct ScriptRunner {
  private let lua: Lua

  init(_ lua: Lua) { self.lua = lua }

  /// Sets `mnemo` and `arg`, has `require` look beside the script first, and keeps `os.exit` from
  /// ending the process in the middle of a callback, where a training run would be lost.
  func prepare(script: [String]) throws {
    try guarded {
      let chunk = try lua.load(ScriptRunner.preparation, chunkName: "=(mnemo)")
      // arg[0] is the script, arg[1]… its arguments, as in lua(1).
      let names: [LuaValue] = [.string(script.first ?? "mnemo")]
      let engine = Registry()
      engine.add([
        LuaFunction("callback", "The label of the callback that is running.") { call in
          let isInside = call.lua.callbackDepth > 0
          return call.returns(isInside ? call.lua.currentCallback ?? "a callback" : nil)
        }
      ])
      let folder = LuaValue.string(script.first.map(ScriptRunner.folder) ?? "")
      let results = try lua.run(chunk, [folder] + names + script.dropFirst().map { .string($0) })
      guard case .function(let guardExit)? = results.first else { return }
      try guardExit.call([.table(engine.install(in: lua))])
    }
  }

  private static let preparation = """
    mnemo = require "mnemo"
    local names = { select(2, ...) }
    arg = { [0] = names[1], table.unpack(names, 2) }
    local beside = ...
    if beside ~= "" then
      package.path = ("%s?.lua;%s?/init.lua;%s"):format(beside, beside, package.path)
    end
    return function(engine)
      local exit = os.exit
      function os.exit(...)
        local callback = engine.callback()
        if callback then
          error("os.exit inside " .. callback .. ": the run would be lost; raise an error to end it", 2)
        end
        exit(...)
      end
    end
    """

  /// What the names of files beside a script begin with; nothing for standard input, nor where
  /// `package.path` cannot say it.
  private static func folder(of script: String) -> String {
    if script == "-" || script.contains(where: { $0 == ";" || $0 == "?" }) { return "" }
    return script.lastIndex(of: "/").map { String(script[...$0]) } ?? "./"
  }

  /// Requires a module and makes it a global, as `-l`.
  func require(_ name: String) throws {
    try guarded {
      guard case .function(let require) = lua.global("require") else { return }
      let module = try require.call([.string(name)])
      lua.setGlobal(name, module.first ?? .nil)
    }
  }

  /// Runs a statement.
  func run(_ text: String, name: String) throws {
    try guarded { try lua.run(lua.load(text, chunkName: name)) }
  }

  /// Runs a file, or standard input if it is called `-`.
  func run(file path: String, arguments: [String]) throws {
    try guarded {
      let name = path == "-" ? "=stdin" : "@" + path
      let source = try ScriptFile.source(of: path, takesInterrupt: lua.takeInterrupt)
      let chunk = try lua.load(bytes: source, chunkName: name)
      try lua.run(chunk, arguments.map { .string($0) })
    }
  }

  private func guarded(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw ScriptRunner.fail(error)
    }
  }

  /// Tells an error on standard error and returns the exit status that goes with it.
  static func fail(_ error: any Error) -> ExitCode {
    if let signal = Lua.endingSignal {
      // A reader that has gone wants to hear nothing.
      if signal != SIGPIPE { tell("ended by \(signal == SIGHUP ? "SIGHUP" : "SIGTERM")") }
      return ExitCode(128 + signal)
    }
    if (error as? LuaError)?.isInterrupt == true || error is Stopped {
      tell("interrupted")
      return ExitCode(130)
    }
    tell(error)
    return .failure
  }

  private static func tell(_ error: any Error) {
    tell((error as? LuaError)?.report ?? "\(error)")
  }

  /// Writes a message on standard error, after what standard output still held.
  static func tell(_ text: String) {
    fflush(nil)
    var line = "mnemo: \(text.harmless)\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
