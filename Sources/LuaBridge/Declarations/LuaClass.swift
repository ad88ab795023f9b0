import CLua
import LuaShim

/// A Swift class as Lua sees it: its methods, operators and documentation.
///
/// An object is pushed under the class registered for its dynamic type; else under the last
/// registered class it belongs to, so a superclass or a protocol can serve many types.
public struct LuaClass {
  /// The name in messages, documentation and `tostring`.
  public let name: String
  /// What its objects are, in one paragraph.
  public let summary: String
  /// The methods, named `Class:method`.
  public let methods: [LuaFunction]
  /// The fields that `index` answers, for the documentation.
  public let fields: [LuaParameter]
  /// The Swift type.
  public let type: ObjectIdentifier

  let isConcrete: Bool
  let isIdentified: Bool
  let matches: (AnyObject) -> Bool
  let metamethods: [(name: String, body: LuaFunction.Body)]
  let index: LuaFunction.Body?
  let newindex: LuaFunction.Body?

  /// Declares a class.
  ///
  /// - Parameters:
  ///   - name: The name Lua knows it by.
  ///   - type: A Swift class, or a protocol that classes conform to.
  ///   - summary: What its objects are.
  ///   - isIdentified: Whether one object is always the same userdata, so that a Lua value kept in
  ///     it (`Lua.setUserValue(of:_:)`) is found again. Costs a look-up at every push.
  ///   - methods: Named `sum` or `Tensor:sum`.
  ///   - fields: What `index` answers, for the documentation.
  ///   - metamethods: By name: `__add`, `__tostring`, `__call` …
  ///   - index: Answers `object[key]` where `key` is no method. Without it, access to what is no
  ///     method gives `nil`, and methods are found a little faster.
  ///   - newindex: Serves `object[key] = value`; without it, that is an error.
  public init<T>(
    _ name: String, for type: T.Type, _ summary: String, isIdentified: Bool = false,
    methods: [LuaFunction] = [],
    fields: [LuaParameter] = [], metamethods: KeyValuePairs<String, LuaFunction.Body> = [:],
    index: LuaFunction.Body? = nil, newindex: LuaFunction.Body? = nil
  ) {
    self.name = name
    self.summary = summary
    self.methods = methods.map { method in
      var method = method
      method.name = name + ":" + method.shortName
      return method
    }
    self.fields = fields
    self.type = ObjectIdentifier(type)
    isConcrete = type is AnyClass
    self.isIdentified = isIdentified
    matches = { $0 is T }
    self.metamethods = metamethods.map { ($0.key, $0.value) }
    self.index = index
    self.newindex = newindex
  }
}

/// A class as one state holds it.
final class ClassEntry {
  // The state's Lua owns the entry and outlives the userdata that point to it.
  unowned(unsafe) let lua: Lua
  let declaration: LuaClass
  let methods: LuaReference
  /// The metatable's place in the registry, where it stays as long as the state.
  let metatable: Int32

  var name: String { declaration.name }

  init(_ lua: Lua, _ declaration: LuaClass) {
    self.lua = lua
    self.declaration = declaration
    lua.reserve(8)

    lua.pushTable(fields: declaration.methods.count)
    for method in declaration.methods {
      lua.pushString(method.shortName)
      lua.push(FunctionEntry(lua, method, .method))
      lua.rawSet(-3)
    }
    methods = lua.popReference()
    metatable = ClassEntry.makeMetatable(lua, declaration, methods)
  }

  private static func makeMetatable(
    _ lua: Lua, _ declaration: LuaClass, _ methods: LuaReference
  ) -> Int32 {
    let stack = lua.current
    lua.pushTable(fields: declaration.metamethods.count + 8)
    func set(_ name: String, _ push: () -> Void) {
      lua.pushString(name)
      push()
      lua.rawSet(-3)
    }
    func metamethod(_ name: String, _ body: @escaping LuaFunction.Body) -> FunctionEntry {
      FunctionEntry(
        lua, LuaFunction("\(declaration.name):\(name)", "", body: body), .metamethod)
    }
    set("__name") { lua.pushString(declaration.name) }
    // What getmetatable answers, so that scripts cannot change the table by accident.
    set("__metatable") { lua.pushString(declaration.name) }
    set("__eq") { mnemo_pushidentity(stack) }
    for (name, body) in declaration.metamethods {
      set(name) { lua.push(metamethod(name, body)) }
    }
    set("__index") {
      methods.push()
      if let index = declaration.index { lua.pushIndex(metamethod("__index", index)) }
    }
    if let newindex = declaration.newindex {
      set("__newindex") { lua.push(metamethod("__newindex", newindex)) }
    }
    set("__gc") { mnemo_pushrelease(stack) }
    set("__close") { mnemo_pushrelease(stack) }
    var reference: Int32 = 0
    lua.note(mnemo_ref(stack, &reference))
    return reference
  }
}
