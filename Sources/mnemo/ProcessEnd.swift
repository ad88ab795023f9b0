import Glibc
import LuaBridge

/// What the command does last, however it ends.
enum ProcessEnd {
  /// Has ``finish()`` called at the end, also when a script calls `os.exit`.
  static func prepare() { atexit { ProcessEnd.finish() } }

  /// Writes out what was printed, and ends with the signal that asked for the end.
  ///
  /// Output that is lost is an error: whoever reads it would take what there is for all.
  private static func finish() {
    errno = 0
    let isWritten = Lua.writeOutput()
    let reason = errno == 0 ? "" : ": \(String(cString: strerror(errno)))"
    Lua.endWithSignal()
    if isWritten { return }
    ScriptRunner.tell("standard output cannot be written\(reason)")
    _exit(1)
  }
}
