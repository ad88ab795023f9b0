import CLua
import LuaShim

// Errors on their way between Lua and Swift.

extension Lua {
  /// Pops a traceback and the error value below it.
  func popError() -> LuaError {
    let stack = current
    reserve(4)
    var traceback = lua_type(stack, -1) == LUA_TSTRING ? string(at: -1) : nil
    mnemo_errormessage(stack, -2)
    let message = string(at: -1)
    mnemo_pop(stack, 2)
    // What an interrupt meets in a handler of errors becomes another error.
    let isInterrupt = mnemo_isinterrupt(stack, -1) != 0 || isInterruptInsisted
    if let inner = passedOn {
      inner.value.push()
      if lua_rawequal(stack, -1, -2) != 0 {
        traceback = inner.traceback + (traceback.map { "\n" + $0 } ?? "")
      }
      mnemo_pop(stack, 1)
      passedOn = nil
    }
    return LuaError(
      message: message, traceback: traceback, value: popReference(), isInterrupt: isInterrupt)
  }

  /// Pushes an error for the trampoline to raise; returns what tells it how.
  func pushError(_ error: any Error) -> Int32 {
    reserve(4)
    if error is Stopped { return MNEMO_RAISE_INTERRUPT }
    guard let error = error as? LuaError, let value = error.value else {
      return pushMessage(String(describing: error))
    }
    if let traceback = error.traceback { passedOn = (value, traceback) }
    value.push()
    return MNEMO_RAISE_VALUE
  }

  func pushMessage(_ text: String) -> Int32 {
    failure = nil
    if text == Lua.noMemory { return MNEMO_RAISE_MEMORY }
    pushString(text)
    defer { failure = nil }
    return failure == nil ? MNEMO_RAISE_MESSAGE : MNEMO_RAISE_FAILURE
  }
}
