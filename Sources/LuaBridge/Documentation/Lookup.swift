// Which declaration a topic means, as people write it, and what they meant if it is none.

extension Registry {
  /// What the module is called where its name is part of a topic: `mnemo.train`.
  private static let module = "mnemo"

  /// A topic as declarations are named: `mnemo.train` and `train()` are `train`, the module itself
  /// is nothing.
  static func name(of topic: String) -> String {
    let name = topic.hasSuffix("()") ? topic.dropLast(2) : topic[...]
    if name == module { return "" }
    return String(name.hasPrefix(module + ".") ? name.dropFirst(module.count + 1) : name)
  }

  /// The names that were probably meant by a topic that is none; most often one.
  ///
  /// They are those that end in the topic (`transformer`, `sum`), else the nearest one, else those
  /// whose end is nearest to it.
  public func suggestions(for topic: String) -> [String] {
    let given = Registry.name(of: topic)
    let ends = names.map { name in (name: name, end: Registry.end(of: name)) }
    func ending(in end: String) -> [String] {
      ends.filter { $0.end.lowercased() == end.lowercased() }.map(\.name)
    }
    let same = ending(in: given)
    if !same.isEmpty { return same }
    if let near = nearest(given, among: names) { return [near] }
    return nearest(given, among: ends.map(\.end)).map(ending) ?? []
  }

  /// What a message about an unknown topic goes on with: `; did you mean 'data.bigram'?`.
  ///
  /// An option's name leads to the functions that have it. `mark` writes each name.
  public func hint(for topic: String, mark: (String) -> String = { "'\($0)'" }) -> String {
    let meant = suggestions(for: topic)
    let owners = all.filter { ($0.options ?? []).contains { $0.name == topic } }.map(\.name)
    let places = "; an option of \(Registry.listed(owners.map(mark), "and"))"
    // A name that is right for an option is more than one that is nearly right.
    if !owners.isEmpty, !meant.contains(where: { Registry.end(of: $0) == topic }) { return places }
    return meant.isEmpty ? "" : "; did you mean \(Registry.listed(meant.map(mark), "or"))?"
  }

  /// The topics that a beginning may stand for, up to the next dot or colon, sorted; the module's
  /// name may stand before it.
  public func topics(beginning: String) -> [String] {
    let prefix = beginning.hasPrefix(Registry.module + ".") ? Registry.module + "." : ""
    let topics = names.map { prefix + $0 } + (prefix.isEmpty ? [Registry.module] : [])
    return Set(
      topics.filter { $0.hasPrefix(beginning) }.map { topic in
        let rest = topic.dropFirst(beginning.count)
        return beginning + rest.prefix { $0 != "." && $0 != ":" }
      }
    ).sorted()
  }

  private static func end(of name: String) -> String {
    name.split { $0 == "." || $0 == ":" }.last.map(String.init) ?? name
  }

  /// `a`, `a or b`, `a, b or c`; of many the first four.
  private static func listed(_ names: [String], _ word: String) -> String {
    let shown = names.count > 5 ? names.prefix(4) + ["\(names.count - 4) more"] : names[...]
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " \(word) " + last
  }
}
