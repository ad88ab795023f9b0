import LuaBridge
import Tasks
import TensorFiles
import Tensors
import Tokenizers
import Transformers

/// `mnemo.model`: models and what can be done with them.
enum ModelFunctions {
  private static let tokens = LuaParameter(
    "tokens", tokenTypes,
    "ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence")
  /// What may be given for tokens.
  static let tokenTypes = LuaType.union([.object("IntTensor"), .table, .string])
  private static let name = LuaParameter(
    "name", .string, "a parameter's name; layers count from 0 there")
  private static let glob = LuaParameter(
    "glob", .string, "names, with * for any characters: \"layers.*.attention.wk.weight\"")
  private static let model = "local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}\n"

  private static func object(_ call: LuaCall) throws -> any Model {
    try call.object(1, (any Model).self)
  }

  private static func methods(_ session: ModuleState) -> [LuaFunction] {
    basics + ModelInspection.methods + PretrainedFunctions.methods(session)
      + TruncationFunctions.methods
  }

  private static func forward(_ call: LuaCall) throws -> Int {
    let model = try object(call)
    let tokens = try call.tokens(2, of: model)
    if case .string(let positions) = call.value(3) {
      guard positions == "last" else {
        throw call.failure(3, "Tensor or \"last\" expected, got \"\(positions)\"")
      }
      try model.check(tokens)
      let last = RowSelection(lastPositionOf: tokens.shape[0], length: tokens.shape[1])
      return call.returns(try model.logits(tokens, rows: last))
    }
    guard let mask = try call.optionalObject(3, Tensor.self) else {
      return call.returns(try model.forward(tokens))
    }
    return call.returns(try model.forward(tokens, where: mask))
  }

  private static var basics: [LuaFunction] {
    [
      LuaFunction(
        "forward",
        """
        The logits of the next token at every position, [B, T, V]; also model(tokens, mask). With a \
        mask [B, T], at the R positions where it is not 0, [R, V]: what the others alone would need is \
        not computed; with "last" at the last position of each sequence, [B, V]. Of a custom model \
        that answers at the last position alone, [B, V]; a mask then has an entry for each sequence, \
        [B].
        """,
        parameters: [
          tokens,
          LuaParameter(
            "mask", .union([.object("Tensor"), .choice(["last"])]),
            "positions wanted, not 0, which come sequence by sequence; or \"last\"",
            default: "all of them"),
        ], returns: [.object("Tensor")],
        example: model + """
          local tokens = mnemo.int_tensor{{1, 2, 3}}
          print(model:forward(tokens):size(3))
          print(model:forward(tokens, tokens:ge(2)):size(1))
          print(model:forward({1, 2, 3}, "last"):shape()[1])
          """
      ) { call in try forward(call) },
      LuaFunction(
        "loss",
        "The mean cross-entropy of the targets, in nats, where loss_on keeps them. Targets are at "
          + "every position, [B, T], or at the last of each sequence alone, [B].",
        parameters: [
          LuaParameter("batch", .object("Batch"), "a task's, or a table with its fields"),
          LuaParameter(
            "loss_on", .union([.choice(LossMask.names), .object("Tensor")]),
            "a mask's name, as in mnemo.train, or weights of the targets' shape",
            default: "\"all\""),
        ], returns: [LuaResult(.object("Tensor"), "0-dimensional")],
        example: """
          local task = mnemo.data.bigram{seq_len = 32, seed = 1}
          local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, seed = 1}
          print(model:loss(task:batch(4), "repeats"):item())
          """
      ) { call in
        let batch = try Batch(call.table(2))
        let mask: Tensor
        if let weights = call.value(3).asObject(Tensor.self) {
          mask = weights
        } else {
          let name = try call.optionalString(3) ?? "all"
          guard let named = LossMask(rawValue: name) else {
            throw call.failure(3, "\(LuaType.choice(LossMask.names)) expected, got \"\(name)\"")
          }
          mask = try named.mask(of: batch)
        }
        return call.returns(try object(call).loss(batch, mask: mask))
      },
      LuaFunction(
        "parameters",
        "The parameters by name, frozen ones too: the model's own tensors, not copies.",
        returns: [LuaResult(.table, "from name to Tensor")],
        example: model + "print(model:parameters()[\"output.weight\"]:norm():item())"
      ) { call in
        let parameters = try object(call).parameters.all
        return call.returns(
          LuaRecord(parameters.map { ($0.name, LuaObject($0.tensor)) }))
      },
      LuaFunction(
        "names", "The parameters' names, in order.", returns: [.list(.string)],
        example: model + "print(table.concat(model:names(), \"\\n\"))"
      ) { call in
        call.returns(try object(call).parameters.names)
      },
      LuaFunction(
        "get", "The parameter of that name: the model's own tensor, not a copy.",
        parameters: [name], returns: [.object("Tensor")],
        example: model + "print(model:get(\"output.weight\"):size(1))"
      ) { call in call.returns(try object(call).parameters.get(call.string(2))) },
      LuaFunction(
        "set", "Copies numbers into the parameter of that name.",
        parameters: [name, LuaParameter("tensor", .object("Tensor"), "of the parameter's shape")],
        returns: [LuaResult(.object("Model"), "the model itself")],
        example: model + "model:set(\"layers.0.attention.wk.weight\", mnemo.zeros(16, 16))"
      ) { call in
        try object(call).parameters.set(call.string(2), call.object(3, Tensor.self))
        return call.returns(argument: 1)
      },
      LuaFunction(
        "freeze", "Takes parameters out of training.", parameters: [glob],
        returns: [LuaResult(.list(.string), "the names that matched")],
        example: model + "model:freeze(\"layers.0.*\")"
      ) { call in
        call.returns(try object(call).parameters.setTrained(call.string(2), false))
      },
      LuaFunction(
        "unfreeze", "Takes parameters into training.", parameters: [glob],
        returns: [LuaResult(.list(.string), "the names that matched")],
        example: model + "model:unfreeze(\"output.weight\")"
      ) { call in
        call.returns(try object(call).parameters.setTrained(call.string(2), true))
      },
      LuaFunction(
        "trainable", "The names of the parameters that are trained.", returns: [.list(.string)],
        example: model + "print(#model:trainable(), #model:names())"
      ) { call in call.returns(try object(call).parameters.trained.map(\.name)) },
      LuaFunction(
        "load_state",
        "Copies tensors by name into the parameters: all of them, or on an error none. So the "
          + "parameters of a custom model come back, whose function is in no file.",
        parameters: [
          LuaParameter(
            "state", .union([.string, .table]),
            "a file that save wrote, or name to Tensor, as safetensors.load gives")
        ],
        returns: [LuaResult(.object("Model"), "the model itself")],
        example: model + """
          model:load_state(model:clone():parameters())
          model:save("model.safetensors")
          model:load_state("model.safetensors")
          """
      ) { call in
        if case .string(let path) = call.value(2) {
          try Checkpoint.loadState(from: path, into: object(call))
          return call.returns(argument: 1)
        }
        let tensors = try call.table(2)
        var values: [ByteName: Safetensors.Value] = [:]
        for (name, _) in try tensors.fields() {
          values[ByteName(name)] = .float(try tensors.object(.name(name), Tensor.self))
        }
        try Checkpoint.loadState(values, into: object(call))
        return call.returns(argument: 1)
      },
      LuaFunction(
        "save", "Writes a checkpoint: a safetensors file with the options in its metadata.",
        parameters: [LuaParameter("path", .string, "the file")],
        returns: [LuaResult(.object("Model"), "the model itself")],
        example: model + "model:save(\"model.safetensors\")"
      ) { call in
        try Checkpoint.save(object(call), to: call.string(2))
        return call.returns(argument: 1)
      },
      LuaFunction(
        "clone", "A model of its own with the same options and parameters.",
        returns: [.object("Model")],
        example: model + """
          local before = model:clone()
          model:get("output.weight"):fill_(0)
          print(before:get("output.weight"):norm():item() > 0)
          """
      ) {
        call in call.returns(try object(call).copy() as AnyObject)
      },
    ]
  }

  private static let fields = [
    LuaParameter("config", .table, "the options it was made with"),
    LuaParameter(
      "kind", .string,
      "the constructor: "
        + (ModelKinds.all.map { $0.kind } + ["custom"]).map { "\"\($0)\"" }.joined(separator: ", ")),
    LuaParameter(
      "layers", .integer,
      "number of attention layers; of a custom model those that it shows as \"layers.0.…\" and on"),
    LuaParameter(
      "tokenizer", .object("Tokenizer"),
      "what turns text into tokens; nil unless it came from a folder with one", optional: true),
  ]

  static func modelClass(_ session: ModuleState) -> LuaClass {
    let methods = methods(session)
    let members = methods.map(\.shortName) + fields.map(\.name)
    return LuaClass(
      "Model", for: (any Model).self,
      "Parameters by name, and logits from tokens. Everything that trains, probes, freezes or saves "
        + "works with any model.", isIdentified: true,
      methods: methods, fields: fields,
      metamethods: [
        "__call": { call in try forward(call) },
        "__tostring": { call in
          let model = try object(call)
          let rows = model.parameters.all.map { name, tensor in
            "  \(name) \(tensor.shape)\(tensor.requiresGrad ? "" : " frozen")"
          }
          return call.returns((["Model \(model.kind)"] + rows).joined(separator: "\n"))
        },
      ],
      index: { call in
        let model = try object(call)
        switch try call.string(2) {
        case "config":
          return call.returns(model.luaRecord)
        case "kind": return call.returns(model.kind)
        case "tokenizer":
          guard let tokenizer = (model as? GPT)?.text as? Tokenizer else {
            return call.returns(LuaValue.nil)
          }
          return call.returns(tokenizer)
        case "layers":
          return call.returns(try (model as? CustomModel)?.shownLayers() ?? model.layerCount)
        case let name:
          throw unknownMember("Model", name, members)
        }
      })
  }
}

extension LossMask {
  static let names = allCases.map(\.rawValue)
}
