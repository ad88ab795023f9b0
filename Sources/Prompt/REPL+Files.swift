import ByteStrings
import Glibc
import LuaBridge

// Files that are loaded into the session, and the script that it becomes.

extension REPL {
  /// Runs a file and keeps the locals of its outermost block; tells whether it worked.
  ///
  /// Calls are added at its end and before each `return` that read the locals of the frame they are
  /// in; where an error ends it, they are read from the frame of the chunk.
  @discardableResult
  func load(file path: String, arguments: [String] = []) -> Bool {
    do {
      let bytes = try ScriptFile.source(of: path, takesInterrupt: lua.takeInterrupt)
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

  /// Runs a file as one that the script of the session will have.
  func loadAndLog(_ path: String) {
    if load(file: path) { logLoad(path) }
  }

  /// Notes that a file was loaded, as `:save` will write it.
  func logLoad(_ path: String) {
    let real = path.withCBytes({ realpath($0, nil) }).map { pointer in
      defer { free(pointer) }
      return String(cBytes: pointer)
    }
    var text = TextFile.contents(of: path) ?? ""
    if text.hasPrefix("#") { text = "--" + text }
    // A file with an environment of its own can only be called.
    let fits = !LuaText(text).hasName("_ENV")
    log.append(
      SessionScript.Entry(
        fits ? "-- from \(path)\n" + text : "dofile(\"\((real ?? path).escaped)\")", .loaded))
  }

  /// Writes what was typed as a script.
  func save(to path: String) {
    guard !path.isEmpty else {
      tell(":save wants a file")
      return
    }
    guard !log.isEmpty else {
      tell("nothing has been typed yet")
      return
    }
    let script = SessionScript(log) { [lua] text in
      (try? lua.load(text, chunkName: "=")) != nil
    }
    if let reason = Folder.write(script.text, to: path) {
      tell("cannot write \(path): \(reason)")
    } else {
      let count = log.count { $0.origin == .typed || $0.origin == .loaded }
      print("\(count) input\(count == 1 ? "" : "s") written to \(path)")
    }
  }
}
