import FoundationEssentials
import Glibc
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Files that are malformed, or tokenizers of another kind.
@Suite struct TokenizerFileTests {
  /// Checks that a file with this text is refused, with a sentence that ends so.
  private func expectRefusal(
    _ ending: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectRefusal(ending, Array(text.utf8), sourceLocation: sourceLocation)
  }

  private func expectRefusal(
    _ ending: String, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    do {
      _ = try tokenizerOf(bytes)
      Issue.record("no error; expected \(ending)", sourceLocation: sourceLocation)
    } catch let error as EngineError {
      let message = error.description
      #expect(message.hasPrefix("tokenizer: \"/"), sourceLocation: sourceLocation)
      #expect(
        message.hasSuffix("/tokenizer.json\": " + ending), "\(message)",
        sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(error) is not an EngineError", sourceLocation: sourceLocation)
    }
  }

  private func expectRefusal(
    _ ending: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout SmallFile) -> Void
  ) {
    var file = SmallFile()
    change(&file)
    expectRefusal(ending, file.text, sourceLocation: sourceLocation)
  }

  // MARK: Another kind

  @Test func otherModelsAreRefused() {
    for kind in ["WordPiece", "WordLevel", "Unigram"] {
      expectRefusal("its model is of type \"\(kind)\" (allowed: \"BPE\")") {
        $0.modelFields = "\"type\": \"\(kind)\""
      }
    }
    expectRefusal(
      "its model is of type null (allowed: \"BPE\")", #"{"model": {"vocab": {"a": 0}}}"#)
    expectRefusal("its model's byte_fallback is true (allowed: false)") {
      $0.modelFields += ", \"byte_fallback\": true"
    }
    expectRefusal("its model's ignore_merges is true (allowed: false)") {
      $0.modelFields += ", \"ignore_merges\": true"
    }
    expectRefusal("its model's dropout is 0.1 (allowed: null)") {
      $0.modelFields += ", \"dropout\": 0.1"
    }
    expectRefusal("its model's continuing_subword_prefix is \"##\" (allowed: null)") {
      $0.modelFields += ", \"continuing_subword_prefix\": \"##\""
    }
    expectRefusal("its model's end_of_word_suffix is \"</w>\" (allowed: null)") {
      $0.modelFields += ", \"end_of_word_suffix\": \"</w>\""
    }
  }

  @Test func otherStepsAreRefused() {
    let metaspace = #"{"type": "Metaspace"}"#
    let bytes = #"{"type": "ByteLevel"}"#
    expectRefusal("its pre_tokenizer is of type \"Metaspace\" (allowed: \"ByteLevel\")") {
      $0.words = metaspace
    }
    expectRefusal("its pre_tokenizer is of type \"Split\" (allowed: \"ByteLevel\")") {
      $0.words = #"{"type": "Sequence", "pretokenizers": [{"type": "Split"}, \#(bytes)]}"#
    }
    expectRefusal("its pre_tokenizer has 2 steps (allowed: one, \"ByteLevel\")") {
      $0.words = #"{"type": "Sequence", "pretokenizers": [\#(bytes), \#(bytes)]}"#
    }
    expectRefusal("its pre_tokenizer has no steps (allowed: one, \"ByteLevel\")") {
      $0.words = "null"
    }
    expectRefusal("its pre_tokenizer, a Sequence, has no pretokenizers") {
      $0.words = #"{"type": "Sequence"}"#
    }
    expectRefusal("its pre_tokenizer: add_prefix_space is 1 (allowed: true, false)") {
      $0.words = #"{"type": "ByteLevel", "add_prefix_space": 1}"#
    }
    expectRefusal("its normalizer is of type \"NFKC\" (allowed: null, \"NFC\")") {
      $0.normalizer = #"{"type": "NFKC"}"#
    }
    expectRefusal("its normalizer is of type \"Lowercase\" (allowed: null, \"NFC\")") {
      $0.normalizer =
        #"{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}"#
    }
    expectRefusal("its normalizer is 3 without a type (allowed: null, \"NFC\")") {
      $0.normalizer = "3"
    }
    expectRefusal("its decoder is of type \"Metaspace\" (allowed: \"ByteLevel\")") {
      $0.decoder = metaspace
    }
    expectRefusal("its decoder has no steps (allowed: one, \"ByteLevel\")") { $0.decoder = "null" }
  }

  @Test func stepsThatAddTokensAreRefused() throws {
    expectRefusal(
      "its post_processor is of type \"BertProcessing\" (allowed: null, \"ByteLevel\", "
        + "an empty \"TemplateProcessing\")"
    ) { $0.processor = #"{"type": "BertProcessing"}"# }
    let adds =
      "its post_processor, a TemplateProcessing, adds tokens "
      + "(allowed: the text's own alone)"
    let own = #"{"Sequence": {"id": "A", "type_id": 0}}"#
    func template(_ parts: String) -> String {
      #"{"type": "TemplateProcessing", "single": [\#(parts)], "pair": [], "special_tokens": {}}"#
    }
    expectRefusal(adds) { $0.processor = template(#"{"SpecialToken": {"id": "<s>"}}, "# + own) }
    expectRefusal(adds) { $0.processor = template(#"{"SpecialToken": {"id": "<s>"}}"#) }
    expectRefusal(adds) { $0.processor = #"{"type": "TemplateProcessing"}"# }
    var file = SmallFile()
    file.processor = template(own)
    #expect(try file.tokenizer().encode("ab") == [3])
    file.processor = #"{"type": "Sequence", "processors": [{"type": "ByteLevel"}]}"#
    #expect(try file.tokenizer().encode("ab") == [3])
  }

  @Test func whatChangesTextsIsRefused() {
    expectRefusal("its truncation is not supported (allowed: null)") {
      $0.fields += ", \"truncation\": {\"max_length\": 5}"
    }
    expectRefusal("its padding is not supported (allowed: null)") {
      $0.fields += ", \"padding\": {}"
    }
    expectRefusal("added token \"<w>\": single_word is true (allowed: false)") {
      $0.added = #"[{"id": 9, "content": "<w>", "single_word": true}]"#
    }
  }

  // MARK: Malformed

  @Test func partsOfTheWrongKindAreRefused() {
    expectRefusal("is no tokenizer.json: it holds a list, not an object", "[]")
    expectRefusal("is no tokenizer.json: it has no model", "{}")
    expectRefusal("is no tokenizer.json: it has no model", #"{"model": null}"#)
    expectRefusal("its model's vocab is a list, not an object") { $0.vocabulary = "[]" }
    expectRefusal("its model's merges are an object, not a list") { $0.merges = "{}" }
    expectRefusal("its added_tokens are true, not a list") { $0.added = "true" }
    expectRefusal("added token 2 has no content") { $0.added = #"[{"id": 9, "content": "x"}, 3]"# }
    expectRefusal("added token 1 has no content") { $0.added = #"[{"id": 9, "content": ""}]"# }
    expectRefusal("added token \"x\": lstrip is \"no\" (allowed: true, false)") {
      $0.added = #"[{"id": 9, "content": "x", "lstrip": "no"}]"#
    }
  }

  @Test func idsAreChecked() {
    for (given, shown) in [
      ("-1", "-1"), ("4194304", "4194304"), ("1.5", "1.5"), ("1e300", "1e+300"),
      ("9223372036854775808", "9.223372036854776e+18"), ("\"1\"", "\"1\""), ("null", "null"),
      ("1e999", "inf"),
    ] {
      expectRefusal("the id of token \"a\" of its vocab is \(shown) (allowed: 0 to 4194303)") {
        $0.vocabulary = "{\"a\": \(given)}"
      }
    }
    expectRefusal("the id of added token \"x\" is null (allowed: 0 to 4194303)") {
      $0.added = #"[{"content": "x"}]"#
    }
    expectRefusal("tokens \"a\" and \"b\" have one id, 3") {
      $0.vocabulary = #"{"a": 3, "b": 3}"#
    }
    expectRefusal("tokens \"abc\" and \"<x>\" have one id, 4") {
      $0.added = #"[{"id": 4, "content": "<x>"}]"#
    }
    expectRefusal("token \"ab\" has two ids, 3 and 9") {
      $0.added = #"[{"id": 9, "content": "ab"}]"#
    }
    expectRefusal("an added token comes twice") {
      $0.added = #"[{"id": 9, "content": "x"}, {"id": 9, "content": "x"}]"#
    }
  }

  @Test func mergesAreChecked() {
    for (merge, shown) in [
      ("\"ab\"", "\"ab\""), ("\"a b c\"", "\"a b c\""), ("\"a  b\"", "\"a  b\""), ("3", "3"),
      (#"["a"]"#, "a list"), (#"["a", 3]"#, "a list"), ("null", "null"),
    ] {
      expectRefusal(
        "merge 2 of its model is \(shown) (allowed: \"a b\" or [\"a\", \"b\"])"
      ) { $0.merges = #"["a b", \#(merge)]"# }
    }
    expectRefusal("merge 1 of its model needs \"x\", which its vocab lacks") {
      $0.merges = #"["x b"]"#
    }
    expectRefusal("merge 2 of its model needs \"bc\", which its vocab lacks") {
      $0.merges = #"["a b", "b c"]"#
    }
  }

  @Test func jsonIsChecked() {
    expectRefusal("is not JSON: no value at byte 4", "[1,]")
    expectRefusal("is not JSON: it is no UTF-8 text", [0x22, 0xFF, 0x22])
  }

  @Test func everyBeginningOfAFileIsRefused() {
    let whole = Array(SmallFile().text.utf8)
    for count in 0..<whole.count {
      #expect(throws: EngineError.self) { try tokenizerOf(Array(whole[..<count])) }
    }
  }

  @Test func filesHaveToBeThere() throws {
    try withTemporaryFolder { folder in
      expectError("tokenizer: \"\(folder)/none.json\": No such file or directory") {
        try Tokenizer(path: folder + "/none.json")
      }
      expectError("tokenizer: \"\(folder)/tokenizer.json\": No such file or directory") {
        try Tokenizer(path: folder)
      }
      expectError("tokenizer: \"/dev/null\": is not a regular file") {
        try Tokenizer(path: "/dev/null")
      }
      // Longer than any tokenizer, without a byte on the disk.
      let file = folder + "/large.json"
      try Data().write(to: URL(filePath: file))
      let handle = try #require(fopen(file, "r+"))
      ftruncate(fileno(handle), 1 << 40)
      fclose(handle)
      expectError("tokenizer: \"\(file)\": holds \(1 << 40) bytes (allowed: up to \(1 << 26))") {
        try Tokenizer(path: file)
      }
    }
  }

  // MARK: What is allowed

  @Test func bothFormsOfAFileAreRead() throws {
    var file = SmallFile()
    let expected = [3, 4]
    #expect(try file.tokenizer().encode("ababc").count == expected.count)
    file.modelFields = #""dropout": null"#
    file.merges = #"["a b", "ab c"]"#
    #expect(try file.tokenizer().encode("ababc") == expected)
    file.merges = #"[["a", "b"], ["ab", "c"]]"#
    file.modelFields = #""type": "BPE", "unk_token": null, "byte_fallback": false, "dropout": 0.0"#
    #expect(try file.tokenizer().encode("ababc") == expected)
    file.normalizer = #"{"type": "Sequence", "normalizers": []}"#
    #expect(try file.tokenizer().encode("ababc") == expected)
  }

  @Test func escapesAreRead() throws {
    var file = SmallFile()
    file.added = #"[{"id": 9, "content": "\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00", "special": true}]"#
    let text = "\"\\/\u{8}\u{C}\n\r\t\u{E9}\u{1F600}"
    #expect(try file.tokenizer().encode("a" + text) == [0, 9])
    #expect(try file.tokenizer().bytes(of: 9) == Array(text.utf8))
  }
}
