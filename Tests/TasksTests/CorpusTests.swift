import Glibc
import Tasks
import Tensors
import Testing

@Suite struct CorpusTests {
  // MARK: Statistics

  @Test func shakespeareIsTheKnownText() throws {
    let corpus = try Corpus.shakespeare()
    #expect(corpus.vocabSize == 65)
    #expect(
      corpus.symbols.joined()
        == "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    #expect(corpus.unigram[0] == 40_000.0 / 1_115_394)
    #expect(corpus.unigram[1] == 169_892.0 / 1_115_394)
    #expect(abs(corpus.unigram.reduce(0, +) - 1) < 1e-12)
    // The text ends in a newline, so one of the 40,000 has no successor.
    #expect(try corpus.bigram(after: 0)[0] == 7223.0 / 39_999)
    for i in 0..<65 { #expect(abs(try corpus.bigram(after: i).reduce(0, +) - 1) < 1e-12) }
    // A "q" is always followed by "u" in this text.
    let (q, u) = (Int(try corpus.encode("q")[0]), Int(try corpus.encode("u")[0]))
    #expect(try corpus.bigram(after: q)[u] == 1)
  }

  @Test func lettersAreThoseOfEnglish() throws {
    let corpus = try Corpus.letters()
    #expect(corpus.symbols.joined() == "abcdefghijklmnopqrstuvwxyz")
    #expect(abs(corpus.unigram.reduce(0, +) - 1) < 1e-12)
    #expect(corpus.unigram.firstIndex(of: corpus.unigram.max() ?? 0) == 4)
    #expect(abs(corpus.unigram[4] - 0.12702) < 1e-5)
    for i in 0..<26 { #expect(try corpus.bigram(after: i) == corpus.unigram) }
  }

  @Test func uniformSymbolsAreEquallyFrequent() throws {
    let corpus = try Corpus.uniform(3)
    #expect(corpus.unigram == [1, 1, 1].map { $0 / 3 })
    #expect(corpus.symbols == ["1", "2", "3"])
    #expect(try corpus.bigram(after: 2) == corpus.unigram)
  }

  @Test func zipfFollowsItsLaw() throws {
    let corpus = try Corpus.zipf(50_000, alpha: 1.5)
    #expect(corpus.vocabSize == 50_000)
    #expect(abs(corpus.unigram.reduce(0, +) - 1) < 1e-9)
    for k in [2, 10, 1000, 50_000] {
      let ratio = corpus.unigram[0] / corpus.unigram[k - 1]
      #expect(abs(ratio / pow(Double(k), 1.5) - 1) < 1e-9)
    }
    #expect(try Corpus.zipf(4, alpha: 0).unigram == [0.25, 0.25, 0.25, 0.25])
  }

  @Test func textIsCounted() throws {
    let corpus = try Corpus.text("abracadabra")
    #expect(corpus.symbols == ["a", "b", "c", "d", "r"])
    #expect(corpus.unigram == [5, 2, 1, 1, 2].map { $0 / 11 })
    #expect(
      try (0..<5).map { try corpus.bigram(after: $0) } == [
        [0, 0.5, 0.25, 0.25, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
      ])
  }

  @Test func aSymbolWithoutSuccessorIsFollowedByTheUnigram() throws {
    let corpus = try Corpus.text("aab")
    #expect(try corpus.bigram(after: 0) == [0.5, 0.5])
    #expect(try corpus.bigram(after: 1) == [2 / 3, 1 / 3])
  }

  @Test func symbolsAreScalarsSortedByCodePoint() throws {
    // The Angstrom sign and Å look the same to Swift's strings; a combining accent stands alone.
    let corpus = try Corpus.text("🧠\u{212B}\u{C5}e\u{301}e")
    #expect(
      corpus.symbols.map { $0.unicodeScalars.map(\.value) }
        == [[0x65], [0xC5], [0x301], [0x212B], [0x1F9E0]])
    #expect(corpus.unigram[0] == 2.0 / 6)
  }

  @Test func countsAreNormalised() throws {
    let corpus = try Corpus.counts(unigram: [1, 3], bigram: [[2, 6], [0, 0]])
    #expect(corpus.unigram == [0.25, 0.75])
    #expect(try corpus.bigram(after: 0) == [0.25, 0.75])
    #expect(try corpus.bigram(after: 1) == [0.25, 0.75])
    let independent = try Corpus.counts(unigram: [0, 2, 2])
    #expect(independent.unigram == [0, 0.5, 0.5])
    #expect(try independent.bigram(after: 0) == [0, 0.5, 0.5])
    let pairs = try Corpus.counts(bigram: [[1, 2], [1, 0]])
    #expect(pairs.unigram == [0.75, 0.25])
    #expect(try pairs.bigram(after: 1) == [1, 0])
  }

  @Test func theTableHoldsTheRows() throws {
    let corpus = try Corpus.text("aab")
    let table = try corpus.bigramTable()
    #expect(table.shape == [2, 2])
    #expect(table.elements() == [0.5, 0.5, Float(2.0 / 3), Float(1.0 / 3)])
    let large = try Corpus.uniform(16_385)
    #expect(
      throws: EngineError(
        "bigram", "a table of 16385 × 16385 is too large (allowed: up to 16384 symbols)")
    ) { try large.bigramTable() }
    #expect(throws: EngineError("bigram", "token 3 is outside 1…2")) {
      try corpus.bigram(after: 2)
    }
    #expect(throws: EngineError("bigram", "token 0 is outside 1…2")) {
      try corpus.bigram(after: -1)
    }
  }

  // MARK: Text

  @Test func textIsEncodedAndDecoded() throws {
    let corpus = try Corpus.text("hello\n")
    #expect(try corpus.encode("hole") == [2, 4, 3, 1])
    #expect(try corpus.encode("") == [])
    #expect(try corpus.decode([2, 4, 3, 1, 0]) == "hole\n")
    let numbers = try Corpus.uniform(12)
    #expect(try numbers.encode("12 1  3") == [11, 0, 2])
    #expect(try numbers.decode([11, 0, 2]) == "12 1 3")
  }

  @Test func unknownSymbolsAreNamed() throws {
    let corpus = try Corpus.letters()
    func refused(_ text: String, _ message: String) {
      #expect(throws: EngineError("encode", message)) { try corpus.encode(text) }
    }
    refused(
      "abé", "character 3, \"é\" (U+00E9), is not among the 26 symbols of this corpus")
    refused("A", "character 1, \"A\" (U+0041), is not among the 26 symbols of this corpus")
    refused("a\nb", "character 2, U+000A, is not among the 26 symbols of this corpus")
    refused("🧠", "character 1, \"🧠\" (U+1F9E0), is not among the 26 symbols of this corpus")
    #expect(throws: EngineError("decode", "token 27 is outside 1…26")) {
      try corpus.decode([0, 26])
    }
    #expect(throws: EngineError("decode", "token 0 is outside 1…26")) { try corpus.decode([-1]) }
    let numbers = try Corpus.uniform(3)
    for word in ["0", "4", "x", "99999999999"] {
      #expect(
        throws: EngineError(
          "encode", "symbol \"\(word)\" is not among the numbers 1…3 of this corpus")
      ) { try numbers.encode("1 \(word)") }
    }
  }

  // MARK: What is refused

  @Test func badSizesAreRefused() {
    for n in [1, 0, -3, (1 << 24) + 1, .max] {
      #expect(throws: EngineError("corpus.uniform", "needs 2 to 16777216 symbols, got \(n)")) {
        try Corpus.uniform(n)
      }
    }
    #expect(throws: EngineError("corpus.zipf", "needs 2 to 16777216 symbols, got 1")) {
      try Corpus.zipf(1, alpha: 1)
    }
    for alpha in [-0.5, .nan, .infinity] {
      #expect(
        throws: EngineError("corpus.zipf", "alpha must be finite and not negative, got \(alpha)")
      ) { try Corpus.zipf(5, alpha: alpha) }
    }
  }

  @Test func badTextsAreRefused() {
    #expect(throws: EngineError("corpus.text", "the text is empty")) { try Corpus.text("") }
    #expect(
      throws: EngineError(
        "corpus.text",
        "the text has only one symbol, \"a\" (U+0061); a vocabulary needs at least 2")
    ) { try Corpus.text("aaa") }
  }

  @Test func badCountsAreRefused() {
    func refused(
      _ unigram: [Double]?, _ bigram: [[Double]]?, _ message: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(throws: EngineError("corpus.counts", message), sourceLocation: sourceLocation) {
        try Corpus.counts(unigram: unigram, bigram: bigram)
      }
    }
    refused(nil, nil, "needs unigram, bigram or both")
    refused([1], nil, "needs 2 to 16777216 symbols, got 1")
    refused([], nil, "needs 2 to 16777216 symbols, got 0")
    refused([0, 0], nil, "all counts are zero")
    refused(nil, [[0, 0], [0, 0]], "all counts are zero")
    refused([1, -1], nil, "unigram[2] is -1.0; counts must be finite and not negative")
    refused([.nan, 1], nil, "unigram[1] is nan; counts must be finite and not negative")
    refused([1, .infinity], nil, "unigram[2] is inf; counts must be finite and not negative")
    refused([1e308, 1e308], nil, "the counts of unigram are too large to add up")
    refused(
      [1, 1], [[1, 1]], "bigram has 1 rows for a unigram of 2 symbols (allowed: 2)")
    refused([1, 1], [[1, 1], [1, 1, 1]], "bigram[2] has 3 counts (allowed: 2)")
    refused(
      [1, 1], [[1, 1], [-2, 1]], "bigram[2][1] is -2.0; counts must be finite and not negative")
    refused(
      nil, [[1, .nan], [1, 1]], "bigram[1][2] is nan; counts must be finite and not negative")
  }

  /// Weights too small to have a probability are no symbols to draw, and no trap.
  @Test func vanishingWeightsAreNeverDrawn() throws {
    let corpus = try Corpus.counts(unigram: [1e300, 1e-300, 1e300])
    #expect(corpus.unigram == [0.5, 0, 0.5])
    var options = BigramTask.Options(corpus: corpus)
    options.triggers = 2
    #expect(try BigramTask(options).triggers == [0, 2])
    options.triggerKind = .random
    options.noRepeat = true
    let batch = try BigramTask(options).batch(4, index: 0)
    #expect(batch.tokens.elements()[0] != 1)
    options.triggers = 3
    #expect(throws: EngineError.self) { try BigramTask(options) }
  }

  // MARK: Files

  @Test func aFileIsCountedAsItsText() throws {
    let text = "To be, or not to be: größe 🧠\r\n"
    let file = try TemporaryFile(Array(text.utf8))
    let (fromFile, fromText) = (try Corpus.file(file.path), try Corpus.text(text))
    #expect(fromFile.symbols == fromText.symbols)
    #expect(fromFile.unigram == fromText.unigram)
    for i in 0..<fromText.vocabSize {
      #expect(try fromFile.bigram(after: i) == fromText.bigram(after: i))
    }
  }

  @Test func aLongFileIsReadWhole() throws {
    // Longer than one chunk of reading, with characters of two bytes across every boundary.
    let file = try TemporaryFile([0x61] + (0..<100_000).flatMap { _ in [UInt8(0xC3), 0xA9] })
    let corpus = try Corpus.file(file.path)
    #expect(corpus.symbols == ["a", "é"])
    #expect(corpus.unigram == [1 / 100_001, 100_000 / 100_001])
  }

  @Test func badFilesAreRefused() throws {
    func refused(_ path: String, _ message: String) {
      #expect(throws: EngineError("corpus.file", message)) { try Corpus.file(path) }
    }
    refused("/no/such/file", "cannot read \"/no/such/file\": No such file or directory")
    refused("/tmp", "\"/tmp\" is a directory")
    refused("/dev/zero", "\"/dev/zero\" is neither a file nor a pipe")
    refused("a\0b", "a path must not contain a zero byte, got \"a\0b\"")
    let empty = try TemporaryFile([])
    refused(empty.path, "\"\(empty.path)\" is empty")
    let single = try TemporaryFile(Array("\n\n".utf8))
    refused(
      single.path,
      "\"\(single.path)\" has only one symbol, U+000A; a vocabulary needs at least 2")
  }

  @Test(
    arguments: [
      ([0x61, 0xFF], 2), ([0x80], 1), ([0x61, 0x62, 0xC3], 3), ([0x61, 0xC3, 0x61], 2),
      ([0xC0, 0x80], 1), ([0x61, 0xE0, 0x80, 0x80], 2), ([0xED, 0xA0, 0x80], 1),
      ([0xF0, 0x80, 0x80, 0x80], 1), ([0xF4, 0x90, 0x80, 0x80], 1), ([0xC3, 0xA9, 0xF5], 3),
      ([0xE2, 0x82], 1),
    ] as [([UInt8], Int)])
  func theFirstByteThatIsNoUTF8IsNamed(bytes: [UInt8], place: Int) throws {
    let file = try TemporaryFile(bytes)
    #expect(
      throws: EngineError("corpus.file", "\"\(file.path)\" is not UTF-8 text (byte \(place))")
    ) { try Corpus.file(file.path) }
  }

  /// Random strings of bytes that sit at the edges of UTF-8's rules, judged by the standard
  /// library.
  @Test func onlyUTF8IsRead() throws {
    let edges: [UInt8] = [
      0x00, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
      0xEF, 0xF0, 0xF1, 0xF4, 0xF5,
    ]
    var stream = RandomStream(seed: 1, purpose: .tensor)
    var valid = 0
    for _ in 0..<3000 {
      // Two symbols in front keep the vocabulary large enough.
      let bytes: [UInt8] =
        [0x78, 0x79]
        + (0..<Int.random(in: 1...4, using: &stream)).map { _ in
          edges[Int(stream.below(UInt32(edges.count)))]
        }
      let file = try TemporaryFile(bytes)
      if let text = String(validating: bytes, as: UTF8.self) {
        valid += 1
        #expect(try Corpus.file(file.path).symbols == Corpus.text(text).symbols, "\(bytes)")
        #expect(
          try Corpus.file(file.path).symbols.map { $0.unicodeScalars.first }
            == Set(text.unicodeScalars).sorted(), "\(bytes)")
      } else {
        #expect(throws: EngineError.self, "\(bytes)") { try Corpus.file(file.path) }
      }
    }
    #expect(valid > 100 && valid < 2900)
  }
}

/// A file that disappears with its last reference.
private final class TemporaryFile {
  let path: String

  init(_ bytes: [UInt8]) throws {
    var template = Array("/tmp/mnemo-corpus-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  deinit { unlink(path) }
}
