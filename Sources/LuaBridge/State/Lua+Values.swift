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

extension Lua {
  /// The integers of a list, read without metamethods.
  /// - Throws: `BadArgument` if an element is none.
  public func integers(in list: LuaReference) throws -> [Int] {
    guard let reader = list.table else { return [] }
    let holder = ListHolder(reader: reader)
    return try holder.integers(())
  }

  /// A list as the only value of a reader, for its typed getters.
  private struct ListHolder: LuaReader {
    let reader: TableReader
    var lua: Lua { reader.lua }

    func withValue<R>(at key: Void, _ body: (Int32) throws -> R) rethrows -> R {
      lua.reserve(2)
      reader.reference.push()
      defer { mnemo_pop(lua.current, 1) }
      return try body(lua_gettop(lua.current))
    }

    func failure(_ key: Void, _ reason: String) -> BadArgument {
      BadArgument(description: "bad list (\(reason))")
    }

    func declaredType(of key: Void) -> LuaType? { nil }
  }

  /// The userdata of an object, held so that it stays while Swift works with the object.
  public func reference(to object: AnyObject) -> LuaReference {
    push(object)
    return popReference()
  }

  /// Keeps a Lua value in the userdata of an object whose class is identified.
  ///
  /// The userdata is what keeps it alive, so a closure that can reach the object again is collected
  /// together with it; a `LuaReference` in the object would keep both for ever.
  public func setUserValue(of object: AnyObject, _ value: some LuaPushable) {
    reserve(4)
    push(object)
    value.push(to: self)
    _ = mnemo_setuservalue(current, -2)
    mnemo_pop(current, 1)
  }

  /// The Lua value kept in the object's userdata; nil if there is none.
  public func userValue(of object: AnyObject) -> LuaValue {
    reserve(4)
    push(object)
    mnemo_pushuservalue(current, -1)
    defer { mnemo_pop(current, 2) }
    return value(at: -1)
  }
}

extension LuaError {
  /// The same error with words in front that say where it came from: `probe 'loss': …`.
  ///
  /// An error value that is no string stays as it is, so that a `pcall` further out finds the very
  /// object that was thrown.
  public func labelled(_ label: String, in lua: Lua) -> LuaError {
    guard let value, case .string = value.luaValue else { return self }
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
