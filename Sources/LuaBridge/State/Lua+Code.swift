import ByteStrings
import CLua
import LuaShim

// Chunks of Lua, and the globals they see.

extension Lua {
  /// Compiles a chunk of text; bytecode is refused.
  ///
  /// - Parameters:
  ///   - text: Lua source.
  ///   - chunkName: As Lua wants it: `@script.lua` for a file, `=stdin` for a bare name.
  /// - Returns: The chunk as a function.
  /// - Throws: `LuaError` with the compiler's message.
  public func load(_ text: String, chunkName: String) throws -> LuaReference {
    try load(bytes: text.bytes, chunkName: chunkName)
  }

  /// Compiles a chunk given as bytes, which need not be UTF-8; bytecode is refused.
  public func load(bytes: [UInt8], chunkName: String) throws -> LuaReference {
    reserve(4)
    let status = bytes.withUnsafeBytes { buffer in
      chunkName.withCBytes {
        mnemo_load(
          current, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, $0)
      }
    }
    guard status == LUA_OK else {
      lua_pushnil(current)
      throw popError()
    }
    return popReference()
  }

  /// Runs a compiled chunk and returns its results, with a traceback in what it throws.
  @discardableResult
  public func run(_ chunk: LuaReference, _ arguments: [LuaValue] = []) throws -> [LuaValue] {
    try chunk.invoke(arguments, results: nil)
  }

  /// Runs a chunk; `witness` is called where an error is raised, with all frames still there.
  ///
  /// It is called for errors of callbacks inside, too, which may be caught further out.
  @discardableResult
  public func run(
    _ chunk: LuaReference, _ arguments: [LuaValue], witness: LuaReference
  ) throws -> [LuaValue] {
    reserve(1)
    witness.push()
    note(mnemo_setwitness(current))
    defer {
      lua_pushnil(current)
      note(mnemo_setwitness(current))
    }
    return try run(chunk, arguments)
  }

  /// Compiles and runs a piece of text.
  @discardableResult
  public func run(_ text: String, chunkName: String = "=(run)") throws -> [LuaValue] {
    try run(load(text, chunkName: chunkName))
  }

  /// Sets a global variable, past any metatable of the global table.
  public func setGlobal(_ name: String, _ value: some LuaPushable) {
    reserve(4)
    mnemo_pushglobals(current)
    pushString(name)
    value.push(to: self)
    rawSet(-3)
    mnemo_pop(current, 1)
  }

  /// Reads a global variable, past any metatable of the global table.
  public func global(_ name: String) -> LuaValue {
    reserve(4)
    mnemo_pushglobals(current)
    pushString(name)
    _ = mnemo_rawget(current, -2)
    let value = value(at: -1)
    mnemo_pop(current, 2)
    return value
  }

  /// Sets `package.loaded[name]`, so that `require(name)` returns the value.
  public func setLoaded(_ name: String, _ value: some LuaPushable) {
    guard case .table(let package) = global("package"),
      case .table(let loaded)? = try? package.field("loaded")
    else { return }
    reserve(4)
    loaded.push()
    pushString(name)
    value.push(to: self)
    rawSet(-3)
    mnemo_pop(current, 1)
  }

  /// A new empty table.
  public func newTable() -> LuaReference {
    reserve(2)
    pushTable()
    return popReference()
  }
}
