import FoundationEssentials
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct TokenizerTests {
  // MARK: Merging

  @Test func mergesByHand() throws {
    let tokenizer = try SmallFile().tokenizer()
    #expect(tokenizer.count == 6)
    #expect(try tokenizer.encode("abc") == [4])
    #expect(try tokenizer.encode("abab c") == [3, 3, 5, 2])
    #expect(try tokenizer.encode("bca") == [1, 2, 0])
    #expect(try tokenizer.encode("") == [])
    #expect(try tokenizer.decode([4, 5, 3]) == Array("abc ab".utf8))
    #expect(try tokenizer.decode([]) == [])
  }

  @Test func theEarliestMergeComesFirstAndThenTheLeftmost() throws {
    var file = SmallFile()
    file.vocabulary = #"{"a": 0, "b": 1, "aa": 2, "ab": 3, "aab": 4}"#
    file.merges = #"["a a", "a b", "a ab"]"#
    #expect(try file.tokenizer().encode("aaab") == [2, 3])
    #expect(try file.tokenizer().encode("aab") == [2, 1])
    file.merges = #"["a b", "a ab", "a a"]"#
    #expect(try file.tokenizer().encode("aaab") == [0, 4])
    // Of two lines for one pair the later counts.
    file.merges = #"["a a", "a b", "a a", "a ab"]"#
    #expect(try file.tokenizer().encode("aab") == [4])
  }

  @Test func longWordsTakeNoQuadraticTime() throws {
    let tokenizer = try Fixture.gpt2.tokenizer()
    for part in ["a", "then"] {
      let word = String(repeating: part, count: 1 << 18)
      let start = ContinuousClock.now
      let ids = try tokenizer.encode(word)
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(try tokenizer.decode(ids) == Array(word.utf8))
    }
  }

  @Test func moreWordsThanAreKept() throws {
    let tokenizer = try Fixture.gpt2.tokenizer()
    // Numbers, so that no word comes twice.
    let text = (0..<200_000).map { " \($0 + 1_000_000)" }.joined()
    let ids = try tokenizer.encode(text)
    #expect(try tokenizer.decode(ids) == Array(text.utf8))
    // What is remembered by now says the same.
    #expect(try tokenizer.encode(text) == ids)
  }

  @Test func threadsShareATokenizer() async throws {
    let tokenizer = try Fixture.neox.tokenizer()
    let records = try Recorded.all()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for record in records {
            let ids = try tokenizer.encode(record.text)
            #expect(ids == record.neox.ids)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  // MARK: Tokens

  @Test func tokensAreBytes() throws {
    let tokenizer = try Fixture.gpt2.tokenizer()
    #expect(tokenizer.count == 901)
    let space = try #require(tokenizer.id(ofToken: "Ġ"))
    #expect(tokenizer.bytes(of: space) == [0x20])
    #expect(tokenizer.id(ofToken: " ") == nil)
    let the = try #require(tokenizer.id(ofToken: "Ġthe"))
    #expect(tokenizer.bytes(of: the) == Array(" the".utf8))
    #expect(try tokenizer.encode(" the") == [the])
    let end = try #require(tokenizer.id(ofToken: "<|endoftext|>"))
    #expect(end == 900 && tokenizer.bytes(of: end) == Array("<|endoftext|>".utf8))
    #expect(tokenizer.bytes(of: -1) == nil && tokenizer.bytes(of: 901) == nil)
    #expect(tokenizer.bytes(of: .max) == nil && tokenizer.bytes(of: .min) == nil)
    // Every byte is a token.
    let bytes = (0..<256).map { tokenizer.bytes(of: $0) ?? [] }
    #expect(Set(bytes) == Set((UInt8.min...UInt8.max).map { [$0] }))
  }

  @Test func gapsOfTheVocabularyAreNoTokens() throws {
    var file = SmallFile()
    file.added = #"[{"id": 9, "content": "<end>", "special": true}]"#
    let tokenizer = try file.tokenizer()
    #expect(tokenizer.count == 10)
    #expect(tokenizer.bytes(of: 7) == nil)
    #expect(try tokenizer.encode("a<end>") == [0, 9])
    expectError("decode: the vocabulary has no token 8") { try tokenizer.decode([0, 7]) }
    expectError("decode: token 11 is outside 1…10") { try tokenizer.decode([10]) }
    expectError("decode: token 0 is outside 1…10") { try tokenizer.decode([-1]) }
    expectError("decode: token \(Int.min) is outside 1…10") { try tokenizer.decode([.max]) }
  }

  @Test func tokensOfOtherCharactersStandForThemselves() throws {
    var file = SmallFile()
    // The second is é in two characters: an entry of its own.
    file.vocabulary = #"{"a": 0, "漢": 1, "e\u0301": 2, "\u00e9": 3}"#
    file.merges = "[]"
    let tokenizer = try file.tokenizer()
    #expect(tokenizer.bytes(of: 1) == Array("漢".utf8))
    #expect(tokenizer.bytes(of: 2) == [0x65, 0xCC, 0x81])
    #expect(tokenizer.bytes(of: 3) == [0xE9])
    #expect(tokenizer.id(ofToken: "e\u{301}") == 2 && tokenizer.id(ofToken: "\u{E9}") == 3)
  }

  // MARK: Added tokens

  @Test func theLeftmostAndLongestAddedTokenCounts() throws {
    var file = SmallFile()
    file.added = """
      [{"id": 10, "content": "aa"}, {"id": 11, "content": "aab"}, {"id": 12, "content": "bc"},
       {"id": 13, "content": "aabcc"}]
      """
    let tokenizer = try file.tokenizer()
    #expect(try tokenizer.encode("aabc") == [11, 2])
    #expect(try tokenizer.encode("aaa") == [10, 0])
    #expect(try tokenizer.encode("aabcca") == [13, 0])
    #expect(try tokenizer.encode("abc") == [0, 12])
  }

  @Test func addedTokensTakeSpaces() throws {
    var file = SmallFile()
    file.added = """
      [{"id": 10, "content": "<l>", "lstrip": true}, {"id": 11, "content": "<r>", "rstrip": true}]
      """
    let tokenizer = try file.tokenizer()
    #expect(try tokenizer.encode("a \u{3000}\n<l> a") == [0, 10, 5, 0])
    #expect(try tokenizer.encode("a <r> \u{a0} a") == [0, 5, 11, 0])
    #expect(try tokenizer.encode("<r>  <l>") == [11, 10])
    #expect(try tokenizer.encode(" <l>") == [10])
  }

  @Test func addedTokensAreNormalizedWhereTheySaySo() throws {
    var file = SmallFile()
    file.normalizer = #"{"type": "NFC"}"#
    file.added = """
      [{"id": 10, "content": "e\\u0301", "normalized": true},
       {"id": 11, "content": "o\\u0301", "normalized": false}]
      """
    let tokenizer = try file.tokenizer()
    #expect(try tokenizer.encode("\u{E9}e\u{301}") == [10, 10])
    #expect(try tokenizer.encode("o\u{301}a") == [11, 0])
    expectError("encode: the vocabulary has no token for byte 195") {
      try tokenizer.encode("\u{F3}")
    }
  }

  // MARK: Words

  @Test func wordsAreCutWhereGPT2CutsThem() throws {
    // Nothing is merged across words; "abc" is one token only where it is one word.
    var file = SmallFile()
    file.vocabulary = """
      {"a": 0, "Ġ": 1, "'": 2, "s": 3, "1": 4, "!": 5, "ĠĠ": 6, "a1": 7, "a!": 8, "Ġa": 9,
       "'s": 10, "!'": 11, "s1": 12}
      """
    file.merges = #"["Ġ Ġ", "a 1", "a !", "Ġ a", "' s", "! '", "s 1"]"#
    let tokenizer = try file.tokenizer()
    #expect(try tokenizer.encode("a1a!") == [0, 4, 0, 5])
    #expect(try tokenizer.encode("   a") == [6, 9])
    #expect(try tokenizer.encode("a   ") == [0, 6, 1])
    #expect(try tokenizer.encode("a's1") == [0, 10, 4])
    #expect(try tokenizer.encode("!'s") == [11, 3])
    file.words = #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"#
    #expect(try file.tokenizer().encode("a1a!s1") == [7, 8, 12])
  }

  @Test func spacesAreAddedBefore() throws {
    var file = SmallFile()
    file.words = #"{"type": "ByteLevel", "add_prefix_space": true}"#
    file.added = #"[{"id": 10, "content": "<end>", "special": true}]"#
    let tokenizer = try file.tokenizer()
    #expect(try tokenizer.encode("a") == [5, 0])
    #expect(try tokenizer.encode(" a") == [5, 0])
    #expect(try tokenizer.encode("a<end>b<end> c") == [5, 0, 10, 5, 1, 10, 5, 2])
    #expect(try tokenizer.encode("") == [])
    #expect(try tokenizer.encode("<end>") == [10])
  }

  // MARK: Texts

  @Test func textHasToBeUTF8() throws {
    let tokenizer = try Fixture.gpt2.tokenizer()
    for (bytes, position) in [
      ([0xFF], 1), ([0x61, 0x80], 2), ([0x61, 0xC3], 2), ([0xC3, 0xA9, 0xE2, 0x82], 3),
      ([0xC0, 0x80], 1), ([0x61, 0x62, 0xED, 0xA0, 0x80], 3), ([0xF4, 0x90, 0x80, 0x80], 1),
    ] as [([UInt8], Int)] {
      expectError("encode: the text is not UTF-8 (byte \(position))") {
        try tokenizer.encode(bytes)
      }
    }
  }

  @Test func workEndsWhenItIsNotWanted() throws {
    let tokenizer = try Fixture.gpt2.tokenizer()
    let token = StopToken(isWanted: { true }, isUrgent: { true })
    for part in ["a ", "the"] {
      let text = String(repeating: part, count: 1 << 18)
      #expect(throws: Stopped.self) {
        try StopToken.with(token) { _ = try tokenizer.encode(text) }
      }
      _ = token.takeCut()
    }
    #expect(try tokenizer.encode(" the").count == 1)
  }

  @Test func foldersHoldATokenizer() throws {
    try withTemporaryFolder { folder in
      try SmallFile().text.write(
        toFile: folder + "/tokenizer.json", atomically: false, encoding: .utf8)
      #expect(try Tokenizer(path: folder).count == 6)
    }
  }
}
