import CLua
import LuaShim

// Access without metamethods, which may be anybody's code.

extension LuaReference {
  /// Makes a table the environment of a compiled chunk: what its global names mean.
  public func setEnvironment(_ environment: LuaReference) {
    let stack = lua.current
    lua.reserve(2)
    push()
    environment.push()
    // The first upvalue of a chunk is _ENV.
    if lua_setupvalue(stack, -2, 1) == nil { mnemo_pop(stack, 1) }
    mnemo_pop(stack, 1)
  }

  /// Sets a field of a table.
  public func rawSet(_ key: some LuaPushable, _ value: some LuaPushable) {
    lua.reserve(6)
    push()
    key.push(to: lua)
    value.push(to: lua)
    lua.rawSet(-3)
    mnemo_pop(lua.current, 1)
  }

  /// Reads a field of a table.
  public func rawGet(_ key: some LuaPushable) -> LuaValue {
    lua.reserve(4)
    push()
    key.push(to: lua)
    _ = mnemo_rawget(lua.current, -2)
    defer { mnemo_pop(lua.current, 2) }
    return lua.value(at: -1)
  }
}
