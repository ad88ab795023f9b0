/// The declarations in a Lua file's own comments, so that functions written in Lua are documented
/// beside those written in Swift.
///
/// A comment that starts with three dashes documents what stands below it:
///
/// ```lua
/// --- Tells how much of an associative memory comes back.
/// -- @tparam Tensor W the memory [d_out, d_in]
/// -- @tparam[opt] Tensor weights how much each counts; equal without it
/// -- @tparam[opt=1] number options.power a field of the option table
/// -- @treturn number from 0 to 1
/// -- @usage print(probes.recall(W, U, V))
/// function probes.recall(W, U, V, weights, options)
/// ```
///
/// The file's first comment is about the file. `@type Figure` above `local figure = {}` declares a
/// class whose methods are the functions `figure:…`; `@function arguments` gives a local function
/// the name under which it is public. Other local functions are the file's own affair.
public struct LuaComments {
  /// Where the file is; nil for a text from elsewhere.
  public let path: String?
  /// The table that the file belongs to: `probes`; nil if it belongs to none.
  public let module: String?
  /// The variable that the file returns.
  public let table: String?
  /// What the file is about.
  public private(set) var summary = ""
  /// The public functions, named from the module on: `probes.recall`.
  public private(set) var functions: [LuaFunction] = []
  /// The classes with their methods.
  public private(set) var classes: [LuaClass] = []
  /// Every commented function by the line it is defined in, local ones too.
  public private(set) var byLine: [Int: LuaFunction] = [:]

  /// A Swift type for classes that have none.
  private final class WrittenInLua {}

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - text: The file's text.
  ///   - path: Where it was read from.
  ///   - module: What the module is called: `probes`. Without it, functions keep the names they
  ///     have in the file, and none is public.
  public init(_ text: String, path: String? = nil, module: String? = nil) {
    self.path = path
    self.module = module
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let table = LuaComments.returned(by: lines)
    self.table = table
    var types: [(variable: String, name: String, summary: String)] = []
    var methods: [String: [LuaFunction]] = [:]
    var block = Block()
    var isFirst = true
    for (index, line) in lines.enumerated() {
      let begins = line.hasPrefix("---")
      if begins || !block.isEmpty, line.hasPrefix("--"), !line.hasPrefix("----") {
        // Some write three dashes before every line.
        block.add(line.dropFirst(begins ? 3 : 2))
        continue
      }
      defer { if !line.hasPrefix("--") { block = Block() } }
      if isFirst, !block.isEmpty {
        isFirst = false
        if LuaComments.definition(line) == nil {
          summary = block.summary
          continue
        }
      }
      if let type = block.type, let variable = LuaComments.assigned(in: line) {
        types.append((variable, type, block.summary))
        continue
      }
      guard let (written, names) = LuaComments.definition(line) else { continue }
      let isLocal = line.hasPrefix("local ")
      var name = block.function ?? written
      var isPublic = module != nil && (!isLocal || block.function != nil)
      if let module, let table, name == table || name.hasPrefix(table + ".") {
        name = module + name.dropFirst(table.count)
      } else if let (variable, type, _) = types.first(where: { name.hasPrefix($0.variable + ":") })
      {
        name = type + name.dropFirst(variable.count)
      } else if block.function == nil, module != nil {
        // A method of a table that the file keeps to itself.
        isPublic = false
      }
      let function = block.declaration(name, arguments: names)
      if !block.isEmpty { byLine[index + 1] = function }
      guard isPublic, !function.shortName.hasPrefix("__") else { continue }
      if let type = types.first(where: { name.hasPrefix($0.name + ":") }) {
        methods[type.name, default: []].append(function)
      } else {
        functions.append(function)
      }
    }
    classes = types.map { type in
      LuaClass(type.name, for: WrittenInLua.self, type.summary, methods: methods[type.name] ?? [])
    }
  }

  /// The variable that holds the module: `return probes`, `return setmetatable(arguments, …)`.
  private static func returned(by lines: [String]) -> String? {
    guard let last = lines.last(where: { $0.hasPrefix("return ") }) else { return nil }
    let words = last.dropFirst(7).split { !isName($0) }
    return words.first { $0 != "setmetatable" }.map(String.init)
  }

  /// The variable of `local figure = {}`.
  private static func assigned(in line: String) -> String? {
    let words = line.split(separator: " ")
    guard words.count >= 4, words[0] == "local", words[2] == "=" else { return nil }
    return String(words[1])
  }

  /// Name and arguments of `function probes.recall(W, U)`, be it local or not.
  private static func definition(_ line: String) -> (name: String, arguments: [String])? {
    var rest = line[...]
    if rest.hasPrefix("local ") { rest = rest.dropFirst(6) }
    guard rest.hasPrefix("function "), let open = rest.firstIndex(of: "("),
      let close = rest[open...].firstIndex(of: ")")
    else { return nil }
    let arguments = rest[rest.index(after: open)..<close].split { $0 == "," || $0 == " " }
    return (String(rest[..<open].dropFirst(9)), arguments.map(String.init))
  }

  private static func isName(_ character: Character) -> Bool {
    character == "_" || character.isLetter || character.isNumber
  }
}

/// One comment: its text, and what follows each `@`.
private struct Block {
  private var text: [Substring] = []
  private var tags: [(name: Substring, lines: [Substring])] = []

  var isEmpty: Bool { text.isEmpty && tags.isEmpty }

  mutating func add(_ line: Substring) {
    let trimmed = line.drop { $0 == " " }
    if trimmed.first == "@" {
      // `tparam[opt="all of them"]`: a bracket may hold spaces.
      var name = trimmed.dropFirst().prefix { $0 != " " && $0 != "[" }
      if trimmed[name.endIndex...].first == "[", let close = trimmed.firstIndex(of: "]") {
        name = trimmed[name.startIndex...close]
      }
      tags.append((name, [trimmed[name.endIndex...]]))
    } else if tags.isEmpty {
      text.append(line)
    } else {
      tags[tags.count - 1].lines.append(line)
    }
  }

  /// The paragraphs, each in one line, and the blocks of code, indented by four spaces.
  var summary: String {
    text.split(whereSeparator: { $0.allSatisfy { $0 == " " } }).map { lines in
      lines.allSatisfy { $0.hasPrefix("     ") }
        ? lines.map { $0.dropFirst() }.joined(separator: "\n") : words(Array(lines))
    }.joined(separator: "\n\n")
  }

  var type: String? { tag("type") }
  var function: String? { tag("function") }

  private func tag(_ name: String) -> String? {
    tags.first { $0.name == name }.map { words($0.lines) }
  }

  /// The lines of `@usage`, less the margin they share.
  private var usage: String? {
    guard let lines = tags.first(where: { $0.name == "usage" })?.lines else { return nil }
    let rest = lines.dropFirst()
    let margin = rest.filter { $0.contains { $0 != " " } }
      .map { $0.prefix { $0 == " " }.count }.min()
    var code = rest.map { $0.dropFirst(margin ?? 0) }
    let first = lines[0].drop { $0 == " " }
    if !first.isEmpty { code.insert(first, at: 0) }
    while code.last?.isEmpty == true { code.removeLast() }
    return code.joined(separator: "\n")
  }

  func declaration(_ name: String, arguments: [String]) -> LuaFunction {
    var parameters: [LuaParameter] = []
    var options: [LuaOption]?
    for tag in tags where tag.name.hasPrefix("tparam") {
      let parts = words(tag.lines).split(separator: " ", maxSplits: 2)
      guard parts.count >= 2 else { continue }
      let (type, given) = (LuaType(comment: parts[0]), parts[1])
      let doc = parts.count > 2 ? String(parts[2]) : ""
      let isOptional = tag.name.hasPrefix("tparam[opt")
      var fallback: String?
      if let start = tag.name.firstIndex(of: "=") {
        fallback = String(tag.name[start...].dropFirst().dropLast())
      }
      if let dot = given.firstIndex(of: ".") {
        let option = String(given[given.index(after: dot)...])
        let value: LuaOption.Default =
          isOptional ? fallback.map { .described($0) } ?? .none : .required
        options = (options ?? []) + [LuaOption(option, type, value, doc)]
        // The table itself needs no entry of its own.
        parameters.removeAll { $0.name == given[..<dot] }
      } else if options == nil || given != "options" {
        parameters.append(
          LuaParameter(
            given == "..." ? "" : String(given), type, doc, optional: isOptional,
            default: fallback, variadic: given == "..."))
      }
    }
    // Undocumented arguments are shown too; those called `_` are not meant to be.
    let known = parameters.map(\.name) + (options == nil ? [] : ["options"])
    for argument in arguments where argument != "_" && argument != "..." {
      if !known.contains(argument) { parameters.append(LuaParameter(argument, .any)) }
    }
    let results = tags.filter { $0.name == "treturn" }.compactMap { tag -> LuaResult? in
      let parts = words(tag.lines).split(separator: " ", maxSplits: 1)
      return parts.first.map { type in
        LuaResult(
          LuaType(comment: type), parts.count > 1 ? String(parts[1]) : "",
          optional: LuaType.isOptional(comment: type))
      }
    }
    return LuaFunction(
      name, summary, parameters: parameters, options: options,
      returns: results, example: usage
    ) { _ in 0 }
  }
}

/// Lines as one line with single spaces.
private func words(_ lines: [Substring]) -> String {
  lines.flatMap { $0.split(separator: " ") }.joined(separator: " ")
}

extension LuaType {
  /// A type as comments write it: `number`, `Tensor|number`, `{string,...}`, `"left"|"right"`.
  init(comment text: Substring) {
    let alternatives = LuaType.alternatives(text).filter { $0 != "nil" }
    if alternatives.count > 1 {
      if alternatives.allSatisfy({ $0.hasPrefix("\"") }) {
        self = .choice(alternatives.map { String($0.dropFirst().dropLast()) })
      } else {
        self = .union(alternatives.map { LuaType(comment: $0) })
      }
      return
    }
    guard let one = alternatives.first else {
      self = .any
      return
    }
    if one.hasPrefix("{"), let comma = one.lastIndex(of: ",") {
      self = .list(LuaType(comment: one[..<comma].dropFirst()))
      return
    }
    switch one {
    case "any": self = .any
    case "boolean": self = .boolean
    case "integer": self = .integer
    case "number": self = .number
    case "string": self = .string
    case "table": self = .table
    case "function": self = .function
    default:
      self =
        one.hasPrefix("\"")
        ? .choice([String(one.dropFirst().dropLast())])
        : .object(String(one))
    }
  }

  /// The parts between the bars outside braces.
  private static func alternatives(_ text: Substring) -> [Substring] {
    var parts: [Substring] = []
    var depth = 0
    var start = text.startIndex
    for index in text.indices {
      switch text[index] {
      case "{": depth += 1
      case "}": depth -= 1
      case "|" where depth == 0:
        parts.append(text[start..<index])
        start = text.index(after: index)
      default: break
      }
    }
    return parts + [text[start...]]
  }

  /// Whether a comment says that a value may be `nil`.
  fileprivate static func isOptional(comment text: Substring) -> Bool {
    alternatives(text).contains("nil")
  }
}
