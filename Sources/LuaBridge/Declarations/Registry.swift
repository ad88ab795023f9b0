import CLua
import LuaShim

/// The declarations of a module: builds its Lua table, and answers questions about them.
public final class Registry {
  /// The module's functions, without methods, in the order they were added.
  public private(set) var functions: [LuaFunction] = []
  /// The module's classes, in the order they were added.
  public private(set) var classes: [LuaClass] = []

  /// What the tables of functions are about, by name: `data`.
  public private(set) var summaries: [String: String] = [:]
  /// Reads the comments of the module's Lua files; called when they are first needed.
  public var readComments: () -> [LuaComments] = { [] }
  /// What is written in Lua, with its documentation.
  public private(set) lazy var comments = readComments()

  /// An empty registry.
  public init() {}

  /// Adds functions.
  public func add(_ functions: [LuaFunction]) { self.functions += functions }

  /// Adds classes.
  public func add(_ classes: [LuaClass]) { self.classes += classes }

  /// Says what tables of functions are about.
  public func add(_ summaries: [String: String]) {
    self.summaries.merge(summaries) { _, new in new }
  }

  /// Registers the classes with a state and builds the module's table.
  ///
  /// `data.bigram` becomes the field `bigram` of a table `data`. A name that is both a function
  /// and the start of others (`train` and `train.resume`) is an error of ours.
  public func install(in lua: Lua) -> LuaReference {
    for declaration in classes { _ = lua.register(declaration) }
    let stack = lua.current
    let module = lua.newTable()
    for function in functions {
      lua.reserve(6)
      let top = lua_gettop(stack)
      module.push()
      let path = function.name.split(separator: ".").map(String.init)
      for part in path.dropLast() {
        lua.pushString(part)
        if mnemo_rawget(stack, -2) == LUA_TNIL {
          mnemo_pop(stack, 1)
          lua.pushTable()
          lua.pushString(part)
          lua_pushvalue(stack, -2)
          lua.rawSet(-4)
        }
        precondition(
          lua_type(stack, -1) != LUA_TFUNCTION, "\(function.name): \(part) is a function")
      }
      lua.pushString(path.last ?? function.name)
      lua.push(function)
      lua.rawSet(-3)
      lua_settop(stack, top)
    }
    return module
  }

  /// Every function that is no method, those written in Lua last.
  public var allFunctions: [LuaFunction] { functions + comments.flatMap(\.functions) }

  /// Every class, those written in Lua last.
  public var allClasses: [LuaClass] { classes + comments.flatMap(\.classes) }

  /// Every function and method.
  public var all: [LuaFunction] { allFunctions + allClasses.flatMap(\.methods) }

  /// The tables of functions, such as `data`, in the order of their first functions.
  public var tables: [String] {
    var tables: [String] = []
    for function in allFunctions {
      let parts = function.name.split(separator: ".")
      for count in 1..<max(1, parts.count) {
        let table = parts.prefix(count).joined(separator: ".")
        if !tables.contains(table) { tables.append(table) }
      }
    }
    return tables
  }

  /// Every name `help` knows: functions, methods, classes, and the tables between (`data`).
  public var names: [String] {
    let names = all.map(\.name) + allClasses.map(\.name)
    return names + tables.filter { !names.contains($0) }
  }

  /// What a table of the module holds; the module itself is the table without a name.
  public func fields(ofTable name: String) -> [String] {
    let prefix = name.isEmpty ? "" : name + "."
    return (allFunctions.map(\.name) + tables).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count).prefix { $0 != "." }) }
  }

  /// What is to be said about a table of functions.
  public func summary(ofTable name: String) -> String? {
    summaries[name] ?? comments.first { $0.module == name }?.summary
  }

  /// The function or method with this name: `data.bigram`, `Tensor:sum` or `Tensor.sum`.
  public func function(named name: String) -> LuaFunction? {
    allFunctions.first { $0.name == name }
      ?? allClasses.lazy.flatMap(\.methods).first {
        $0.name == name || String($0.name.map { $0 == ":" ? "." : $0 }) == name
      }
  }

  /// The class with this name.
  public func luaClass(named name: String) -> LuaClass? { allClasses.first { $0.name == name } }

  // MARK: Help

  /// The help on a topic: a function, a method, a class, or the functions of a table; the module's
  /// own name, `mnemo`, may stand before it, or alone.
  public func help(_ topic: String) -> String? {
    let name = Registry.name(of: topic)
    guard !name.isEmpty else { return topic.isEmpty ? nil : overview }
    let inside = allFunctions.filter { $0.name.hasPrefix(name + ".") }
    var paragraphs: [String] = []
    if let function = function(named: name) {
      paragraphs.append(function.help)
    } else if let found = luaClass(named: name) {
      paragraphs.append(found.help)
    }
    if !inside.isEmpty, let summary = summary(ofTable: name) {
      paragraphs.append(wrapped(summary, indent: 0).joined(separator: "\n"))
    }
    if !inside.isEmpty { paragraphs.append(inside.map(\.line).joined(separator: "\n")) }
    return paragraphs.isEmpty ? nil : paragraphs.joined(separator: "\n\n")
  }

  /// The declaration of a function that Lua holds, under whatever name.
  ///
  /// A function written in Lua is known by the comment above it, be it the module's or a script's.
  public func function(_ reference: LuaReference, in lua: Lua) -> LuaFunction? {
    if let function = lua.function(of: reference) { return function }
    guard let source = lua.source(of: reference) else { return nil }
    return (comments + [LuaComments(source.text)]).lazy.compactMap { comments in
      comments.path == nil || comments.path == source.path ? comments.byLine[source.line] : nil
    }.first
  }

  /// The help on a Lua value: a function, an object, a name given as a string.
  public func help(_ value: LuaValue, in lua: Lua) -> String? {
    switch value {
    case .function(let reference): return function(reference, in: lua)?.help
    case .object(let object): return lua.luaClass(of: object)?.help
    case .string(let name): return help(name)
    default: return nil
    }
  }

  /// One line for each function and class.
  public var overview: String {
    (allFunctions.map(\.line) + allClasses.map { "\($0.name)  \(firstSentence($0.summary))" })
      .joined(separator: "\n")
  }

  // MARK: Data

  /// Everything that is declared, as a list of tables for programs that write manuals.
  public var records: [LuaRecord] {
    tables.map { table in
      LuaRecord([
        ("kind", "table"), ("name", table), ("summary", summary(ofTable: table) ?? ""),
      ])
    } + allFunctions.map(\.record)
      + allClasses.flatMap { [$0.record] + $0.methods.map(\.record) }
  }
}
