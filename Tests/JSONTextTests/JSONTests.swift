import JSONText
import Testing

/// Values that become text and come back; what is no JSON, and where.
struct JSONTests {
  @Test(arguments: [
    "null", "true", "-12", "0.1", "1e999", "-1e999", "5e-324", "9007199254740993",
    #""a\"b\\c\nd\u0001é😀""#, "[]", "[1,[2.0,\"x\"],{}]", #"{"a":1,"b":{"c":[null]}}"#,
  ]) func valuesComeBack(_ text: String) throws {
    #expect(try JSON(text).text == text)
  }

  @Test func textsAreOfOneForm() throws {
    let spread = #" { "b" : 1 , "a" : "\u00e9\ud83d\ude00\/" } "#
    #expect(try JSON(spread).text == #"{"a":"é😀/","b":1}"#)
    #expect(JSON.number(.nan).text == "null")
    #expect(try JSON("18446744073709551616").text == "1.8446744073709552e+19")
    #expect(try JSON(#"{"é":2}"#)["e\u{301}"] == nil)
  }

  @Test func whatIsNoJSONIsRefused() {
    for (text, reason) in [
      ("", "it ends early, at byte 1"), ("{", "no text in quotation marks at byte 2"),
      ("{\"a\"", "no : at byte 5"), ("{\"a\":", "it ends early, at byte 6"),
      ("{\"a\":1", "no , or } at byte 7"), ("[1", "no , or ] at byte 3"),
      ("[1,]", "no value at byte 4"), ("{} x", "more after its end at byte 4"),
      ("\"a", "it ends early, at byte 3"), ("\"\n\"", "a control character at byte 2"),
      ("\"\\x\"", "no escape at byte 3"), ("\"\\u12g4\"", "no hexadecimal digit at byte 6"),
      ("\"\\ud800\"", "half a surrogate pair at byte 8"),
      ("\"\\ud800\\u0041\"", "half a surrogate pair at byte 14"),
      ("\"\\udc00\"", "half a surrogate pair at byte 8"), ("-", "no digit at byte 2"),
      ("1.", "no digit at byte 3"), ("1e", "no digit at byte 3"),
      ("01", "more after its end at byte 2"),
      ("nul", "no value at byte 1"), ("NaN", "no value at byte 1"), ("'a'", "no value at byte 1"),
      ("{\"a\":1,\"a\":2}", "the name \"a\" a second time at byte 11"),
      (String(repeating: "[", count: 100_000), "values nested deeper than 200 levels at byte 201"),
    ] {
      #expect(throws: JSONError(reason: reason)) { try JSON(text) }
    }
    for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0xFF, 0xFE, 0x7B, 0x00]] {
      #expect(throws: JSONError(reason: "it is no UTF-8 text")) { try JSON(utf8: bytes) }
    }
  }
}
