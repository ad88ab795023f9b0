import ByteStrings
import Glibc
import Tensors

/// The tokenizer of a pretrained model: byte-level BPE as GPT-2 and GPT-NeoX have it.
///
/// Text is bytes in UTF-8, and tokens are ids that count from 0. Added tokens, such as
/// `<|endoftext|>`, are found first. The rest is composed (NFC) where the file asks for it and cut
/// into words (``WordScanner``); in each word, tokens of single bytes are merged by the file's
/// rules. At worst a text is the sequence of its bytes' tokens, so none is unknown. The tokens are
/// those of the Python package tokenizers.
///
/// A tokenizer may be used from any number of threads.
public final class Tokenizer: Sendable {
  /// Number of ids, special and added tokens counted; ids are 0..<count.
  public let count: Int

  /// The bytes that each id stands for; nil where the file names no token.
  let tokens: [[UInt8]?]
  /// The id of each token as the file spells it.
  private let ids: [[UInt8]: Int]
  /// The token of each byte; −1 where the vocabulary has none.
  let byteTokens: [Int32]
  let merges: Merges
  /// Added tokens that are looked for in the text as it is, and after normalization.
  let addedTokens: (plain: AddedTokens, normalized: AddedTokens)
  let composesText: Bool
  let addsSpaceBefore: Bool
  let cutsWords: Bool
  /// What an earlier call left for the next one.
  let spare = Lock<WordEncoder?>(nil)

  /// Reads a tokenizer from the format of the Python package tokenizers.
  ///
  /// - Parameter path: a tokenizer.json, or a folder that holds one.
  /// - Throws: `EngineError` that names the file and what is wrong with it, or what it asks for
  ///   that is neither GPT-2's nor GPT-NeoX's.
  public init(path: String) throws {
    let path = Self.isFolder(path) ? path + "/tokenizer.json" : path
    func failure(_ message: String) -> EngineError {
      EngineError("tokenizer", "\"\(path.printable)\": \(message)")
    }
    do {
      let file = try TokenizerFile(path: path, failure)
      ids = try Self.ids(file)
      count = (ids.values.max() ?? -1) + 1
      tokens = Self.tokens(file, count: count)
      byteTokens = ByteAlphabet.characters.map { [ids] in
        ids[Array(String($0).utf8)].map(Int32.init) ?? -1
      }
      merges = try Self.merges(file, ids)
      addedTokens = try Self.addedTokens(file)
      (composesText, addsSpaceBefore, cutsWords) =
        (file.composesText, file.addsSpaceBefore, file.cutsWords)
    } catch let refusal as Refusal {
      throw failure(refusal.words)
    }
  }

  /// The bytes that one token stands for; nil if there is none of that id.
  ///
  /// They need not be whole characters.
  public func bytes(of id: Int) -> [UInt8]? { tokens.indices.contains(id) ? tokens[id] : nil }

  /// The id of a token: a special or added one, or an entry of the vocabulary as the file spells
  /// it, where Ġ is a space.
  public func id(ofToken text: String) -> Int? { ids[text.bytes] }

  /// The bytes that tokens stand for, one after the other.
  /// - Throws: `EngineError` if there is no token of an id; it counts ids from 1.
  public func decode(_ ids: [Int]) throws -> [UInt8] {
    var result: [UInt8] = []
    for (i, id) in ids.enumerated() {
      if i & 0xFFFF == 0 { try StopToken.checkpoint() }
      guard tokens.indices.contains(id) else {
        throw EngineError("decode", "token \(id &+ 1) is outside 1…\(count)")
      }
      guard let bytes = tokens[id] else {
        throw EngineError("decode", "the vocabulary has no token \(id + 1)")
      }
      result += bytes
    }
    return result
  }
}

// MARK: - From a file

extension Tokenizer {
  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return path.withCBytes { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The id of each token.
  /// - Throws: `Refusal` if two tokens have one id, or one has two.
  private static func ids(_ file: TokenizerFile) throws -> [[UInt8]: Int] {
    var ids: [[UInt8]: Int] = [:]
    var owners: [Int: [UInt8]] = [:]
    let added = file.addedTokens.map { ($0.text, $0.id) }
    guard Set(added.map(\.0)).count == added.count else {
      throw Refusal("an added token comes twice")
    }
    for (text, id) in file.vocabulary + added {
      if let other = owners.updateValue(text, forKey: id), other != text {
        throw Refusal("tokens \(quoted(other)) and \(quoted(text)) have one id, \(id)")
      }
      if let other = ids.updateValue(id, forKey: text), other != id {
        throw Refusal("token \(quoted(text)) has two ids, \(other) and \(id)")
      }
    }
    return ids
  }

  /// The bytes of each id.
  ///
  /// An added token stands for its text; the others' texts are of the alphabet of bytes.
  private static func tokens(_ file: TokenizerFile, count: Int) -> [[UInt8]?] {
    var tokens = [[UInt8]?](repeating: nil, count: count)
    for (text, id) in file.vocabulary { tokens[id] = ByteAlphabet.bytes(of: text) }
    for token in file.addedTokens { tokens[token.id] = token.text }
    return tokens
  }

  private static func merges(_ file: TokenizerFile, _ ids: [[UInt8]: Int]) throws -> Merges {
    var merges = Merges(count: file.merges.count)
    let vocabulary = Set(file.vocabulary.map(\.text))
    for (i, (left, right)) in file.merges.enumerated() {
      if i & 0x3FF == 0 { try StopToken.checkpoint() }
      func id(_ token: [UInt8]) throws -> Int32 {
        guard vocabulary.contains(token), let id = ids[token] else {
          throw Refusal("merge \(i + 1) of its model needs \(quoted(token)), which its vocab lacks")
        }
        return Int32(id)
      }
      merges.add(try id(left), try id(right), makes: try id(left + right))
    }
    return merges
  }

  private static func addedTokens(
    _ file: TokenizerFile
  ) throws -> (plain: AddedTokens, normalized: AddedTokens) {
    var normalized = file.addedTokens.filter(\.isNormalized)
    if file.composesText {
      for i in normalized.indices {
        normalized[i].text = try composed(normalized[i].text[...]) ?? normalized[i].text
      }
    }
    return (AddedTokens(file.addedTokens.filter { !$0.isNormalized }), AddedTokens(normalized))
  }
}
