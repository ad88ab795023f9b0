import RunStore
import Testing

/// JSON and SHA-256.
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

  /// The examples of FIPS 180-4, and lengths about a block.
  @Test func hashesAreThoseOfTheStandard() {
    func hash(_ text: String) -> String { FileHash.sha256(Array(text.utf8)) }
    #expect(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      hash(String(repeating: "a", count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
