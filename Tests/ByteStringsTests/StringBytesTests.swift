import ByteStrings
import Testing

/// Bytes of any value have strings of their own, and come back from them.
@Suite struct StringBytesTests {
  @Test(arguments: [
    "", "abc", "é, 漢字, 🎈", "\u{10FF7F}", "\u{10FFFD}", "zero \0 inside", "\u{FFFD}",
  ])
  func textComesBack(_ text: String) {
    #expect(String(bytes: Array(text.utf8)).bytes == Array(text.utf8))
  }

  @Test(arguments: ["", "abc", "é, 漢字, 🎈", "\u{10FF7F}", "zero \0 inside", "\u{FFFD}"])
  func textIsItself(_ text: String) {
    #expect(String(bytes: Array(text.utf8)) == text)
  }

  @Test func everyByteIsKept() {
    for a in UInt8.min ... .max {
      let alone = [a]
      #expect(String(bytes: alone).bytes == alone)
      for b in UInt8.min ... .max {
        let pair = [0x61, a, b, 0x7A]
        #expect(String(bytes: pair).bytes == pair, "\(pair)")
      }
    }
  }

  /// Cut and overlong characters, surrogates, and the characters that stand for bytes.
  @Test func damagedTextIsKeptAndToldApart() {
    let starts: [[UInt8]] = [
      [0xE2, 0x82], [0xF0, 0x9F, 0x8E], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x8F, 0xBF, 0xA9],
      [0xF4, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBE], [0xFF, 0xFE], [0xE9],
    ]
    let all = starts + starts.flatMap { a in starts.map { a + [0x2E] + $0 } }
    for bytes in all { #expect(String(bytes: bytes).bytes == bytes) }
    #expect(Set(all.map { Array(String(bytes: $0).utf8) }).count == Set(all).count)
  }

  @Test func pathsOfTheSystem() {
    let bytes: [UInt8] = [0x61, 0xE9, 0x2F, 0xC3, 0xA9]
    let path = String(bytes: bytes)
    #expect(path.withCBytes { String(cBytes: $0) } == path)
    let read = path.withCBytes { start in (0...bytes.count).map { UInt8(bitPattern: start[$0]) } }
    #expect(read == bytes + [0])
  }
}
