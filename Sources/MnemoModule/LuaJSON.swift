import JSONText
import LuaBridge
import Tensors

// JSON as Lua gives and sees it: NaN, which Lua can hold in a table, stands for null.

extension JSON {
  /// What a Lua value is as JSON; `path` is how messages name it.
  ///
  /// What is exact is to be found again: NaN and infinity are refused.
  /// - Throws: `EngineError` that names the part which cannot be written.
  init(_ value: LuaValue, _ path: String, isExact: Bool, depth: Int = 0) throws {
    func fail(_ reason: String) -> EngineError {
      EngineError(path, "\(reason) cannot be written as JSON")
    }
    switch value {
    case .boolean(let flag): self = .boolean(flag)
    case .integer(let integer): self = .integer(integer)
    case .number(let number):
      guard number.isFinite || !isExact else { throw fail(number.isNaN ? "nan" : "\(number)") }
      self = .number(number)
    case .string(let text): self = .text(text)
    case .table(let reference):
      guard depth < 50 else { throw fail("a table nested more than 50 deep") }
      guard let entries = try reference.table?.entries() else { throw fail("a table") }
      if entries.enumerated().allSatisfy({ $1.key.asInteger == $0 + 1 }) {
        self = .list(
          try entries.enumerated().map {
            try JSON($1.value, "\(path)[\($0 + 1)]", isExact: isExact, depth: depth + 1)
          })
      } else {
        self = .object(
          try entries.map { key, value in
            guard let name = key.asString else {
              throw fail("a table that is no list and has the key \(key)")
            }
            return (name, try JSON(value, "\(path).\(name)", isExact: isExact, depth: depth + 1))
          })
      }
    case .object(let object):
      let name = value.typeName
      throw fail("a \(name)" + (object is Tensor ? " (item() and totable() give numbers)" : ""))
    default: throw fail("a \(value.typeName)")
    }
  }
}

extension JSON: LuaPushable {
  /// Pushes the value: null as NaN, an object as a table with names.
  public func push(to lua: Lua) {
    switch self {
    case .null: Double.nan.push(to: lua)
    case .boolean(let flag): flag.push(to: lua)
    case .integer(let integer): integer.push(to: lua)
    case .number(let number): number.push(to: lua)
    case .text(let text): text.push(to: lua)
    case .list(let values): values.push(to: lua)
    case .object(let fields): LuaRecord(fields.map { ($0.name, $0.value) }).push(to: lua)
    }
  }
}
