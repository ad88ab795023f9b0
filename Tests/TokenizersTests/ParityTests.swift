import Testing
import Tokenizers

/// What the Python package tokenizers gives for the same files and texts.
@Suite struct ParityTests {
  @Test(arguments: Fixture.allCases) func hardTextsHaveTheSameTokens(_ fixture: Fixture) throws {
    let tokenizer = try fixture.tokenizer()
    let records = try Recorded.all()
    #expect(records.count >= 200)
    // The second time, words are remembered.
    for _ in 0..<2 {
      for record in records {
        #expect(
          try tokenizer.encode(record.text) == record.result(fixture).ids,
          "\(record.text.debugDescription)")
      }
    }
  }

  @Test(arguments: Fixture.allCases) func tokensHaveTheSameText(_ fixture: Fixture) throws {
    let tokenizer = try fixture.tokenizer()
    for record in try Recorded.all() {
      let result = record.result(fixture)
      // Compared by scalars: strings are equal where Unicode takes one for the other.
      func expectText(_ ids: [Int], _ text: String) throws {
        let decoded = String(decoding: try tokenizer.decode(ids), as: UTF8.self)
        #expect(
          decoded.unicodeScalars.elementsEqual(text.unicodeScalars),
          "\(record.text.debugDescription)")
      }
      try expectText(result.ids, result.decoded)
      try expectText(Array(result.ids[result.part[0]..<result.part[1]]), result.part_decoded)
    }
  }

  @Test func textComesBack() throws {
    let tokenizer = try Fixture.gpt2.tokenizer()
    for record in try Recorded.all() {
      let bytes = Array(record.text.utf8)
      #expect(try tokenizer.decode(tokenizer.encode(bytes)) == bytes)
    }
  }

  @Test func theFixtureTellsTheTwoApart() throws {
    let records = try Recorded.all()
    func length(_ text: String) -> Int { text.unicodeScalars.count }
    #expect(records.contains { length($0.neox.decoded) < length($0.text) })
    #expect(records.contains { $0.gpt2.part_decoded.contains("\u{FFFD}") })
    let neox = try Fixture.neox.tokenizer()
    let spaces = try #require(neox.id(ofToken: String(repeating: " ", count: 24)))
    #expect(records.contains { $0.neox.ids.contains(spaces) })
  }
}
