extension String {
  /// Without spaces at its ends.
  package var trimmed: String {
    let start = drop(while: \.isWhitespace)
    return String(start.prefix(start.count - start.reversed().prefix(while: \.isWhitespace).count))
  }

  package func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }

  /// As it stands between quotes in Lua.
  package var escaped: String {
    reduce(into: "") { text, character in
      switch character {
      case "\\", "\"": text += "\\\(character)"
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }
}
