import Glibc

/// What Ctrl-R looks for among earlier entries: the latest that holds a text, and those before it.
package struct HistorySearch {
  /// The longest text that is looked for, in bytes.
  package static let longest = 1 << 10

  /// What was typed so far.
  package private(set) var text = ""
  /// The entry that holds it; nil if none does.
  package private(set) var found: String?
  private let entries: [String]
  private var place: Int

  /// A search in entries, oldest first.
  package init(_ entries: [String]) {
    self.entries = entries
    place = entries.count
  }

  /// Looks for a longer text, first where the shorter one was found; too long a one is left as it
  /// was.
  package mutating func append(_ more: String) {
    guard text.utf8.count + more.utf8.count <= HistorySearch.longest else { return }
    // What holds no part of a text does not hold it.
    let isHopeless = found == nil && !text.isEmpty
    text += more
    guard !isHopeless else { return }
    look(from: min(place, entries.count - 1))
  }

  /// Looks for a text without the last character, again from the latest entry.
  package mutating func removeLast() {
    if !text.isEmpty { text.removeLast() }
    found = nil
    place = entries.count
    if !text.isEmpty { look(from: entries.count - 1) }
  }

  /// Goes on to the entry before; the one that was found stays where there is none.
  package mutating func findEarlier() {
    guard !text.isEmpty else { return }
    let before = (found, place)
    look(from: place - 1)
    if found == nil { (found, place) = before }
  }

  private mutating func look(from start: Int) {
    found = nil
    var index = start
    while index >= 0 {
      if entries[index].utf8.count >= text.utf8.count, entries[index].holds(text) {
        (found, place) = (entries[index], index)
        return
      }
      index -= 1
    }
  }
}

extension String {
  /// Whether a text without zeros is a part of this one, byte by byte.
  fileprivate func holds(_ part: String) -> Bool { strstr(self, part) != nil }
}
