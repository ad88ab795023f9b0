import ByteStrings
import CLua
import LuaShim

// What Swift pushes and reads, and what happens when there is no memory or no room for it.

extension Lua {
  /// Makes room for pushes, and for what the C side needs beside them; notes a failure.
  ///
  /// A function that Lua called has room for 40 values, so few pushes need not look at the answer;
  /// those whose number a script decides must. Lua's stack holds a million values in all.
  @discardableResult
  func reserve(_ slots: Int) -> Bool {
    if lua_checkstack(current, Int32(clamping: slots + 4)) != 0 { return true }
    if failure == nil { failure = .stack }
    return false
  }

  /// Notes a failure of a push that the C side reports; returns whether it went well.
  @discardableResult
  func note(_ status: Int32) -> Bool {
    if status == LUA_OK { return true }
    if failure == nil {
      failure = status == LUA_ERRMEM ? .memory : .other
      otherFailure = String(cString: mnemo_failure())
    }
    return false
  }

  /// Whether a push has found no memory.
  ///
  /// The others of the same call need not try: each would collect all garbage first.
  private var isShort: Bool { failure == .memory }

  /// Notes that there is no memory for a value, in place of which nil was pushed.
  func noteNoMemory() { failure = .memory }

  /// - Throws: `LuaError` if a push has failed since somebody was told last.
  func checkPushes() throws {
    guard let failure else { return }
    self.failure = nil
    throw LuaError(message(of: failure))
  }

  /// In Lua's own words.
  func message(of failure: Failure) -> String {
    switch failure {
    case .memory: Lua.noMemory
    case .stack: "stack overflow"
    case .other: otherFailure
    }
  }

  /// - Throws: `LuaError` unless so many bytes could be had, for work that asks for them later
  ///   where nobody could say that there are none.
  public func checkMemory(_ bytes: Int) throws {
    guard bytes > 1 << 20, mnemo_hasmemory(bytes) == 0 else { return }
    throw LuaError(Lua.noMemory)
  }

  /// Pushes the bytes that a string stands for, zeros included.
  func pushString(_ string: String) {
    if isShort { return lua_pushnil(current) }
    string.withBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        _ = note(mnemo_pushstring(current, $0.baseAddress, $0.count))
      }
    }
  }

  /// Pushes a table with room for so many elements and fields; returns whether there was memory.
  @discardableResult
  func pushTable(elements: Int = 0, fields: Int = 0) -> Bool {
    if isShort {
      lua_pushnil(current)
      return false
    }
    return note(mnemo_createtable(current, Int32(clamping: elements), Int32(clamping: fields)))
  }

  /// Pops a value and a key, and sets the field of the table at `index`, without metamethods.
  func rawSet(_ index: Int32) {
    if isShort { return mnemo_pop(current, 2) }
    note(mnemo_rawset(current, index))
  }

  /// Pushes a userdata that holds the object, whose class must have been registered.
  public func push(_ object: AnyObject) {
    if isShort { return lua_pushnil(current) }
    let type = ObjectIdentifier(Swift.type(of: object))
    let entry: ClassEntry
    if let pushedLast, pushedLast.type == type {
      entry = pushedLast.entry
    } else {
      guard let found = classEntry(of: object, type) else {
        preconditionFailure("the class \(Swift.type(of: object)) is not registered with Lua")
      }
      entry = found
      pushedLast = (type, found)
    }
    reserve(6)
    let address = Unmanaged.passUnretained(object).toOpaque()
    if entry.declaration.isIdentified && mnemo_pushidentified(current, address) != 0 { return }
    let held = Unmanaged.passRetained(object)
    let status = mnemo_pushobject(
      current, held.toOpaque(), UInt(bitPattern: type),
      Unmanaged.passUnretained(entry).toOpaque(), entry.metatable,
      entry.declaration.isIdentified ? 1 : 0)
    if note(status) { collectUnderPressure() } else { held.release() }
  }

  /// Pushes a function, which stays until the state closes: for registration, not for loops.
  public func push(_ function: LuaFunction) {
    push(FunctionEntry(self, function, .function))
  }

  func push(_ entry: FunctionEntry) {
    entries.append(entry)
    reserve(3)
    note(mnemo_pushfunction(current, Unmanaged.passUnretained(entry).toOpaque()))
  }

  /// Pops a methods table and pushes the `__index` which asks there first, then the entry.
  func pushIndex(_ entry: FunctionEntry) {
    entries.append(entry)
    reserve(3)
    note(mnemo_pushindex(current, Unmanaged.passUnretained(entry).toOpaque()))
  }

  func popReference() -> LuaReference { LuaReference(poppingFrom: self) }

  /// Reads a value of the current stack without changing it.
  func value(at index: Int32) -> LuaValue {
    let stack = current
    switch lua_type(stack, index) {
    case LUA_TNONE, LUA_TNIL: return .nil
    case LUA_TBOOLEAN: return .boolean(lua_toboolean(stack, index) != 0)
    case LUA_TNUMBER:
      if lua_isinteger(stack, index) != 0 {
        return .integer(Int(lua_tointegerx(stack, index, nil)))
      }
      return .number(lua_tonumberx(stack, index, nil))
    case LUA_TSTRING: return .string(string(at: index))
    case LUA_TTABLE: return .table(reference(at: index))
    case LUA_TFUNCTION: return .function(reference(at: index))
    default:
      if let object = object(at: index) { return .object(object) }
      return .other(reference(at: index), typeName: typeName(at: index))
    }
  }

  func reference(at index: Int32) -> LuaReference {
    reserve(2)
    lua_pushvalue(current, index)
    return popReference()
  }

  /// The string at `index`, which must be one: a number would be converted in place.
  func string(at index: Int32) -> String {
    var length = 0
    guard let bytes = lua_tolstring(current, index, &length) else { return "" }
    return String(bytes: UnsafeRawBufferPointer(start: bytes, count: length))
  }

  func object(at index: Int32) -> AnyObject? {
    guard let raw = mnemo_toblock(current, index)?.pointee.object else { return nil }
    return Unmanaged<AnyObject>.fromOpaque(raw).takeUnretainedValue()
  }

  func object<T>(at index: Int32, as type: T.Type) -> T? {
    guard let block = mnemo_toblock(current, index), let raw = block.pointee.object else {
      return nil
    }
    let object = Unmanaged<AnyObject>.fromOpaque(raw).takeUnretainedValue()
    // The same class needs no cast, which would cost more than the call itself.
    if block.pointee.type == UInt(bitPattern: ObjectIdentifier(type)) {
      return unsafeBitCast(object, to: T.self)
    }
    return object as? T
  }

  /// What a message calls the value: a class's name, or Lua's type name.
  func typeName(at index: Int32) -> String {
    if lua_type(current, index) == LUA_TNONE { return "no value" }
    if let block = mnemo_toblock(current, index), let declaration = block.pointee.declaration {
      let name = Unmanaged<ClassEntry>.fromOpaque(declaration).takeUnretainedValue().name
      return block.pointee.object == nil ? "a closed \(name)" : name
    }
    reserve(2)
    defer { mnemo_pop(current, 1) }
    return mnemo_pushtypename(current, index).map { String(cString: $0) } ?? "?"
  }
}
