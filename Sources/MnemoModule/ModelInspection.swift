import LuaBridge
import Tasks
import Tensors
import Transformers

/// Methods of models for looking inside and intervening.
enum ModelInspection {
  private static let tokens = LuaParameter(
    "tokens", ModelFunctions.tokenTypes,
    "Ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence.")
  private static let model = "local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}\n"
  private static let ids = "local ids = mnemo.int_tensor{{1, 2, 3, 1, 2}}\n"

  static var methods: [LuaFunction] {
    [
      LuaFunction(
        "attention",
        "The attention probabilities of a layer, [B, H, T, T]; of the factual-recall model, where "
          + "one token asks, [B, H, T]; of a custom model what it shows as "
          + "\"layers.0.attention\" and so on.",
        parameters: [tokens, LuaParameter("layer", .integer, "From 1.")],
        returns: [.object("Tensor")],
        example: model + "print(model:attention(mnemo.int_tensor{{1, 2, 3}}, 1)[1][1])"
      ) { call in
        let layer = try call.integer(3)
        let model = try call.object(1, (any Model).self)
        return call.returns(
          try model.attention(call.tokens(2, of: model), layer: layer &- 1))
      },
      LuaFunction(
        "residual",
        "The residual stream after a layer, [B, T, d]; of a custom model what it shows as "
          + "\"layers.0.residual\" and so on, and as \"embeddings\".",
        parameters: [tokens, LuaParameter("layer", .integer, "From 1; 0 for the embeddings.")],
        returns: [.object("Tensor")],
        example: model + "print(model:residual(mnemo.int_tensor{{1, 2, 3}}, 0):size(3))"
      ) { call in
        let model = try call.object(1, (any Model).self)
        return call.returns(
          try model.residual(call.tokens(2, of: model), after: call.integer(3)))
      },
      LuaFunction(
        "trace",
        "Named intermediate tensors of a forward pass: embeddings [B, T, d]; for each layer "
          + "layers.N.attention_input, queries, keys, values and heads (what W_O reads), these four "
          + "[B, T, H, d/H], scores (before the mask) and attention, both [B, H, T, T], "
          + "attention_output, ff_input, ff_hidden (before the ReLU), ff_output, residual; norm "
          + "(what the output matrix reads); logits. A model has those that it computes. N counts from "
          + "0, as in the names of parameters. With a loss, each has its gradient in grad, and so have "
          + "the parameters. A table of names may also hold patch, a table as model:patch takes it: "
          + "kept is then what the patched pass computes.",
        parameters: [
          tokens,
          LuaParameter(
            "names", .union([.string, .list(.string), .table]),
            "What to keep: names, with * for any characters.", default: "\"*\""),
          LuaParameter(
            "loss", .function, "From the logits to a scalar to differentiate.",
            optional: true),
        ], returns: [LuaResult(.table, "Tensors by name")],
        example: model + ids + """
          local kept = model:trace(ids, "layers.0.*")
          print(kept["layers.0.attention"])
          local head = kept["layers.0.heads"]
          kept = model:trace(ids, {"layers.1.*", "logits", patch = {["layers.0.heads"] = head * 0}})
          print(kept["layers.1.attention"])
          """
      ) { call in
        let model = try call.object(1, (any Model).self)
        let loss = try call.optionalFunction(4)
        let asked = try asked(call, 3)
        let trace = Trace(
          keeping: asked.names, replacing: asked.replacements, retainsGradients: loss != nil)
        let tokens = try call.tokens(2, of: model)
        if let loss {
          let logits = try observed(model, tokens, trace)
          let result = try loss.call([.object(logits)], label: "loss")
          guard let scalar = result.first?.asObject(Tensor.self) else {
            throw EngineError(
              "trace",
              "loss must return a Tensor, got \(result.first?.typeName ?? "nothing")")
          }
          try scalar.backward()
        } else {
          _ = try noGrad { try observed(model, tokens, trace) }
        }
        return call.returns(
          LuaRecord(trace.kept.map { ($0.name, LuaObject(detached($0.tensor))) }))
      },
      LuaFunction(
        "patch",
        "The logits, as model(tokens) gives them, of a forward pass in which others stand in the "
          + "place of named intermediate tensors: for ablation and activation patching.",
        parameters: [
          tokens,
          LuaParameter(
            "replacements", .table,
            "From a name, as in trace and with * for any characters, to a tensor of the same "
              + "shape, or to a function from the tensor and its name to one."),
        ], returns: [.object("Tensor")],
        example: model + ids + """
          local ablated = model:patch(ids, {
            ["layers.0.attention_output"] = function(t) return t * 0 end,
          })
          print((ablated - model(ids)):abs():max():item())
          local other = model:trace(mnemo.int_tensor{{4, 2, 3, 1, 2}}, "layers.0.*")
          print(model:patch(ids, {
            ["layers.0.attention_output"] = other["layers.0.attention_output"],
            ["layers.1.*"] = function(t, name) print(name) return t end,
          }):size(2))
          """
      ) { call in
        let trace = Trace(replacing: try replacements(call, call.table(3)))
        let model = try call.object(1, (any Model).self)
        return call.returns(try observed(model, call.tokens(2, of: model), trace))
      },
      LuaFunction(
        "circuit",
        "What a head's matrices say about pairs of tokens, layer norms and positions left aside, as "
          + "mnemo.circuits.of gives it: \"qk\", how much one token looks at another; \"ov\", how much "
          + "a token looked at raises the logit of another.",
        parameters: [
          LuaParameter("which", .choice(["qk", "ov"]), "The matrices."),
          LuaParameter("layer", .integer, "From 1."),
          LuaParameter("head", .integer, "From 1.", default: "1"),
        ],
        options: [
          LuaOption(
            "rows", .object("Tensor"), .described("embeddings; of \"ov\", the output matrix"),
            "What asks, or is answered, [M, d]."),
          LuaOption(
            "columns", .object("Tensor"), .described("embeddings"), "What is looked at, [M', d]."),
        ], returns: [.object("Circuit")],
        example: model + """
          for _, direction in ipairs(model:circuit("ov", 2):directions{count = 2, tokens = 3}) do
            print(direction.value, direction.rows[1], direction.columns[1])
          end
          """
      ) { call in
        let chunk = try call.lua.load(
          "return require('mnemo').circuits.of(...)", chunkName: "=(mnemo)")
        return call.returns(
          all: try call.lua.run(
            chunk,
            [.object(try call.object(1, (any Model).self) as AnyObject), .string(call.string(2))]
              + (3...5).map { call.value($0) }))
      },
      LuaFunction(
        "with",
        "Calls a function while parameters hold other numbers, and returns its results; afterwards, "
          + "and after an error, they hold their own again.",
        parameters: [
          LuaParameter("weights", .table, "Name to Tensor of the parameter's shape."),
          LuaParameter("fn", .function, "Called without arguments."),
        ], returns: [LuaResult(.any, "what fn returns", variadic: true)],
        example: model + ids + """
          local zeros = mnemo.zeros(16, 16)
          local logits = model:with({["layers.1.attention.wo.weight"] = zeros}, function()
            return model(ids)
          end)
          print(logits:size(3))
          """
      ) { call in
        let parameters = try call.object(1, (any Model).self).parameters
        let table = try call.table(2)
        let function = try call.function(3)
        var own: [(Tensor, Tensor)] = []
        defer { for (tensor, values) in own { tensor.overwrite(with: values) } }
        for (name, _) in try table.fields() {
          let tensor = try parameters.get(name)
          own.append((tensor, try StopToken.suspended { try tensor.copied() }))
          try parameters.set(name, table.object(.name(name), Tensor.self))
        }
        return call.returns(all: try function.call(label: "with"))
      },
    ]
  }

  /// What a trace was asked for: a name, or a table of names that may hold replacements.
  private static func asked(
    _ call: LuaCall, _ position: Int
  ) throws -> (names: [String], replacements: [Trace.Replacement]) {
    switch call.value(position) {
    case .nil: return (["*"], [])
    case .string(let name): return ([name], [])
    default: break
    }
    let table = try call.table(position)
    for case (.string(let key), _) in try table.entries() where key != "patch" {
      throw call.failure(position, "names or patch expected, got the field '\(key)'")
    }
    let names = try (0..<table.count).map { try table.string(.index($0 + 1)) }
    guard table.has("patch") else { return (names, []) }
    return (names.isEmpty ? ["*"] : names, try replacements(call, table.table("patch")))
  }

  private static func replacements(
    _ call: LuaCall, _ table: TableReader
  ) throws -> [Trace.Replacement] {
    try table.fields().map { glob, value in
      if let tensor = value.asObject(Tensor.self) { return (glob, { _, _ in tensor }) }
      guard case .function(let function) = value else {
        throw table.failure(
          .name(glob), "Tensor or function expected, got \(table.typeName(.name(glob)))")
      }
      return (glob, { try replaced($0, $1, by: function, "patch '\(glob)'", call.lua) })
    }
  }

  /// What a script's function puts in the place of a tensor.
  private static func replaced(
    _ tensor: Tensor, _ name: String, by function: LuaReference, _ label: String, _ lua: Lua
  ) throws -> Tensor {
    let result = try lua.calling(label, function, [.object(tensor), .string(name)])
    guard let replaced = result.first?.asObject(Tensor.self) else {
      throw EngineError(
        label, "must return a Tensor, got \(result.first?.typeName ?? "nothing")")
    }
    return replaced
  }

  /// The logits of an observed forward pass; of a name that it does not show, the error tells the
  /// nearest that it does.
  private static func observed(
    _ model: any Model, _ tokens: IntTensor, _ trace: Trace
  ) throws -> Tensor {
    do {
      return try model.forward(tokens, observedBy: trace)
    } catch let unknown as Trace.UnknownName {
      let hint = nearest(unknown.glob, among: unknown.names).map { "did you mean '\($0)'? " } ?? ""
      throw EngineError(
        unknown.isReplacement ? "patch" : "trace",
        "nothing is called '\(unknown.glob)'; \(hint)there are "
          + unknown.names.joined(separator: ", "))
    }
  }

  /// A kept tensor without its graph, with its gradient.
  private static func detached(_ tensor: Tensor) -> Tensor {
    let result = tensor.detach()
    result.grad = tensor.grad
    return result
  }
}
