extension LuaFunction {
  /// How a call is written: `data.bigram{corpus=…, triggers=5, …} → Task`.
  public var signature: String {
    let result = returns.isEmpty ? "" : " → " + returns.map(\.words).joined(separator: ", ")
    if parameters.isEmpty, let options { return name + braces(options, before: result) + result }
    // Brackets nest: what follows an optional argument needs that one.
    var list = ""
    var brackets = ""
    func add(_ text: String, isOptional: Bool) {
      if !isOptional {
        list += brackets
        brackets = ""
      }
      list += (isOptional ? "[" : "") + (list.isEmpty ? "" : ", ") + text
      if isOptional { brackets += "]" }
    }
    for parameter in parameters {
      add(parameter.name + (parameter.isVariadic ? "…" : ""), isOptional: parameter.isOptional)
    }
    if let options {
      add(
        braces(options, before: list + result),
        isOptional: !options.contains(where: \.isRequired))
    }
    return "\(name)(\(list)\(brackets))\(result)"
  }

  /// The required options, then as many others as fit a line.
  private func braces(_ options: [LuaOption], before rest: String) -> String {
    let room = 78 - name.count - rest.count
    var text = ""
    for option in options.filter(\.isRequired) + options.filter({ !$0.isRequired }) {
      var item = option.name + "=…"
      if case .value(let value) = option.fallback { item = "\(option.name)=\(value)" }
      let separator = text.isEmpty ? "" : ", "
      guard option.isRequired || text.count + separator.count + item.count < room else {
        return "{" + text + separator + "…}"
      }
      text += separator + item
    }
    return "{" + text + "}"
  }

  /// Signature and first sentence, for lists.
  public var line: String { "\(signature)  \(firstSentence(summary))" }

  /// All that is known about the function, as `help` prints it.
  public var help: String {
    var lines = [signature]
    lines += wrapped(summary, indent: 2)
    if !parameters.isEmpty {
      lines.append("  parameters:")
      lines += listed(
        parameters.map { parameter in
          var facts = parameter.type.description
          if let text = parameter.defaultText {
            facts += ", default \(text)"
          } else if parameter.isOptional {
            facts += ", optional"
          }
          return (
            parameter.name + (parameter.isVariadic ? "…" : ""), sentence(facts, parameter.doc)
          )
        })
    }
    if let options, !options.isEmpty {
      lines.append("  options:")
      lines += listed(
        options.map { option in
          var facts = option.type.description
          if option.isRequired {
            facts += ", required"
          } else if let text = option.defaultText {
            facts += ", default \(text)"
          }
          return (option.name, sentence(facts, option.doc))
        })
    }
    if returns.contains(where: { !$0.doc.isEmpty }) {
      lines.append("  returns:")
      lines += returns.flatMap { wrapped(sentence($0.words, $0.doc), indent: 4) }
    }
    lines += exampleLines(example)
    return lines.joined(separator: "\n")
  }
}

extension LuaClass {
  /// All that is known about the class, as `help` prints it.
  public var help: String {
    var lines = [name] + wrapped(summary, indent: 2)
    if !fields.isEmpty {
      lines.append("  fields:")
      lines += listed(fields.map { ($0.name, sentence($0.type.description, $0.doc)) })
    }
    if !methods.isEmpty {
      lines.append("  methods:")
      lines += methods.flatMap { method in
        method.line.count <= 76
          ? ["    " + method.line]
          : ["    " + method.signature] + wrapped(firstSentence(method.summary), indent: 8)
      }
    }
    return lines.joined(separator: "\n")
  }
}

private func exampleLines(_ example: String?) -> [String] {
  guard let example else { return [] }
  return ["  example:"]
    + example.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
}

/// The facts, then the explanation: `integer, default 5. How many.`.
private func sentence(_ facts: String, _ doc: String) -> String {
  doc.isEmpty ? facts : "\(facts). \(sentence(doc))"
}

/// A declaration's phrase as a sentence: with a capital and a full stop.
///
/// A name of one letter keeps its case: `x limited to a range`.
func sentence(_ phrase: String) -> String {
  guard let first = phrase.first, let last = phrase.last else { return "" }
  let second = phrase.dropFirst().first ?? " "
  let start = second.isLetter || phrase.hasPrefix("a ") ? first.uppercased() : String(first)
  return start + phrase.dropFirst() + (".!?".contains(last) ? "" : ".")
}

/// Names in one column, texts in the next.
private func listed(_ items: [(name: String, text: String)]) -> [String] {
  let width = (items.map(\.name.count).max() ?? 0) + 2
  return items.flatMap { name, text in
    var lines = wrapped(text, indent: 4 + width)
    if let first = lines.first {
      let padded = name + String(repeating: " ", count: width - name.count)
      lines[0] = "    " + padded + first.drop { $0 == " " }
    }
    return lines
  }
}

/// The text in lines of at most 80 characters; indented paragraphs stay as they are.
func wrapped(_ text: String, indent: Int) -> [String] {
  let margin = String(repeating: " ", count: indent)
  var lines: [String] = []
  var paragraph: [Substring] = []
  func flush() {
    var line = ""
    for word in paragraph {
      if !line.isEmpty, indent + line.count + 1 + word.count > 80 {
        lines.append(margin + line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { lines.append(margin + line) }
    paragraph = []
  }
  for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
    if line.isEmpty || line.hasPrefix("    ") {
      flush()
      lines.append(line.isEmpty ? "" : margin + line)
    } else {
      paragraph += line.split(whereSeparator: \.isWhitespace)
    }
  }
  flush()
  return lines
}

func firstSentence(_ text: String) -> String {
  var previous: Character = " "
  for index in text.indices {
    if previous == ".", text[index].isWhitespace { return String(text[..<index]) }
    previous = text[index]
  }
  return text
}
