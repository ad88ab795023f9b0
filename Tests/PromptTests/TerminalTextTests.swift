import Glibc
import Prompt
import Testing

/// Texts as a terminal shows them: widths, columns, times.
@Suite struct TerminalTextTests {
  @Test func widths() {
    Terminal.setLocale()
    #expect(Terminal.width(of: "abc") == 3)
    #expect(Terminal.width(of: "漢字") == 4)
    // An accent of its own takes no column.
    #expect(Terminal.width(of: "e\u{301}") == 1)
  }

  @Test func wordsInColumns() {
    #expect(Columns.text(["a", "bb", "ccc"], width: 80) == "a    bb   ccc")
    #expect(Columns.text(["a", "b", "c", "d", "e"], width: 6) == "a  d\nb  e\nc")
    #expect(Columns.text(["wider than the window"], width: 5) == "wider than the window")
    #expect(Columns.text([], width: 80) == "")
  }

  @Test(arguments: [
    (Duration.microseconds(12.34), "12.3 µs"), (.microseconds(999), "999.0 µs"),
    (.milliseconds(1.5), "1.50 ms"), (.milliseconds(99.994), "99.99 ms"),
    (.milliseconds(100), "0.10 s"), (.seconds(61.005), "61.01 s"), (.zero, "0.0 µs"),
  ]) func times(_ time: Duration, _ text: String) {
    #expect(time.text == text)
  }

  @Test func textsOfThePrompt() {
    #expect(" \t a b\n".trimmed == "a b" && "".trimmed == "" && "  ".trimmed == "")
    #expect("ab".padded(to: 4) == "ab  " && "abcd".padded(to: 2) == "abcd ")
    #expect("a\"b\\c\nd".escaped == "a\\\"b\\\\c\\nd")
  }
}
