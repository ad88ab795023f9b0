import CLua
import LuaShim

/// A Lua value held by Swift, kept alive in the registry until the reference goes.
///
/// Use it, and let it go, on the thread of its state. A Swift object that is itself held by Lua
/// and keeps a reference to a closure which can reach that object is a cycle no collector sees;
/// keep such a closure in the userdata's user value instead (`LuaCall.setUserValue`).
public final class LuaReference {
  /// The state the value lives in.
  public let lua: Lua
  private let reference: Int32

  init(poppingFrom lua: Lua) {
    self.lua = lua
    var reference: Int32 = 0
    lua.reserve(2)
    lua.note(mnemo_ref(lua.current, &reference))
    self.reference = reference
  }

  deinit {
    guard !lua.isClosed else { return }
    lua.reserve(3)
    mnemo_unref(lua.current, reference)
  }

  /// Pushes the value on the current thread's stack.
  public func push() {
    precondition(!lua.isClosed, "a Lua value was used after its state closed")
    lua.reserve(2)
    mnemo_pushregistry(lua.current, reference)
  }

  /// Calls the value.
  ///
  /// - Parameters:
  ///   - arguments: What it is called with.
  ///   - label: What messages and `Lua.currentCallback` call it meanwhile, such as `probe 'loss'`.
  ///   - results: How many results to return; without it, all.
  /// - Returns: The results.
  /// - Throws: `LuaError` with the error value and a traceback.
  @discardableResult
  public func call(
    _ arguments: [LuaValue] = [], label: String? = nil, results: Int? = nil
  ) throws -> [LuaValue] {
    try lua.withinCallback(label) { try invoke(arguments, results: results) }
  }

  /// Calls the method `name` of the value: `value:name(arguments…)`.
  @discardableResult
  public func call(
    method name: String, _ arguments: [LuaValue] = [], label: String? = nil
  ) throws -> [LuaValue] {
    guard case .function(let method) = try field(name) else {
      throw BadArgument(description: "attempt to call a missing method '\(name)'")
    }
    return try method.call([LuaValue.reference(self)] + arguments, label: label)
  }

  func invoke(_ arguments: [LuaValue], results: Int?) throws -> [LuaValue] {
    guard !lua.isClosed else { throw BadArgument(description: "the Lua state is closed") }
    let stack = lua.current
    let top = lua_gettop(stack)
    if lua.reserve(arguments.count + 4) {
      push()
      for argument in arguments { argument.push(to: lua) }
    }
    do {
      try lua.checkPushes()
    } catch {
      lua_settop(stack, top)
      throw error
    }
    let wanted = results.map(Int32.init) ?? mnemo_multret()
    guard mnemo_call(stack, Int32(arguments.count), wanted) == LUA_OK else { throw lua.popError() }
    defer { lua_settop(stack, top) }
    let values = (top..<lua_gettop(stack)).map { lua.value(at: $0 + 1) }
    try lua.checkPushes()
    return values
  }

  /// Reads `value[key]`, metamethods included.
  public func field(_ key: some LuaPushable) throws -> LuaValue {
    lua.reserve(4)
    push()
    key.push(to: lua)
    guard mnemo_get(lua.current) == LUA_OK else { throw lua.popError() }
    defer { mnemo_pop(lua.current, 1) }
    return lua.value(at: -1)
  }

  /// Sets `value[key]`, metamethods included.
  public func setField(_ key: some LuaPushable, _ value: some LuaPushable) throws {
    lua.reserve(5)
    push()
    key.push(to: lua)
    value.push(to: lua)
    guard mnemo_set(lua.current) == LUA_OK else { throw lua.popError() }
  }

  /// What `tostring` gives; never throws, an error in `__tostring` is told in the text.
  public var text: String {
    lua.reserve(4)
    push()
    mnemo_tostring(lua.current, -1)
    defer { mnemo_pop(lua.current, 2) }
    return lua.string(at: -1)
  }

  /// Whether the value's metatable says how it is written.
  var hasText: Bool {
    lua.reserve(3)
    push()
    defer { mnemo_pop(lua.current, 1) }
    return mnemo_hasmetafield(lua.current, -1, "__tostring") != 0
  }

  /// A reader of the table's fields; `nil` if the value is no table.
  public var table: TableReader? {
    push()
    defer { mnemo_pop(lua.current, 1) }
    guard lua_type(lua.current, -1) == LUA_TTABLE else { return nil }
    return TableReader(self, path: "") { BadArgument(description: "bad table (\($0))") }
  }
}

extension LuaReference: LuaPushable {
  /// Pushes the value on the current thread's stack.
  public func push(to lua: Lua) { push() }
}

extension LuaReference: Equatable {
  /// Whether both hold the same Lua value (as `rawequal`).
  public static func == (a: LuaReference, b: LuaReference) -> Bool {
    guard a !== b else { return true }
    guard a.lua === b.lua else { return false }
    a.push()
    b.push()
    defer { mnemo_pop(a.lua.current, 2) }
    return lua_rawequal(a.lua.current, -1, -2) != 0
  }
}
