import JSONText
import TensorFiles
import Tensors

/// What a tokenizer.json says, where that is byte-level BPE as GPT-2 and GPT-NeoX have it.
///
/// Everything that would change tokens is either honoured or refused.
struct TokenizerFile {
  /// The entries of the vocabulary, as they are spelled there.
  let vocabulary: [(text: [UInt8], id: Int)]
  /// Pairs of entries that become one, the earliest first.
  let merges: [(left: [UInt8], right: [UInt8])]
  let addedTokens: [AddedToken]
  /// Whether text is composed first (NFC).
  let composesText: Bool
  /// Whether a text that does not begin with a space gets one.
  let addsSpaceBefore: Bool
  /// Whether text is cut into words.
  let cutsWords: Bool

  /// The largest file, in bytes.
  private static let mostBytes = 1 << 26
  /// The largest vocabulary.
  static let mostTokens = 1 << 22
  /// The most bytes that added tokens may have together.
  private static let mostAddedBytes = 1 << 22

  /// Reads and checks a file.
  /// - Throws: `EngineError` with the system's reason if it cannot be read; `Refusal` for the first
  ///   thing that is wrong with it.
  init(path: String, _ failure: (String) -> EngineError) throws {
    let (file, size) = try File.regular(path, failure)
    guard size <= Self.mostBytes else {
      throw Refusal("holds \(size) bytes (allowed: up to \(Self.mostBytes))")
    }
    var bytes = [UInt8](repeating: 0, count: size)
    try bytes.withUnsafeMutableBytes { try file.read($0, at: 0, failure) }
    do {
      try self.init(JSON(utf8: bytes))
    } catch let error as JSONError {
      throw Refusal("is not JSON: \(error.reason)")
    }
  }

  private init(_ json: JSON) throws {
    guard case .object = json else {
      throw Refusal("is no tokenizer.json: it holds \(json.shown), not an object")
    }
    guard let model = json["model"] else { throw Refusal("is no tokenizer.json: it has no model") }
    try Self.checkModel(model)
    for name in ["truncation", "padding"] where json[name] != nil {
      throw Refusal("its \(name) is not supported (allowed: null)")
    }
    vocabulary = try Self.vocabulary(model)
    merges = try Self.merges(model)
    addedTokens = try Self.addedTokens(json)
    composesText = try Self.composesText(json["normalizer"])
    let words = try Self.only(json["pre_tokenizer"], "pre_tokenizer", "pretokenizers")
    addsSpaceBefore = try words.flag("add_prefix_space", default: true, "its pre_tokenizer")
    cutsWords = try words.flag("use_regex", default: true, "its pre_tokenizer")
    _ = try Self.only(json["decoder"], "decoder", "decoders")
    try Self.checkAddsNothing(json["post_processor"])
  }
}

// MARK: - The model

extension TokenizerFile {
  private static func checkModel(_ model: JSON) throws {
    // Files of before 2021 have no type.
    let isBPE = model["type"].map { $0.isText("BPE") } ?? (model["merges"] != nil)
    guard isBPE else {
      throw Refusal("its model is of type \(model["type"]?.shown ?? "null") (allowed: \"BPE\")")
    }
    if let dropout = model["dropout"], !dropout.isZero {
      throw Refusal("its model's dropout is \(dropout.shown) (allowed: null)")
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let given = model[name], !given.isText("") {
        throw Refusal("its model's \(name) is \(given.shown) (allowed: null)")
      }
    }
    for name in ["byte_fallback", "ignore_merges"] {
      guard try !model.flag(name, default: false, "its model") else {
        throw Refusal("its model's \(name) is true (allowed: false)")
      }
    }
  }

  private static func vocabulary(_ model: JSON) throws -> [(text: [UInt8], id: Int)] {
    guard case .object(let entries)? = model["vocab"] else {
      throw Refusal("its model's vocab is \((model["vocab"] ?? .null).shown), not an object")
    }
    return try entries.map { entry in
      let name = Array(entry.name.utf8)
      return (name, try id(entry.value, of: "token \(quoted(name)) of its vocab"))
    }
  }

  private static func id(_ json: JSON?, of token: @autoclosure () -> String) throws -> Int {
    guard case .integer(let id)? = json, id >= 0, id < mostTokens else {
      throw Refusal(
        "the id of \(token()) is \((json ?? .null).shown) (allowed: 0 to \(mostTokens - 1))")
    }
    return id
  }

  private static func merges(_ model: JSON) throws -> [(left: [UInt8], right: [UInt8])] {
    guard case .list(let merges)? = model["merges"] else {
      throw Refusal("its model's merges are \((model["merges"] ?? .null).shown), not a list")
    }
    return try merges.enumerated().map { i, merge in
      switch merge {
      case .text(let both):
        let parts = both.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        if parts.count == 2 { return (Array(parts[0]), Array(parts[1])) }
      case .list(let parts):
        if parts.count == 2, case .text(let left) = parts[0], case .text(let right) = parts[1] {
          return (Array(left.utf8), Array(right.utf8))
        }
      default: break
      }
      throw Refusal(
        "merge \(i + 1) of its model is \(merge.shown) (allowed: \"a b\" or [\"a\", \"b\"])")
    }
  }

  private static func addedTokens(_ json: JSON) throws -> [AddedToken] {
    guard let given = json["added_tokens"] else { return [] }
    guard case .list(let list) = given else {
      throw Refusal("its added_tokens are \(given.shown), not a list")
    }
    let tokens = try list.enumerated().map { i, json in try addedToken(json, number: i + 1) }
    let bytes = tokens.reduce(0) { $0 + $1.text.count }
    guard bytes <= mostAddedBytes else {
      throw Refusal("its added_tokens have \(bytes) bytes (allowed: up to \(mostAddedBytes))")
    }
    return tokens
  }

  private static func addedToken(_ json: JSON, number: Int) throws -> AddedToken {
    guard case .text(let content)? = json["content"], !content.isEmpty else {
      throw Refusal("added token \(number) has no content")
    }
    let text = Array(content.utf8)
    let name = "added token \(quoted(text))"
    guard try !json.flag("single_word", default: false, name) else {
      throw Refusal("\(name): single_word is true (allowed: false)")
    }
    let isSpecial = try json.flag("special", default: false, name)
    return AddedToken(
      text: text, id: try id(json["id"], of: name),
      takesSpaceBefore: try json.flag("lstrip", default: false, name),
      takesSpaceAfter: try json.flag("rstrip", default: false, name),
      isNormalized: try json.flag("normalized", default: !isSpecial, name))
  }
}

// MARK: - Before and after the model

extension TokenizerFile {
  /// What each part of a tokenizer may be.
  private static let byteLevel = "ByteLevel"
  private static let composition = "NFC"

  /// The steps of a part; those of a `Sequence` one by one.
  private static func steps(_ part: JSON?, _ name: String, _ members: String) throws -> [JSON] {
    guard let part else { return [] }
    guard part["type"]?.isText("Sequence") == true else { return [part] }
    guard case .list(let steps)? = part[members] else {
      throw Refusal("its \(name), a Sequence, has no \(members)")
    }
    return steps
  }

  private static func wrongType(_ part: JSON, _ name: String, allowed: String) -> Refusal {
    let given = part["type"].map { "of type \($0.shown)" } ?? "\(part.shown) without a type"
    return Refusal("its \(name) is \(given) (allowed: \(allowed))")
  }

  /// The one step, for bytes, that a part may have.
  private static func only(_ part: JSON?, _ name: String, _ members: String) throws -> JSON {
    let steps = try steps(part, name, members)
    if let other = steps.first(where: { $0["type"]?.isText(byteLevel) != true }) {
      throw wrongType(other, name, allowed: "\"\(byteLevel)\"")
    }
    guard let step = steps.first, steps.count == 1 else {
      throw Refusal(
        "its \(name) has \(steps.isEmpty ? "no" : String(steps.count)) steps (allowed: one, "
          + "\"\(byteLevel)\")")
    }
    return step
  }

  private static func composesText(_ normalizer: JSON?) throws -> Bool {
    let steps = try steps(normalizer, "normalizer", "normalizers")
    if let other = steps.first(where: { $0["type"]?.isText(composition) != true }) {
      throw wrongType(other, "normalizer", allowed: "null, \"\(composition)\"")
    }
    return !steps.isEmpty
  }

  /// - Throws: `Refusal` unless what comes after the model leaves the tokens as they are.
  private static func checkAddsNothing(_ processor: JSON?) throws {
    for step in try steps(processor, "post_processor", "processors") {
      if step["type"]?.isText(byteLevel) == true { continue }
      guard step["type"]?.isText("TemplateProcessing") == true else {
        throw wrongType(
          step, "post_processor",
          allowed: "null, \"\(byteLevel)\", an empty \"TemplateProcessing\"")
      }
      guard case .list(let parts)? = step["single"], parts.count == 1,
        parts[0]["Sequence"] != nil
      else {
        throw Refusal(
          "its post_processor, a TemplateProcessing, adds tokens (allowed: the text's own alone)")
      }
    }
  }
}

extension JSON {
  fileprivate func isText(_ text: String) -> Bool {
    if case .text(let own) = self { own.utf8.elementsEqual(text.utf8) } else { false }
  }

  fileprivate var isZero: Bool {
    switch self {
    case .integer(let integer): integer == 0
    case .number(let number): number == 0
    default: false
    }
  }

  /// A field that is true or false.
  fileprivate func flag(
    _ name: String, default fallback: Bool, _ owner: String
  ) throws -> Bool {
    guard let given = self[name] else { return fallback }
    guard case .boolean(let flag) = given else {
      throw Refusal("\(owner): \(name) is \(given.shown) (allowed: true, false)")
    }
    return flag
  }
}
