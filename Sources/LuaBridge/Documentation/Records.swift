// Declarations as tables, for programs in Lua that write manuals.

extension LuaFunction {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("kind", isMethod ? "method" : "function"), ("name", name), ("signature", signature),
      ("summary", summary), ("parameters", parameters.map(\.record)),
      ("options", options?.map(\.record)), ("returns", returns.map(\.record)), ("example", example),
    ])
  }
}

extension LuaParameter {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("name", name), ("type", type.record), ("doc", sentence(doc)),
      ("optional", isOptional), ("variadic", isVariadic), ("default", defaultText),
    ])
  }
}

extension LuaOption {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("name", name), ("type", type.record), ("doc", sentence(doc)),
      ("optional", !isRequired), ("variadic", false), ("default", defaultText),
    ])
  }
}

extension LuaResult {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("name", name), ("type", type.record), ("doc", doc), ("optional", isOptional),
      ("variadic", isVariadic),
    ])
  }
}

extension LuaType {
  /// The type as a table: its kind, what it is made of, and the words for it.
  public var record: LuaRecord {
    let parts: [(String, any LuaPushable)]
    switch self {
    case .choice(let names): parts = [("kind", "choice"), ("choices", names)]
    case .list(let element): parts = [("kind", "list"), ("of", element.record)]
    case .object(let name): parts = [("kind", "object"), ("class", name)]
    case .union(let types): parts = [("kind", "union"), ("of", types.map(\.record))]
    case .any: parts = [("kind", "any")]
    case .boolean, .integer, .number, .string, .table, .function: parts = [("kind", description)]
    }
    return LuaRecord(parts + [("words", description)])
  }
}

extension LuaClass {
  /// The declaration as a table, without the methods.
  var record: LuaRecord {
    LuaRecord([
      ("kind", "class"), ("name", name), ("summary", summary), ("fields", fields.map(\.record)),
      ("operators", metamethods.map { String($0.name.dropFirst(2)) }),
    ])
  }
}
