import LuaBridge
import MnemoModule
import Tensors

// What the Lua side of the prompt asks of the engine, and completion.

extension REPL {
  /// The functions of the table that `mnemo.prompt.show` and `mnemo.prompt.complete` are given.
  var functions: [LuaFunction] {
    [
      LuaFunction("columns", "The window's width.", returns: [.number]) {
        $0.returns(Terminal.size.columns)
      },
      LuaFunction(
        "width", "How many columns a text takes.", parameters: [LuaParameter("text", .string)],
        returns: [.number]
      ) { $0.returns(Terminal.width(of: try $0.string(1))) },
      LuaFunction("rows", "The window's height.", returns: [.number]) {
        $0.returns(Terminal.size.rows)
      },
      LuaFunction("colour", "Whether to write in colour.", returns: [.boolean]) { [unowned self] in
        $0.returns(self.options.usesColour)
      },
      LuaFunction(
        "is_interrupt", "Whether an error that was caught is an interrupt.",
        parameters: [LuaParameter("error", .any)], returns: [.boolean]
      ) { call in call.returns(call.lua.isInterrupt(call.value(1))) },
      LuaFunction("guide", "Prints what ? prints.") { [unowned self] call in
        print(self.guide)
        return call.returns()
      },
      LuaFunction(
        "decode", "The text of token ids that a task drew; nil for others.",
        parameters: [LuaParameter("ids", .any)], returns: [.list(.string)]
      ) { call in call.returns(try MnemoModule.decode(call.object(1, IntTensor.self), in: call.lua))
      },
      LuaFunction(
        "text", "A tensor as text that fits the window.",
        parameters: [LuaParameter("tensor", .any), LuaParameter("width", .integer)],
        returns: [.string]
      ) { call in
        var options = MnemoModule.printOptions(in: call.lua)
        if options.width == 0 { options.width = try call.integer(2) }
        if let ids = call.value(1).asObject(IntTensor.self) {
          return call.returns(ids.text(options))
        }
        return call.returns(try call.object(1, Tensor.self).text(options))
      },
      LuaFunction(
        "files", "The files a beginning may stand for.",
        parameters: [
          LuaParameter("beginning", .string)
        ]
      ) { call in call.returns(Folder.files(beginning: try call.string(1))) },
      LuaFunction("commands", "The prompt's own commands.") { $0.returns(REPL.commandNames) },
      LuaFunction(
        "methods", "The names of a class's methods.", parameters: [LuaParameter("class", .string)]
      ) { [unowned self] call in
        let name = try call.string(1)
        return call.returns(self.registry.luaClass(named: name)?.methods.map(\.shortName) ?? [])
      },
      LuaFunction(
        "fields", "The names of a class's fields.", parameters: [LuaParameter("class", .string)]
      ) { [unowned self] call in
        let name = try call.string(1)
        return call.returns(self.registry.luaClass(named: name)?.fields.map(\.name) ?? [])
      },
      LuaFunction(
        "options", "The names of a function's options; a method is given by its name.",
        parameters: [LuaParameter("function", .any)]
      ) { [unowned self] call in
        call.returns(self.declaration(call)?.options?.map(\.name) ?? [])
      },
      LuaFunction(
        "result", "The type of a function's first result; a method is given by its name.",
        parameters: [LuaParameter("function", .any)], returns: [LuaResult(.table, optional: true)]
      ) { [unowned self] call in
        guard let result = self.declaration(call)?.returns.first else { return call.returns() }
        return call.returns(result.type.record)
      },
      LuaFunction(
        "field", "The type of a class's field.",
        parameters: [LuaParameter("class", .string), LuaParameter("field", .string)],
        returns: [LuaResult(.table, optional: true)]
      ) { [unowned self] call in
        let (name, field) = (try call.string(1), try call.string(2))
        let fields = self.registry.luaClass(named: name)?.fields
        guard let type = fields?.first(where: { $0.name == field })?.type else {
          return call.returns()
        }
        return call.returns(type.record)
      },
      LuaFunction(
        "choices", "The strings that an option allows, by name, or an argument, by number.",
        parameters: [LuaParameter("function", .any), LuaParameter("which", .any)],
        returns: [LuaResult(.list(.string), optional: true)]
      ) { [unowned self] call in
        let function = self.declaration(call)
        let type: LuaType?
        if let name = call.value(2).asString {
          type = function?.options?.first { $0.name == name }?.type
        } else {
          type = (function?.parameters ?? []).dropFirst(try call.integer(2) - 1).first?.type
        }
        let choices = type?.choices ?? []
        return choices.isEmpty ? call.returns() : call.returns(choices)
      },
      LuaFunction(
        "topics", "The names help knows that a beginning may stand for.",
        parameters: [LuaParameter("beginning", .string)], returns: [.list(.string)]
      ) { [unowned self] call in call.returns(self.registry.topics(beginning: try call.string(1)))
      },
      LuaFunction(
        "names", "What a table of the module holds.", parameters: [LuaParameter("table", .string)]
      ) { [unowned self] call in
        call.returns(self.registry.fields(ofTable: try call.string(1)))
      },
    ]
  }

  /// The declaration of a call's first argument: a function, or a method's name.
  private func declaration(_ call: LuaCall) -> LuaFunction? {
    switch call.value(1) {
    case .function(let reference): registry.function(reference, in: call.lua)
    case .string(let name): registry.function(named: name)
    default: nil
    }
  }

  /// What may stand in place of the end of a text; never runs the user's code.
  func completion(_ text: String) -> LineEditor.Completion? {
    if isCommand(text) { return commandCompletion(text) }
    guard let found = try? call("complete", [.string(text), .table(locals)]), found.count == 2,
      let length = found[0].asInteger, case .table(let list) = found[1], let reader = list.table
    else { return nil }
    let names = (0..<reader.count).compactMap { list.rawGet($0 + 1).asString }
    return LineEditor.Completion(length: length, candidates: names)
  }

  private func commandCompletion(_ text: String) -> LineEditor.Completion? {
    let line = String(text.drop(while: \.isWhitespace))
    guard let space = line.firstIndex(where: \.isWhitespace) else {
      guard line.hasPrefix(":") else {
        let topic = line.drop { $0 == "?" || $0 == "$" }
        return line.hasPrefix("?") ? topicCompletion(String(topic)) : fileCompletion(String(topic))
      }
      return LineEditor.Completion(
        length: line.unicodeScalars.count,
        candidates: REPL.commandNames.filter { $0.hasPrefix(line) }.map { $0 + " " })
    }
    let word = line[line.index(after: space)...]
    if line.hasPrefix("?") { return topicCompletion(String(word)) }
    if line.hasPrefix(":time") { return completion(String(word)) }
    return fileCompletion(
      String(word.split(separator: " ", omittingEmptySubsequences: false).last ?? ""))
  }

  /// The user's variables and what they lead to, then the names that help knows.
  private func topicCompletion(_ text: String) -> LineEditor.Completion? {
    let found = completion(text)
    let owner = text.prefix { $0 != "." && $0 != ":" }
    let topics =
      owner.count < text.count && isOwn(String(owner))
      ? [] : registry.topics(beginning: text)
    guard !topics.isEmpty else { return found }
    let length = text.unicodeScalars.count
    let variables = found.flatMap { $0.length == length ? $0.candidates.filter(isOwn) : nil } ?? []
    return LineEditor.Completion(
      length: length, candidates: topics + variables.filter { !topics.contains($0) })
  }

  private func fileCompletion(_ beginning: String) -> LineEditor.Completion? {
    LineEditor.Completion(
      length: beginning.unicodeScalars.count, candidates: Folder.files(beginning: beginning))
  }
}
