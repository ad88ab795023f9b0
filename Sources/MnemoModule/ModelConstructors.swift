import LuaBridge
import Tensors
import Transformers

/// `mnemo.model`: the constructors.
enum ModelConstructors {
  static func functions(_ session: ModuleState) -> [Function] {
    [simplified(session), transformer(session), custom, load]
  }

  /// The options that a model was made with, as its constructor takes them.
  static func options(of model: any Model) -> LuaRecord {
    switch model {
    case let simplified as SimplifiedTransformer: record(simplified.configuration)
    case let transformer as Transformer: record(transformer.configuration)
    default: ["vocab": model.vocabSize, "max_len": model.maxLength]
    }
  }

  private static func record(_ configuration: SimplifiedConfiguration) -> LuaRecord {
    [
      "vocab": configuration.vocab, "dim": configuration.dim, "max_len": configuration.maxLen,
      "ffn": configuration.ffn.map(\.rawValue), "positional": configuration.positional.rawValue,
      "embedding_init": configuration.embeddingInit.rawValue,
      "score_scale": configuration.scoreScale.rawValue, "cross_talk": configuration.crossTalk,
      "tie_output": configuration.tieOutput, "freeze_embeddings": configuration.freezeEmbeddings,
      "freeze_output": configuration.freezeOutput,
      "seed": Int(truncatingIfNeeded: configuration.seed),
    ]
  }

  private static func record(_ configuration: TransformerConfiguration) -> LuaRecord {
    [
      "vocab": configuration.vocab, "dim": configuration.dim, "layers": configuration.layers,
      "heads": configuration.heads, "max_len": configuration.maxLen,
      "norm": configuration.norm.rawValue, "ffn": configuration.ffn.rawValue,
      "no_first_layer_ffn": configuration.noFirstLayerFfn, "tie_output": configuration.tieOutput,
      "no_wv": configuration.noWv, "no_wo": configuration.noWo,
      "freeze_embeddings": configuration.freezeEmbeddings,
      "freeze_output": configuration.freezeOutput,
      "positional": configuration.positional.rawValue,
      "seed": Int(truncatingIfNeeded: configuration.seed),
    ]
  }

  private static func simplified(_ session: ModuleState) -> Function {
    Function(
      "model.simplified",
      "The two-layer attention model in which an induction head is born: random frozen embeddings, "
        + "W_K of both layers, W_O of layer 2 and the feed-forwards trained.",
      options: [
        Option("vocab", .integer, .required, "number of tokens, N"),
        Option("dim", .integer, 128, "width, d"),
        Option("max_len", .integer, 128, "longest sequence"),
        Option(
          "ffn", .list(.choice(FeedForward.names)), ["none", "none"],
          "feed-forward of layers 1 and 2: none, x + W x, or x + W_2 relu(W_1 x) of width 4d"
        ),
        Option(
          "positional", .choice(["random", "sincos", "rope"]), "random",
          "how positions enter: frozen random vectors or sines and cosines are added, or (rope) "
            + "queries and keys of the first layer are rotated"),
        Option(
          "embedding_init", .choice(["unit", "scaled"]), "unit",
          "draws embeddings from N(0, 1) or N(0, 1/d)"
        ),
        Option(
          "score_scale", .choice(["sqrt_dim", "none"]), "sqrt_dim",
          "multiplies attention scores by 1/√d, or by 1"),
        Option(
          "cross_talk", .boolean, true,
          "false: every matrix reads only the embeddings meant for it"),
        Option(
          "tie_output", .boolean, false, "whether the output matrix is the embedding matrix"),
        Option("freeze_embeddings", .boolean, true, "whether token embeddings stay as drawn"),
        Option("freeze_output", .boolean, true, "whether the output matrix stays as drawn"),
        Option(
          "seed", .integer, .described("follows mnemo.seed"), "decides the initial parameters"),
      ], returns: [.object("Model")],
      example:
        "local model = mnemo.model.simplified{vocab = 65, dim = 128, max_len = 128, seed = 1}"
    ) { call in
      let options = try call.options()
      var settings = SimplifiedConfiguration(vocab: try options.integer("vocab"))
      settings.dim = try options.integer("dim")
      settings.maxLen = try options.integer("max_len")
      settings.ffn = try options.strings("ffn").map { name in
        guard let kind = FeedForward(rawValue: name) else {
          throw options.failure("ffn", "unknown feed-forward \"\(name)\"")
        }
        return kind
      }
      settings.positional = try options.choice("positional")
      settings.embeddingInit = try options.choice("embedding_init")
      settings.scoreScale = try options.choice("score_scale")
      settings.crossTalk = try options.boolean("cross_talk")
      settings.tieOutput = try options.boolean("tie_output")
      settings.freezeEmbeddings = try options.boolean("freeze_embeddings")
      settings.freezeOutput = try options.boolean("freeze_output")
      settings.seed = try options.seed(session)
      return call.returns(try SimplifiedTransformer(settings))
    }
  }

  private static func transformer(_ session: ModuleState) -> Function {
    Function(
      "model.transformer",
      "The usual transformer: layers of attention with several heads and a feed-forward, residual "
        + "connections, layer normalisation. Everything is trained unless an option freezes it.",
      options: [
        Option("vocab", .integer, .required, "number of tokens, N"),
        Option("dim", .integer, 128, "width, d"),
        Option("layers", .integer, 2, "number of layers, L"),
        Option("heads", .integer, 4, "attention heads of a layer, H; a number that divides dim"),
        Option("max_len", .integer, 128, "longest sequence"),
        Option(
          "norm", .choice(TransformerConfiguration.Norm.allCases.map(\.rawValue)), "pre",
          "layer normalisation: pre, x + attn(norm x) + ff(norm' x) and once before the output; "
            + "post, norm'(h + ff(h)) with h = norm(x + attn(x)); none, x + attn(x) + ff(x)"),
        Option(
          "ffn", .choice(FeedForward.names), "mlp",
          "feed-forward of each layer: none, W x, or W_2 relu(W_1 x) of width 4d"),
        Option(
          "no_first_layer_ffn", .boolean, false, "whether the first layer has no feed-forward"),
        Option(
          "tie_output", .boolean, false, "whether the output matrix is the embedding matrix"),
        Option(
          "no_wv", .boolean, false, "whether W_V is left out: values are what attention reads"),
        Option(
          "no_wo", .boolean, false,
          "whether W_O is left out: the heads' sums, side by side, are added"
        ),
        Option(
          "freeze_embeddings", .boolean, false,
          "whether embeddings of tokens and positions stay as drawn"),
        Option("freeze_output", .boolean, false, "whether the output matrix stays as drawn"),
        Option(
          "positional", .choice(TransformerConfiguration.Positional.allCases.map(\.rawValue)),
          "learned", "what is added for positions: trained vectors, or sines and cosines"),
        Option(
          "seed", .integer, .described("follows mnemo.seed"), "decides the initial parameters"),
      ], returns: [.object("Model")],
      example: """
        local model = mnemo.model.transformer{vocab = 65, dim = 64, layers = 2, heads = 4, seed = 1}
        print(model:attention(mnemo.int_tensor{{1, 2, 3}}, 2):size(2))
        """
    ) { call in
      let options = try call.options()
      var settings = TransformerConfiguration(vocab: try options.integer("vocab"))
      settings.dim = try options.integer("dim")
      settings.layers = try options.integer("layers")
      settings.heads = try options.integer("heads")
      settings.maxLen = try options.integer("max_len")
      settings.norm = try options.choice("norm")
      settings.ffn = try options.choice("ffn")
      settings.noFirstLayerFfn = try options.boolean("no_first_layer_ffn")
      settings.tieOutput = try options.boolean("tie_output")
      settings.noWv = try options.boolean("no_wv")
      settings.noWo = try options.boolean("no_wo")
      settings.freezeEmbeddings = try options.boolean("freeze_embeddings")
      settings.freezeOutput = try options.boolean("freeze_output")
      settings.positional = try options.choice("positional")
      settings.seed = try options.seed(session)
      return call.returns(try Transformer(settings))
    }
  }

  private static var custom: Function {
    Function(
      "model.custom",
      "A model whose forward pass is a Lua function on tensors; it is trained, probed, frozen, "
        + "saved and cloned like any other. forward(tokens, p, visit) gets the ids [B, T], the "
        + "parameters by name, and a function to show tensors to trace and patch: "
        + "h = visit(\"hidden\", h). It returns the logits [B, T, vocab]. Take parameters from p: a "
        + "clone has its own, and a view (transposed, expanded, some columns) is copied.",
      options: [
        Option("vocab", .integer, .required, "Number of tokens, N."),
        Option("parameters", .table, .required, "Name to Tensor; all are trained at first."),
        Option("forward", .function, .required, "From tokens to logits [B, T, vocab]."),
        Option("max_len", .integer, .described("no limit"), "Longest sequence."),
      ], returns: [.object("Model")],
      example: """
        local model = mnemo.model.custom{
          vocab = 8,
          parameters = {e = mnemo.randn(8, 4), u = mnemo.randn(8, 4)},
          forward = function(tokens, p) return p.e[tokens]:matmul(p.u:t()) end,
        }
        print(model(mnemo.int_tensor{{1, 2, 3}}):size(3))
        """
    ) { call in
      let options = try call.options()
      let table = try options.table("parameters")
      let parameters = try table.fields().map { name, _ in
        (name: name, tensor: try table.object(.name(name), Tensor.self).parameter())
      }
      let model = try CustomModel(
        call.lua, vocab: options.integer("vocab"),
        maxLength: options.optionalInteger("max_len") ?? Int(Int32.max), parameters: parameters)
      let held = call.lua.reference(to: model)
      call.lua.setUserValue(of: model, try options.function("forward"))
      return call.returns(held)
    }
  }

  private static var load: Function {
    Function(
      "model.load", "The model of a checkpoint that save wrote.",
      parameters: [Parameter("path", .string, "the file")], returns: [.object("Model")],
      example: """
        local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
        model:save("model.safetensors")
        print(mnemo.model.load("model.safetensors"))
        """
    ) { call in call.returns(try Checkpoint.load(from: call.string(1)) as AnyObject) }
  }
}

extension FeedForward {
  static let names = allCases.map(\.rawValue)
}

extension Options {
  /// An option whose choices are the raw values of an enumeration.
  func choice<E: RawRepresentable & CaseIterable>(_ name: String) throws -> E
  where E.RawValue == String {
    let text = try string(name)
    guard let value = E(rawValue: text) else {
      let allowed = LuaType.choice(E.allCases.map(\.rawValue))
      throw failure(name, "\(allowed) expected, got \"\(text)\"")
    }
    return value
  }
}
