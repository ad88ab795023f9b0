/// Words in columns, as ls(1) lists them.
package enum Columns {
  /// The words, column by column, in as few rows as a width allows.
  package static func text(_ words: [String], width: Int) -> String {
    let widest = (words.map(Terminal.width).max() ?? 0) + 2
    let columns = max(1, width / widest)
    let rows = (words.count + columns - 1) / columns
    return (0..<rows).map { row in
      var line = ""
      for i in stride(from: row, to: words.count, by: rows) {
        let pad = i + rows < words.count ? widest - Terminal.width(of: words[i]) : 0
        line += words[i] + String(repeating: " ", count: pad)
      }
      return line
    }.joined(separator: "\n")
  }
}
