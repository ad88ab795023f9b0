import ByteStrings
import Glibc
import Tensors

/// Symbols and their statistics: the unigram πᵤ and the bigram π_b.
///
/// Data tasks draw tokens from it; ids count from 0.
///
/// Only positive probabilities are stored, so a corpus of 50,000 independent symbols is small. A
/// corpus never changes and may be used from any thread.
///
/// Symbols of a text are its Unicode scalars, sorted by code point. Symbols of made-up corpora
/// (``uniform(_:)``, ``zipf(_:alpha:)``, ``counts(unigram:bigram:)``) are the numbers from "1", and
/// texts of them separate the numbers by spaces.
public final class Corpus: Sendable {
  /// Number of symbols, N.
  public let vocabSize: Int
  /// Probability of each symbol, πᵤ [N]; sums to 1.
  public let unigram: [Double]
  /// The symbol of each id.
  public let symbols: [String]

  /// Row i holds π_b(·|i) where symbol i was followed by something; row N holds πᵤ.
  private let rows: SparseRows
  /// The row of `rows` to draw from after each symbol.
  private let rowAfter: [Int32]
  /// The id of each symbol, where symbols are single scalars.
  private let ids: [Unicode.Scalar: Int32]?

  /// A corpus of these counts; `bigram[i]` lists what followed symbol i, by ascending column.
  ///
  /// - Parameters:
  ///   - unigram: weight of each symbol, checked and not all zero.
  ///   - bigram: rows that are missing or empty are the unigram.
  ///   - scalars: the symbols, or nil to number them.
  /// - Throws: `EngineError` if weights are negative or not finite.
  private init(
    unigram: [Double], bigram: [[SparseRows.Entry]], scalars: [Unicode.Scalar]?
  ) throws {
    let n = unigram.count
    vocabSize = n
    let total = unigram.reduce(0, +)
    self.unigram = unigram.map { $0 / total }
    let start = unigram.enumerated().map {
      SparseRows.Entry(column: Int32($0.offset), weight: $0.element)
    }
    let empty = [[SparseRows.Entry]](repeating: [], count: n - bigram.count)
    try StopToken.checkpoint()
    rows = try SparseRows(rows: bigram + empty + [start])
    let built = rows
    rowAfter = (0..<n).map { Int32(built.isEmpty($0) ? n : $0) }
    try StopToken.checkpoint()
    if let scalars {
      symbols = scalars.map { String($0) }
      ids = [Unicode.Scalar: Int32](
        uniqueKeysWithValues: zip(scalars, Int32(0)..<Int32(scalars.count)))
    } else {
      symbols = try (1...n).map {
        if $0 & 0xFFFF == 0 { try StopToken.checkpoint() }
        return String($0)
      }
      ids = nil
    }
  }

  // MARK: Statistics

  /// Probability of each symbol to follow symbol `id`, π_b(·|id) [N]; sums to 1.
  ///
  /// After a symbol that was never followed by another (or a corpus of independent symbols) this
  /// is the unigram.
  /// - Throws: `EngineError` if there is no such symbol.
  public func bigram(after id: Int) throws -> [Double] {
    try check(id, "bigram")
    var result = [Double](repeating: 0, count: vocabSize)
    rows.forEach(Int(rowAfter[id])) { result[$0] = $1 }
    return result
  }

  /// The whole bigram table π_b [N, N], rows summing to 1 (see ``bigram(after:)``).
  /// - Throws: `EngineError` for more than 16,384 symbols (the table would take gigabytes).
  public func bigramTable() throws -> Tensor {
    let n = vocabSize
    guard n <= 1 << 14 else {
      throw EngineError(
        "bigram", "a table of \(n) × \(n) is too large (allowed: up to \(1 << 14) symbols)")
    }
    let result = try Tensor(full: [n, n], 0)
    try result.withMutableElements { out in
      for i in 0..<n where !StopToken.stopsHere {
        rows.forEach(Int(rowAfter[i])) { out[i * n + $0] = Float($1) }
      }
    }
    return result
  }

  /// A text that tells it from other corpora: its symbols and all probabilities, hashed (FNV-1a).
  var fingerprint: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ number: UInt64) { hash = (hash ^ number) &* 0x100_0000_01B3 }
    for symbol in symbols {
      for byte in symbol.utf8 { add(UInt64(byte)) }
      add(0)
    }
    for row in 0...vocabSize {
      rows.forEach(row) { symbol, probability in
        add(UInt64(symbol))
        add(probability.bitPattern)
      }
      add(.max)
    }
    for row in rowAfter { add(UInt64(bitPattern: Int64(row))) }
    return String(hash, radix: 16)
  }

  /// Number of symbols of positive probability.
  var support: Int { rows.count(vocabSize) }

  /// Ids of the symbols of positive probability, the most frequent first; among equals the lower
  /// id.
  func ranking() -> [Int32] {
    var result: [Int32] = []
    rows.forEach(vocabSize) { symbol, _ in result.append(Int32(symbol)) }
    return result.sorted { (unigram[Int($0)], -$0) > (unigram[Int($1)], -$1) }
  }

  // MARK: Draws

  /// Draws a symbol from πᵤ.
  @inline(__always)
  func first(using stream: inout RandomStream) -> Int32 {
    rows.sample(vocabSize, using: &stream)
  }

  /// Draws a symbol from π_b(·|id).
  @inline(__always)
  func next(after id: Int32, using stream: inout RandomStream) -> Int32 {
    rows.sample(Int(rowAfter[Int(id)]), using: &stream)
  }

  /// Draws from π_b(·|id) given that the symbol lies in `range` and is not `excluded`; nil if that
  /// has probability 0.
  func next(
    after id: Int32, in range: ClosedRange<Int>, excluding excluded: Int?,
    using stream: inout RandomStream
  ) -> Int32? {
    rows.sample(Int(rowAfter[Int(id)]), in: range, excluding: excluded, using: &stream)
  }

  /// Whether some symbol in `range` other than `excluded` can follow `id`.
  func canFollow(_ id: Int32, in range: ClosedRange<Int>, excluding excluded: Int?) -> Bool {
    rows.hasMass(Int(rowAfter[Int(id)]), in: range, excluding: excluded)
  }

  // MARK: Text

  /// The ids of a text's symbols.
  /// - Throws: `EngineError` that names a symbol which the corpus does not have.
  public func encode(_ text: String) throws -> [Int32] {
    guard let ids else {
      return try text.split(separator: " ").map { word in
        guard let number = Int32(word), number >= 1, number <= vocabSize else {
          throw EngineError(
            "encode", "symbol \"\(word)\" is not among the numbers 1…\(vocabSize) of this corpus")
        }
        return number - 1
      }
    }
    var result: [Int32] = []
    for scalar in text.unicodeScalars {
      if result.count & 0xFFFF == 0 { try StopToken.checkpoint() }
      guard let id = ids[scalar] else {
        throw EngineError(
          "encode",
          "character \(result.count + 1), \(Self.quoted(scalar)), is not among the "
            + "\(vocabSize) symbols of this corpus")
      }
      result.append(id)
    }
    return result
  }

  /// The text of these ids.
  /// - Throws: `EngineError` if an id is outside 0..<``vocabSize``.
  public func decode(_ ids: [Int32]) throws -> String {
    for id in ids { try check(Int(id), "decode") }
    var result = ""
    for (i, id) in ids.enumerated() {
      if i & 0xFFFF == 0 { try StopToken.checkpoint() }
      if i > 0 && self.ids == nil { result += " " }
      result += symbols[Int(id)]
    }
    return result
  }

  private func check(_ id: Int, _ operation: String) throws {
    guard id >= 0, id < vocabSize else {
      throw EngineError(operation, "token \(id + 1) is outside 1…\(vocabSize)")
    }
  }

  /// A scalar as a message shows it: with its code point, which tells look-alikes apart.
  private static func quoted(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    let text = String(scalar)
    return text.printable == text ? "\"\(text)\" (\(code))" : code
  }
}

// MARK: - Corpora

extension Corpus {
  /// The characters of tiny Shakespeare (Karpathy 2015): 65 symbols, counted over 1,115,394
  /// characters.
  /// - Throws: Never in practice; the counts are part of the program.
  public static func shakespeare() throws -> Corpus { try tinyShakespeare.get() }

  private static let tinyShakespeare = Result {
    let unigrams = table(PackageResources.tinyshakespeare_unigrams_csv)
    let scalars = unigrams.compactMap { Unicode.Scalar(UInt32($0[0])) }
    let id = [Int: Int](uniqueKeysWithValues: zip(unigrams.map { $0[0] }, unigrams.indices))
    var bigram = [[SparseRows.Entry]](repeating: [], count: unigrams.count)
    // The table is sorted by both code points, as the ids are.
    for line in table(PackageResources.tinyshakespeare_bigrams_csv) {
      guard let i = id[line[0]], let j = id[line[1]] else {
        throw EngineError("corpus.shakespeare", "the table of bigrams has an unknown character")
      }
      bigram[i].append(SparseRows.Entry(column: Int32(j), weight: Double(line[2])))
    }
    return try Corpus(unigram: unigrams.map { Double($0[1]) }, bigram: bigram, scalars: scalars)
  }

  /// The lines of a table of natural numbers with commas, below its heading.
  private static func table(_ csv: [UInt8]) -> [[Int]] {
    csv.split(separator: UInt8(ascii: "\n")).dropFirst().map { line in
      line.split(separator: UInt8(ascii: ",")).map { field in
        // Lines may end in a carriage return.
        field.reduce(0) { $1 < 0x30 ? $0 : $0 * 10 + Int($1 - 0x30) }
      }
    }
  }

  /// The letters a…z, independent of each other, as frequent as in English (docs/engine.md, D2).
  /// - Throws: Never in practice.
  public static func letters() throws -> Corpus {
    // Percent, a…z; Lewand 2000, Cryptological Mathematics.
    let percent = [
      8.167, 1.492, 2.782, 4.253, 12.702, 2.228, 2.015, 6.094, 6.966, 0.153, 0.772, 4.025, 2.406,
      6.749, 7.507, 1.929, 0.095, 5.987, 6.327, 9.056, 2.758, 0.978, 2.360, 0.150, 1.974, 0.074,
    ]
    return try Corpus(
      unigram: percent, bigram: [], scalars: Array("abcdefghijklmnopqrstuvwxyz".unicodeScalars))
  }

  /// `n` independent symbols, all equally frequent.
  /// - Throws: `EngineError` if `n` is less than 2 or more than 2²⁴.
  public static func uniform(_ n: Int) throws -> Corpus {
    try checkSize(n, "corpus.uniform")
    return try Corpus(unigram: [Double](repeating: 1, count: n), bigram: [], scalars: nil)
  }

  /// `n` independent symbols with Zipf's frequencies, πᵤ(k) ∝ k^−α for k = 1…n.
  /// - Throws: `EngineError` if `n` is less than 2 or more than 2²⁴, or `alpha` is negative or not
  ///   finite.
  public static func zipf(_ n: Int, alpha: Double) throws -> Corpus {
    try checkSize(n, "corpus.zipf")
    guard alpha.isFinite, alpha >= 0 else {
      throw EngineError("corpus.zipf", "alpha must be finite and not negative, got \(alpha)")
    }
    var weights: [Double] = []
    try StopToken.parts(n) { part in weights += part.map { pow(Double($0 + 1), -alpha) } }
    return try Corpus(unigram: weights, bigram: [], scalars: nil)
  }

  private static func checkSize(_ n: Int, _ operation: String) throws {
    guard n >= 2, n <= 1 << 24 else {
      throw EngineError(operation, "needs 2 to \(1 << 24) symbols, got \(n)")
    }
  }

  /// The characters (Unicode scalars) of a text and which follows which.
  /// - Throws: `EngineError` if the text has fewer than two different characters.
  public static func text(_ text: String) throws -> Corpus {
    try Corpus.text(bytes: Array(text.utf8))
  }

  /// The same of bytes that should be UTF-8.
  /// - Throws: `EngineError` if they are not (naming the byte, counted from 1), or have fewer than
  ///   two different characters.
  public static func text(bytes: [UInt8]) throws -> Corpus {
    try bytes.withUnsafeBufferPointer {
      try counting(scalars(ofUTF8: $0, "corpus.text", "the text"), "corpus.text", "the text")
    }
  }

  /// The characters (Unicode scalars) of a text file in UTF-8.
  /// - Throws: `EngineError` if the file cannot be read, is no UTF-8 (naming the byte, counted from
  ///   1), or has fewer than two different characters.
  public static func file(_ path: String) throws -> Corpus {
    let operation = "corpus.file"
    let what = "\"\(path)\""
    return try bytes(ofFile: path, operation).withUnsafeBufferPointer {
      try counting(scalars(ofUTF8: $0, operation, what), operation, what)
    }
  }

  /// Counts characters and pairs of neighbours.
  private static func counting(
    _ text: [Unicode.Scalar], _ operation: String, _ what: String
  ) throws -> Corpus {
    guard !text.isEmpty else { throw EngineError(operation, "\(what) is empty") }
    var different = Set<Unicode.Scalar>()
    try StopToken.parts(text.count) { different.formUnion(text[$0]) }
    let scalars = different.sorted()
    guard scalars.count >= 2 else {
      throw EngineError(
        operation,
        "\(what) has only one symbol, \(quoted(scalars[0])); a vocabulary needs at least 2")
    }
    let n = scalars.count
    let id = [Unicode.Scalar: Int](uniqueKeysWithValues: zip(scalars, scalars.indices))
    var tokens: [Int] = []
    tokens.reserveCapacity(text.count)
    var counts = [Int](repeating: 0, count: n)
    try StopToken.parts(text.count) { part in
      for scalar in text[part] {
        let token = id[scalar] ?? 0
        tokens.append(token)
        counts[token] += 1
      }
    }
    // Successors, sorted by what they follow (a counting sort), then each row counted on its own:
    // a large vocabulary needs no N × N table.
    var place = [Int](repeating: 0, count: n + 1)
    for token in 0..<n { place[token + 1] = place[token] + counts[token] }
    let start = place
    var successors = [Int](repeating: 0, count: tokens.count)
    try StopToken.parts(tokens.count - 1) { part in
      for i in part {
        successors[place[tokens[i]]] = tokens[i + 1]
        place[tokens[i]] += 1
      }
    }
    var seen = [Int](repeating: 0, count: n)
    let bigram = try (0..<n).map { token -> [SparseRows.Entry] in
      var columns: [Int] = []
      let first = start[token]
      try StopToken.parts(place[token] - first) { part in
        for i in part {
          let successor = successors[first + i]
          if seen[successor] == 0 { columns.append(successor) }
          seen[successor] += 1
        }
      }
      columns.sort()
      defer { for column in columns { seen[column] = 0 } }
      return columns.map { SparseRows.Entry(column: Int32($0), weight: Double(seen[$0])) }
    }
    return try Corpus(unigram: counts.map(Double.init), bigram: bigram, scalars: scalars)
  }

  /// A corpus of given counts or probabilities; rows need not sum to 1.
  ///
  /// - Parameters:
  ///   - unigram: weight of each symbol [N]; by default the sums of the bigram's rows.
  ///   - bigram: weight of each pair [N, N], row i for what follows symbol i; a row of zeros is
  ///     the unigram. By default every row is: symbols are independent.
  /// - Returns: The corpus; its symbols are the numbers from "1".
  /// - Throws: `EngineError` if shapes do not agree, or weights are negative, not finite or all
  ///   zero.
  public static func counts(unigram: [Double]? = nil, bigram: [[Double]]? = nil) throws -> Corpus {
    let operation = "corpus.counts"
    guard let n = unigram?.count ?? bigram?.count else {
      throw EngineError(operation, "needs unigram, bigram or both")
    }
    try checkSize(n, operation)
    if let bigram, bigram.count != n {
      throw EngineError(
        operation, "bigram has \(bigram.count) rows for a unigram of \(n) symbols (allowed: \(n))")
    }
    for (i, row) in (bigram ?? []).enumerated() {
      guard row.count == n else {
        throw EngineError(operation, "bigram[\(i + 1)] has \(row.count) counts (allowed: \(n))")
      }
      _ = try total(row, "bigram[\(i + 1)]")
    }
    let weights = try unigram ?? (bigram ?? []).map { try total($0, "a row of bigram") }
    guard try total(weights, "unigram") > 0 else {
      throw EngineError(operation, "all counts are zero")
    }
    let rows = (bigram ?? []).map { row in
      row.enumerated().map { SparseRows.Entry(column: Int32($0.offset), weight: $0.element) }
    }
    return try Corpus(unigram: weights, bigram: rows, scalars: nil)
  }

  /// The sum of checked weights.
  private static func total(_ weights: [Double], _ name: String) throws -> Double {
    for (i, weight) in weights.enumerated() where !(weight >= 0 && weight.isFinite) {
      throw EngineError(
        "corpus.counts",
        "\(name)[\(i + 1)] is \(weight); counts must be finite and not negative")
    }
    let sum = weights.reduce(0, +)
    guard sum.isFinite else {
      throw EngineError("corpus.counts", "the counts of \(name) are too large to add up")
    }
    return sum
  }
}
