import Prompt
import Testing

/// What Ctrl-R finds.
@Suite struct HistorySearchTests {
  private let entries = ["run = 1", "print(1)", "é + 1", "run = 2", "print(2)"]

  @Test func theLatestEntryThatHoldsTheText() {
    var search = HistorySearch(entries)
    #expect(search.found == nil)
    search.append("r")
    #expect(search.found == "print(2)")
    search.append("un")
    #expect(search.found == "run = 2")
    search.findEarlier()
    #expect(search.found == "run = 1")
    search.append("é")
    #expect(search.found == nil && search.text == "runé")
    search.removeLast()
    #expect(search.found == "run = 2")
    // There is none before the first: it stays.
    for _ in 0..<3 { search.findEarlier() }
    #expect(search.found == "run = 1")
  }

  @Test func theTextIsNoPattern() {
    var search = HistorySearch(["a.b", "a*b", "axb"])
    search.append("a.b")
    #expect(search.found == "a.b")
    search.append("[")
    #expect(search.found == nil)
  }

  @Test func emptyAndLong() {
    var search = HistorySearch([])
    search.findEarlier()
    search.removeLast()
    search.append("a")
    #expect(search.found == nil && search.text == "a")
    search.append(String(repeating: "b", count: HistorySearch.longest))
    #expect(search.text == "a")
  }
}
