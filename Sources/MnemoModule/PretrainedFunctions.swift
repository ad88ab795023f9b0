import ByteStrings
import LuaBridge
import Tasks
import TensorFiles
import Tensors
import Tokenizers
import Transformers

/// `mnemo.pretrained.load`, and methods of models for text.
enum PretrainedFunctions {
  private static let model =
    "local model = mnemo.model.gpt2{vocab = 8, dim = 16, heads = 2, "
    + "layers = 2, max_len = 16, seed = 1}\n"
  /// What examples load, where there is one.
  private static let pretrained =
    "local folder = \"pythia-70m\"\n"
    + "if not io.open(folder .. \"/config.json\") then return end\n"
    + "local model = mnemo.pretrained.load(folder)\n"

  static var functions: [LuaFunction] { [load] }

  static func methods(_ session: ModuleState) -> [LuaFunction] {
    [generate(session), encode, decode, nextTokens]
  }

  private static var load: LuaFunction {
    LuaFunction(
      "pretrained.load",
      "A model with published weights, GPT-2 or GPT-NeoX (Pythia), from a folder in the form of the "
        + "Hugging Face hub: config.json; model.safetensors, or several files and "
        + "model.safetensors.index.json; and for text tokenizer.json. The weights stay in their "
        + "files and in their own type, F32, F16 or BF16, and are frozen at first; those in F32 can "
        + "be trained. Everything that looks into models, patches or truncates them works with it.",
      parameters: [LuaParameter("folder", .string, "the folder")], returns: [.object("Model")],
      example: pretrained + "print(model:generate(\"Madrid is located in\", {temperature = 0}))"
    ) { call in
      let folder = try call.string(1)
      let model = try Pretrained.load(from: folder)
      model.text = try tokenizer(of: folder, vocab: model.vocabSize)
      return call.returns(model)
    }
  }

  /// The tokenizer in a model's folder; nil if there is none.
  private static func tokenizer(of folder: String, vocab: Int) throws -> Tokenizer? {
    let path = "\(folder)/tokenizer.json"
    guard File.exists(path) else { return nil }
    let tokenizer = try Tokenizer(path: path)
    guard tokenizer.count <= vocab else {
      throw EngineError(
        "pretrained.load",
        "\"\(path)\": it has \(tokenizer.count) tokens, where config.json says that the model reads "
          + "\(vocab)")
    }
    return tokenizer
  }

  private static func generate(_ session: ModuleState) -> LuaFunction {
    LuaFunction(
      "generate",
      "Draws tokens that continue a prompt. Ids are continued as ids, a text as a text. What a model "
        + "of mnemo.pretrained or model.gpt2 has read is kept, so that each token costs the same; "
        + "prompt and continuation must then fit its max_len. Others read their last max_len tokens.",
      parameters: [
        LuaParameter(
          "prompt", .union([.string, .object("IntTensor"), .list(.integer)]),
          "ids, at least one, or of a model with a tokenizer a text")
      ],
      options: [
        LuaOption("length", .integer, 32, "How many tokens to draw."),
        LuaOption(
          "temperature", .number, 1, "Divides the logits; at 0 the most likely token is taken."),
        LuaOption(
          "stop", .union([.integer, .list(.integer), .string]), .none,
          "Ids, or a token as it is written, after which no more is drawn."),
        LuaOption("seed", .integer, .described("follows mnemo.seed"), "Of the draws."),
      ],
      returns: [
        LuaResult(
          .union([.object("IntTensor"), .string]), "prompt and continuation, as it was given"),
        LuaResult(.object("IntTensor"), "of a text, the same as ids", optional: true),
      ],
      example: model + "print(model:generate({1, 2}, {length = 5, temperature = 0}))"
    ) { call in
      let model = try call.object(1, (any Model).self)
      let text: [UInt8]?
      if case .string = call.value(2) { text = try call.bytes(2) } else { text = nil }
      let prompt = try call.prompt(2, of: model)
      let options = try call.options(3)
      var stream = RandomStream(seed: try options.seed(session), purpose: .generation)
      let ids = try model.generate(
        prompt: prompt, length: options.integer("length"),
        temperature: Float(options.number("temperature")), until: ends(options, of: model),
        using: &stream)
      let result = try IntTensor(ids).offset(by: 1)
      let codec = (model as? GPT)?.text
      if let codec { session.tokenSources.note(result, codec) }
      guard text != nil, let codec else { return call.returns(result) }
      let whole = String(bytes: try codec.decode(ids.map { Int($0) }))
      return call.returns(all: [.string(whole), .object(result)])
    }
  }

  /// The ids of the option `stop`, counted from 0.
  private static func ends(_ options: LuaOptions, of model: any Model) throws -> Set<Int32> {
    switch options.value("stop") {
    case .nil: return []
    case .string(let token):
      guard let id = try model.codec("generate").id(ofToken: token) else {
        throw options.failure("stop", "there is no token '\(token)'")
      }
      return [Int32(clamping: id)]
    case .table: return Set(try options.integers("stop").map { Int32(clamping: $0) &- 1 })
    default: return [Int32(clamping: try options.integer("stop")) &- 1]
    }
  }

  private static var encode: LuaFunction {
    LuaFunction(
      "encode",
      "The tokens of a text, of a model with a tokenizer. Printed, the list shows their texts too.",
      parameters: [LuaParameter("text", .string, "UTF-8")],
      returns: [LuaResult(.list(.integer), "ids, from 1")],
      example: pretrained + "print(#model:encode(\"Madrid is located in\"))"
    ) { call in
      let model = try call.object(1, (any Model).self)
      let ids = try model.codec("encode").encode(call.bytes(2)).map { $0 + 1 }
      try NestedList.checkMemory([ids.count], in: call.lua)
      let chunk = try call.lua.load(
        "return require('mnemo.text.tokens')(...)", chunkName: "=(mnemo)")
      return call.returns(
        all: try call.lua.run(chunk, [call.lua.value(of: ids), .object(model as AnyObject)]))
    }
  }

  private static var decode: LuaFunction {
    LuaFunction(
      "decode",
      "The text of tokens, of a model with a tokenizer. A token alone may be a part of a character.",
      parameters: [
        LuaParameter("ids", .union([.object("IntTensor"), .list(.integer), .integer]), "from 1")
      ],
      returns: [.string],
      example: pretrained + "print(model:decode(model:encode(\"Madrid is located in\")))"
    ) { call in
      let codec = try call.object(1, (any Model).self).codec("decode")
      let ids: [Int32]
      if call.isNumber(2) {
        ids = [try call.int32(2) &- 1]
      } else {
        ids = try call.ids(2).elements()
      }
      return call.returns(String(bytes: try codec.decode(ids.map { Int($0) })))
    }
  }

  private static var nextTokens: LuaFunction {
    LuaFunction(
      "next_tokens",
      "The most likely tokens after a text or ids, the most likely first. Only the logits of the "
        + "last position are computed.",
      parameters: [
        LuaParameter(
          "prompt", .union([.string, .object("IntTensor"), .list(.integer)]),
          "ids, at least one, or of a model with a tokenizer a text"),
        LuaParameter("n", .integer, "how many", default: "10"),
      ],
      returns: [
        LuaResult(
          .list(.table),
          "each with id, probability and, of a model with a tokenizer, token, its text")
      ],
      example: model + """
        for _, next in ipairs(model:next_tokens({1, 2}, 3)) do print(next.id, next.probability) end
        """
    ) { call in
      let model = try call.object(1, (any Model).self)
      let prompt = try call.prompt(2, of: model)
      let n = try call.optionalInteger(3) ?? 10
      guard n >= 1 else { throw call.failure(3, "1 or more expected, got \(n)") }
      guard !prompt.isEmpty else { throw EngineError("next_tokens", "the prompt is empty") }
      let tokens = try IntTensor(prompt, shape: [1, prompt.count])
      try model.check(tokens)
      let last = RowSelection(lastPositionOf: 1, length: prompt.count)
      let probabilities = try noGrad { try model.logits(tokens, rows: last).softmax(-1) }
      let (values, ids) = try probabilities.topK(min(n, probabilities.count), -1)
      let codec = (model as? GPT)?.text
      let rows = zip(ids.elements(), values.elements()).map { id, probability in
        let token = codec.flatMap { $0.bytes(of: Int(id)) }.map { String(bytes: $0) }
        return LuaRecord(
          [("id", Int(id) + 1), ("probability", Double(probability))]
            + (token.map { [("token", $0)] } ?? []))
      }
      return call.returns(rows)
    }
  }
}

extension Tokenizer: TextCodec {}

extension Model {
  /// What turns text into its tokens.
  /// - Throws: `EngineError` if it has none.
  fileprivate func codec(_ operation: String) throws -> any TextCodec {
    guard let codec = (self as? GPT)?.text else {
      throw EngineError(
        operation,
        "the model has no tokenizer; one of mnemo.pretrained.load has if its folder holds a "
          + "tokenizer.json")
    }
    return codec
  }
}

extension LuaCall {
  /// Tokens that a model reads, [B, T]: a list of ids, or of a model with a tokenizer a text, is
  /// one sequence.
  func tokens(_ position: Int, of model: any Model) throws -> IntTensor {
    if case .string = value(position) {
      let ids = try prompt(position, of: model)
      return try IntTensor(ids, shape: [1, ids.count])
    }
    let ids = try ids(position)
    guard case .table = value(position), ids.rank == 1 else { return ids }
    return try ids.reshape([1, ids.shape[0]])
  }

  /// Ids of one sequence, counted from 0.
  fileprivate func prompt(_ position: Int, of model: any Model) throws -> [Int32] {
    guard case .string = value(position) else {
      let ids = try ids(position)
      guard ids.rank == 1 || ids.rank == 2 && ids.shape[0] == 1 else {
        throw failure(position, "ids of one sequence expected, got shape \(ids.shape)")
      }
      return ids.elements()
    }
    return try model.codec(function.shortName).encode(bytes(position)).map { Int32(clamping: $0) }
  }
}
