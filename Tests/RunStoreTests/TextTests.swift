import RunStore
import Testing

/// JSON.
struct TextTests {
  @Test(arguments: [
    "null", "true", "-12", "0.1", "1e999", "-1e999", "5e-324", "9007199254740993",
    #""a\"b\\c\nd\u0001é😀""#, "[]", "[1,[2.0,\"x\"],{}]", #"{"a":1,"b":{"c":[null]}}"#,
  ]) func valuesComeBack(_ text: String) {
    #expect(JSON(text)?.text == text)
  }

  @Test func textsAreOfOneForm() {
    #expect(
      JSON(" { \"b\" : 1 , \"a\" : \"\\u00e9\\ud83d\\ude00\\/\" } ")?.text == #"{"a":"é😀/","b":1}"#)
    #expect(JSON.number(.nan).text == "null")
    #expect(JSON("18446744073709551616")?.text == "1.8446744073709552e+19")
    #expect(JSON(#"{"é":2}"#)?["e\u{301}"] == nil)
  }

  @Test(arguments: ["", "{", "[1,]", "{\"a\"}", "tru", "\"a", "1 2", "nan", "\"\\x\"", "-"])
  func whatIsNoJSONIsNil(_ text: String) {
    #expect(JSON(text) == nil)
  }

  @Test func deepNestingEnds() {
    #expect(JSON(String(repeating: "[", count: 100_000)) == nil)
  }
}
