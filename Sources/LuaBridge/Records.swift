// Declarations as tables, for programs in Lua that write manuals.

extension Function {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("kind", isMethod ? "method" : "function"), ("name", name), ("signature", signature),
      ("summary", summary), ("parameters", parameters.map(\.record)),
      ("options", options?.map(\.record)), ("returns", returns), ("example", example),
    ])
  }
}

extension Parameter {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("name", name), ("type", type.description), ("doc", sentence(doc)),
      ("optional", isOptional), ("variadic", isVariadic), ("default", defaultText),
    ])
  }
}

extension Option {
  /// The declaration as a table.
  var record: LuaRecord {
    LuaRecord([
      ("name", name), ("type", type.description), ("doc", sentence(doc)),
      ("optional", !isRequired), ("variadic", false), ("default", defaultText),
    ])
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
