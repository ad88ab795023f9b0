import ByteStrings
import LuaBridge
import LuaEntry
import MnemoModule

/// Opens the module in a state that belongs to the program which loaded the library.
///
/// - Parameters:
///   - thread: The thread that called `require`: the main one or a coroutine.
///   - path: The path of the library, near which its Lua files are.
/// - Returns: 1 with the module on the thread's stack, -1 with a message there.
@_cdecl("mnemo_library_open")
public func openLibrary(_ thread: OpaquePointer, _ path: UnsafePointer<CChar>) -> Int32 {
  let lua = Lua(borrowing: thread)
  return lua.entering(thread) {
    do {
      let scripts = ScriptFolder.find(for: String(cBytes: path))
      let module = try MnemoModule.open(in: lua, scripts: scripts)
      module.table.push()
      return 1
    } catch {
      "mnemo: \(error)".push(to: lua)
      return -1
    }
  }
}
