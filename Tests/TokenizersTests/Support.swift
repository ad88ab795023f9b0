import FoundationEssentials
import TestSupport
import Tokenizers

/// The tokenizers of Tests/Fixtures.
enum Fixture: String, CaseIterable {
  case gpt2, neox

  static func path(_ name: String) -> String {
    fixture(name).replacing(".safetensors", with: ".json")
  }

  var path: String { Self.path("tokenizer-\(rawValue)") }

  func tokenizer() throws -> Tokenizer { try Tokenizer(path: path) }

  /// The file, for changes.
  func content() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}

/// What the Python package tokenizers made of a text.
struct Recorded: Decodable {
  struct Result: Decodable {
    var ids: [Int]
    var decoded: String
    var part: [Int]
    // The recording's own name.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var part_decoded: String
  }
  var text: String
  var gpt2: Result
  var neox: Result

  func result(_ fixture: Fixture) -> Result { fixture == .gpt2 ? gpt2 : neox }

  static func all() throws -> [Recorded] {
    let data = try Data(contentsOf: URL(filePath: Fixture.path("tokenizer-texts")))
    return try JSONDecoder().decode([Recorded].self, from: data)
  }
}

/// A tokenizer.json of a few tokens, parts of which tests replace.
struct SmallFile {
  var added = "[]"
  var normalizer = "null"
  var words = #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#
  var processor = "null"
  var decoder = #"{"type": "ByteLevel"}"#
  var vocabulary = #"{"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "Ġ": 5}"#
  var merges = #"["a b", ["ab", "c"]]"#
  /// More fields of the model, and of the whole.
  var modelFields = #""type": "BPE""#
  var fields = #""version": "1.0""#

  var text: String {
    """
    {\(fields), "added_tokens": \(added), "normalizer": \(normalizer), "pre_tokenizer": \(words),
     "post_processor": \(processor), "decoder": \(decoder),
     "model": {\(modelFields), "vocab": \(vocabulary), "merges": \(merges)}}
    """
  }

  func tokenizer() throws -> Tokenizer { try tokenizerOf(text) }
}

/// The tokenizer of a file with this text.
func tokenizerOf(_ text: String) throws -> Tokenizer { try tokenizerOf(Array(text.utf8)) }

/// The tokenizer of a file with these bytes; messages call it tokenizer.json.
func tokenizerOf(_ bytes: [UInt8]) throws -> Tokenizer {
  try withTemporaryFolder { folder in
    let path = folder + "/tokenizer.json"
    try Data(bytes).write(to: URL(filePath: path))
    return try Tokenizer(path: path)
  }
}

extension Tokenizer {
  /// The tokens of a string.
  func encode(_ text: String) throws -> [Int] { try encode(Array(text.utf8)) }
}
