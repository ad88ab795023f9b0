import ByteStrings
import LuaBridge
import Tensors
import Tokenizers

/// `mnemo.pretrained.tokenizer`: the tokenizers of pretrained models.
enum TokenizerFunctions {
  /// What examples begin with.
  private static let tokenizer = """
    io.open("tokenizer.json", "w"):write [[{
      "model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
      "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
      "decoder": {"type": "ByteLevel"}
    }]]:close()
    local tokenizer = mnemo.pretrained.tokenizer "tokenizer.json"

    """

  private static func object(_ call: LuaCall) throws -> Tokenizer {
    try call.object(1, Tokenizer.self)
  }

  private static var methods: [LuaFunction] {
    [
      LuaFunction(
        "encode",
        "The ids of a text's tokens. Special tokens are found where the text spells them; none is "
          + "added.",
        parameters: [LuaParameter("text", .string, "UTF-8")],
        returns: [LuaResult(.list(.integer), "from 1")],
        example: tokenizer + "print(table.concat(tokenizer:encode \"ab a\", \" \"))"
      ) { call in
        let ids = try object(call).encode(call.bytes(2))
        try NestedList.checkMemory([ids.count], in: call.lua)
        return call.returns(ids.map { $0 + 1 })
      },
      LuaFunction(
        "decode",
        "The text of ids: an IntTensor or a list. Special tokens stand there as they are spelled. "
          + "Tokens that are parts of characters give parts of characters.",
        parameters: [LuaParameter("ids", .union([.object("IntTensor"), .table]), "from 1")],
        returns: [.string],
        example: tokenizer + "print(tokenizer:decode(tokenizer:encode \"ab a\"))"
      ) { call in
        let ids = try call.ids(2).elements().map(Int.init)
        return call.returns(String(bytes: try object(call).decode(ids)))
      },
      LuaFunction(
        "token",
        "The text of one token, which may be a part of a character; nil for an id that the "
          + "vocabulary leaves out.",
        parameters: [LuaParameter("id", .integer, "from 1")], returns: [.string],
        example: tokenizer + "for id = 1, #tokenizer do print(id, tokenizer:token(id)) end"
      ) { call in
        let (tokenizer, id) = (try object(call), try call.integer(2))
        guard id >= 1, id <= tokenizer.count else {
          throw call.failure(2, "an id from 1 to \(tokenizer.count) expected, got \(id)")
        }
        return call.returns(tokenizer.bytes(of: id - 1).map { String(bytes: $0) })
      },
      LuaFunction(
        "id",
        "The id of a token: a special one, such as <|endoftext|>, or an entry of the vocabulary as "
          + "it is spelled there, with Ġ for a space; nil if there is none.",
        parameters: [LuaParameter("token", .string)], returns: [.integer],
        example: tokenizer + "print(tokenizer:id \"ab\", tokenizer:id \"Ġ\")"
      ) { call in
        call.returns(try object(call).id(ofToken: String(bytes: call.bytes(2))).map { $0 + 1 })
      },
    ]
  }

  private static let fields = [
    LuaParameter("count", .integer, "number of ids, special and added tokens counted; also #")
  ]

  static var tokenizerClass: LuaClass {
    LuaClass(
      "Tokenizer", for: Tokenizer.self,
      "The tokenizer of a pretrained model: byte-level BPE, which knows every text. Ids count from "
        + "1.",
      methods: methods, fields: fields,
      metamethods: [
        "__len": { call in call.returns(try object(call).count) },
        "__tostring": { call in call.returns("Tokenizer of \(try object(call).count) tokens") },
      ],
      index: { call in
        let name = try call.string(2)
        guard name == "count" else {
          throw unknownMember("Tokenizer", name, methods.map(\.shortName) + fields.map(\.name))
        }
        return call.returns(try object(call).count)
      })
  }

  static var functions: [LuaFunction] {
    [
      LuaFunction(
        "pretrained.tokenizer",
        "The tokenizer of a pretrained model, from the hub's file tokenizer.json: byte-level BPE as "
          + "GPT-2 and GPT-NeoX (Pythia) have it. It finds the tokens that the Python package "
          + "tokenizers finds. Files of another kind are refused.",
        parameters: [LuaParameter("path", .string, "a tokenizer.json, or a folder that holds one")],
        returns: [.object("Tokenizer")],
        example: tokenizer + "print(tokenizer)"
      ) { call in call.returns(try Tokenizer(path: call.string(1))) }
    ]
  }
}
