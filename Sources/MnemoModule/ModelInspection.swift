import LuaBridge
import Tasks
import Tensors
import Transformers

/// Methods of models for looking inside and intervening.
enum ModelInspection {
  private static let tokens = LuaParameter("tokens", .object("IntTensor"), "Ids [B, T], from 1.")
  private static let model = "local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}\n"
  private static let ids = "local ids = mnemo.int_tensor{{1, 2, 3, 1, 2}}\n"

  static var methods: [LuaFunction] {
    [
      LuaFunction(
        "attention", "The attention probabilities of a layer, [B, H, T, T].",
        parameters: [tokens, LuaParameter("layer", .integer, "From 1.")],
        returns: [.object("Tensor")],
        example: model + "print(model:attention(mnemo.int_tensor{{1, 2, 3}}, 1)[1][1])"
      ) { call in
        let layer = try call.integer(3)
        return call.returns(
          try call.object(1, (any Model).self).attention(call.ids(2), layer: layer &- 1))
      },
      LuaFunction(
        "residual", "The residual stream after a layer, [B, T, d].",
        parameters: [tokens, LuaParameter("layer", .integer, "From 1; 0 for the embeddings.")],
        returns: [.object("Tensor")],
        example: model + "print(model:residual(mnemo.int_tensor{{1, 2, 3}}, 0):size(3))"
      ) { call in
        call.returns(
          try call.object(1, (any Model).self).residual(call.ids(2), after: call.integer(3)))
      },
      LuaFunction(
        "trace",
        "Named intermediate tensors of a forward pass: embeddings [B, T, d]; for each layer "
          + "layers.N.attention_input, queries, keys, values and heads (what W_O reads), these four "
          + "[B, T, H, d/H], scores (before the mask) and attention, both [B, H, T, T], "
          + "attention_output, ff_input, ff_hidden (before the ReLU), ff_output, residual; norm "
          + "(what the output matrix reads); logits. A model has those that it computes. N counts from "
          + "0, as in the names of parameters. With a loss, each has its gradient in grad, and so have "
          + "the parameters.",
        parameters: [
          tokens,
          LuaParameter(
            "names", .union([.string, .list(.string)]),
            "What to keep: names, with * for any characters.", default: "\"*\""),
          LuaParameter(
            "loss", .function, "From the logits [B, T, V] to a scalar to differentiate.",
            optional: true),
        ], returns: [LuaResult(.table, "Tensors by name")],
        example: model + ids
          + "local kept = model:trace(ids, \"layers.0.*\")\nprint(kept[\"layers.0.attention\"])"
      ) { call in
        let model = try call.object(1, (any Model).self)
        let loss = try call.optionalFunction(4)
        let trace = Trace(keeping: try names(call, 3), retainsGradients: loss != nil)
        let tokens = try call.ids(2)
        if let loss {
          let logits = try model.forward(tokens, observedBy: trace)
          let result = try loss.call([.object(logits)], label: "loss")
          guard let scalar = result.first?.asObject(Tensor.self) else {
            throw EngineError(
              "trace",
              "loss must return a Tensor, got \(result.first?.typeName ?? "nothing")")
          }
          try scalar.backward()
        } else {
          _ = try noGrad { try model.forward(tokens, observedBy: trace) }
        }
        return call.returns(
          LuaRecord(trace.kept.map { ($0.name, LuaObject(detached($0.tensor))) }))
      },
      LuaFunction(
        "patch",
        "The logits [B, T, V] of a forward pass in which functions replace named intermediate "
          + "tensors on the way: for ablation and activation patching.",
        parameters: [
          tokens,
          LuaParameter(
            "replacements", .table,
            "Name, as in trace, to a function from the tensor to one of its shape."),
        ], returns: [.object("Tensor")],
        example: model + ids + """
          local ablated = model:patch(ids, {
            ["layers.0.attention_output"] = function(t) return t * 0 end,
          })
          print((ablated - model(ids)):abs():max():item())
          """
      ) { call in
        let model = try call.object(1, (any Model).self)
        let table = try call.table(3)
        let replacements = try table.fields().map { name, _ in
          let function = try table.function(.name(name))
          let label = "patch '\(name)'"
          return (
            glob: name,
            function: { (tensor: Tensor) throws -> Tensor in
              let result = try call.lua.calling(label, function, [.object(tensor)])
              guard let replaced = result.first?.asObject(Tensor.self) else {
                throw EngineError(
                  label, "must return a Tensor, got \(result.first?.typeName ?? "nothing")")
              }
              return replaced
            }
          )
        }
        let trace = Trace(replacing: replacements)
        return call.returns(try model.forward(call.ids(2), observedBy: trace))
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
          own.append((tensor, try StopToken.suspended { try tensor.clone() }))
          try parameters.set(name, table.object(.name(name), Tensor.self))
        }
        return call.returns(all: try function.call(label: "with"))
      },
    ]
  }

  static func generate(_ session: ModuleState) -> LuaFunction {
    LuaFunction(
      "generate", "Draws tokens that continue a prompt.",
      options: [
        LuaOption(
          "prompt", .union([.object("IntTensor"), .list(.integer)]), .required,
          "The ids to continue, at least one."),
        LuaOption("length", .integer, 32, "How many tokens to draw."),
        LuaOption(
          "temperature", .number, 1, "Divides the logits; at 0 the most likely token is taken."),
        LuaOption("seed", .integer, .described("follows mnemo.seed"), "Of the draws."),
      ], returns: [LuaResult(.object("IntTensor"), "prompt and continuation")],
      example: model + "print(model:generate{prompt = {1, 2}, length = 5, temperature = 0})"
    ) { call in
      let model = try call.object(1, (any Model).self)
      let options = try call.options()
      let prompt =
        try options.value("prompt").asObject(IntTensor.self)?.elements()
        ?? options.integers("prompt").map { Int32(clamping: $0) }
      var stream = RandomStream(seed: try options.seed(session), purpose: .generation)
      let ids = try model.generate(
        prompt: prompt.map { $0 &- 1 }, length: options.integer("length"),
        temperature: Float(options.number("temperature")), using: &stream)
      return call.returns(try IntTensor(ids).offset(by: 1))
    }
  }

  private static func names(_ call: LuaCall, _ position: Int) throws -> [String] {
    switch call.value(position) {
    case .nil: return ["*"]
    case .string(let name): return [name]
    default: return try call.strings(position)
    }
  }

  /// A kept tensor without its graph, with its gradient.
  private static func detached(_ tensor: Tensor) -> Tensor {
    let result = tensor.detach()
    result.grad = tensor.grad
    return result
  }
}
