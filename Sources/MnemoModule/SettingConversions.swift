import LuaBridge
import Settings

// Options that the engine declares, as Lua gives and sees them. Ids of tokens count from 1 there.

extension LuaOption {
  /// The declaration of a setting.
  init(_ setting: Setting) {
    let fallback: Default =
      switch setting.fallback {
      case .required: .required
      case .none: .none
      case .described(let words): .described(words)
      case .value(.list(let values)): .list(values.map { LuaValue($0) ?? .nil })
      case .value(let value): LuaValue(value).map { .value($0) } ?? .none
      }
    self.init(setting.name, LuaType(setting.type), fallback, setting.doc)
  }
}

extension LuaType {
  /// What Lua may give for a setting.
  init(_ type: SettingType) {
    self =
      switch type {
      case .boolean: .boolean
      case .integer, .token: .integer
      case .number: .number
      case .text: .string
      case .choice(let names): .choice(names)
      case .list(let element): .list(LuaType(element))
      case .either(let types): .union(types.map { LuaType($0) })
      case .object(let name): .object(name)
      case .function: .function
      case .table: .table
      }
  }
}

extension LuaValue {
  /// A default; nil for a list, which is no single value.
  fileprivate init?(_ value: SettingValue) {
    switch value {
    case .boolean(let flag): self = .boolean(flag)
    case .integer(let integer): self = .integer(integer)
    case .large(let integer): self = .integer(Int(truncatingIfNeeded: integer))
    // Written as people do: 0 rather than 0.0.
    case .number(let number): self = Int(exactly: number).map { .integer($0) } ?? .number(number)
    case .text(let text): self = .string(text)
    case .list: return nil
    }
  }
}

extension SettingValue: LuaPushable {
  /// Pushes the value; of ids, use ``counted(as:from:)`` before.
  public func push(to lua: Lua) {
    switch self {
    case .boolean(let flag): flag.push(to: lua)
    case .integer(let integer): integer.push(to: lua)
    // Seeds: the same 64 bits.
    case .large(let integer): Int(truncatingIfNeeded: integer).push(to: lua)
    case .number(let number): number.push(to: lua)
    case .text(let text): text.push(to: lua)
    case .list(let values): values.push(to: lua)
    }
  }
}

extension Described {
  /// What was set, as a table with the names of the constructor's options.
  var luaRecord: LuaRecord { LuaRecord(luaSettings) }

  /// What was set, and what it is called.
  var luaRecordWithKind: LuaRecord { LuaRecord(luaSettings + [("kind", kind)]) }

  private var luaSettings: [(String, any LuaPushable)] {
    let declarations = declarations
    return settings.map { name, value in
      let type = declarations.first { $0.name == name }?.type
      return (name, type.map { value.counted(as: $0, by: 1) } ?? value)
    }
  }
}

extension LuaOptions {
  /// The options of a configuration as they were given, the others with their defaults; a seed that
  /// was not given is the session's next.
  func configuration<C: Configuration>(_: C.Type, _ session: ModuleState) throws -> C {
    var result = C()
    for setting in C.declarations {
      guard isGiven(setting.name) else {
        if setting.name == "seed" {
          try set(&result, "seed", .integer(Int(truncatingIfNeeded: session.nextSeed())))
        }
        continue
      }
      if let value = try value(setting.name, setting.type) {
        try set(&result, setting.name, value.counted(as: setting.type, by: -1))
      }
    }
    return result
  }

  private func set<C: Configuration>(
    _ configuration: inout C, _ name: String, _ value: SettingValue
  ) throws {
    do {
      try configuration.set(name, value)
    } catch let error as SettingError {
      throw failure(name, error.reason)
    }
  }

  /// What was given; nil for what is not written down.
  private func value(_ name: String, _ type: SettingType) throws -> SettingValue? {
    switch type {
    case .boolean: return .boolean(try boolean(name))
    case .integer, .token: return .integer(try integer(name))
    case .number: return .number(try number(name))
    case .text, .choice: return .text(try string(name))
    case .list(.integer), .list(.token): return .list(try integers(name).map { .integer($0) })
    case .list(.number): return .list(try numbers(name).map { .number($0) })
    case .list: return .list(try strings(name).map { .text($0) })
    case .either(let types):
      switch value(name) {
      case .integer, .number: return .number(try number(name))
      case .string(let text): return .text(text)
      case .table where types.contains(.list(.integer)): return try value(name, .list(.integer))
      default: return nil
      }
    case .object, .function, .table: return nil
    }
  }
}
