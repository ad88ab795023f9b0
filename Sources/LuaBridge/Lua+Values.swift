import CLua
import LuaShim

extension Lua {
  /// What Swift would push, as a value to pass on: a record becomes a table.
  public func value(of pushable: some LuaPushable) -> LuaValue {
    reserve(2)
    pushable.push(to: self)
    defer { mnemo_pop(current, 1) }
    return value(at: -1)
  }
}

extension LuaError {
  /// The same error with words in front that say where it came from: `probe 'loss': …`.
  ///
  /// An error value that is no string stays as it is, so that a `pcall` further out finds the very
  /// object that was thrown. Interrupts stay too.
  public func labelled(_ label: String, in lua: Lua) -> LuaError {
    guard let value, case .string = value.luaValue, !isInterrupt else { return self }
    let text = "\(label): \(message)"
    lua.reserve(1)
    lua.pushString(text)
    return LuaError(message: text, traceback: traceback, value: lua.popReference())
  }
}

extension LuaReference {
  /// The value itself.
  public var luaValue: LuaValue {
    push()
    defer { mnemo_pop(lua.current, 1) }
    return lua.value(at: -1)
  }
}
