import LuaBridge
import Settings
import Tensors
import Transformers

/// `mnemo.model`: the constructors.
enum ModelConstructors {
  static func functions(_ session: ModuleState) -> [LuaFunction] {
    ModelKinds.all.map { constructor($0, session) } + [custom, load]
  }

  /// The constructor of a kind of model, from the declarations of its options.
  private static func constructor<C: ModelConfiguration>(
    _: C.Type, _ session: ModuleState
  ) -> LuaFunction {
    LuaFunction(
      "model.\(C.kind)", C.summary, options: C.declarations.map { LuaOption($0) },
      returns: [.object("Model")],
      example: """
        local model = mnemo.model.\(C.kind){\(C.exampleOptions)}
        print(model(mnemo.int_tensor{{1, 2, 3}}):size(-1))
        """
    ) { call in
      let options = try call.options()
      let model = try options.configuration(C.self, session).makeModel() as AnyObject
      session.note(model, madeWith: options)
      return call.returns(model)
    }
  }

  private static var custom: LuaFunction {
    LuaFunction(
      "model.custom",
      "A model whose forward pass is a Lua function on tensors; it is trained, probed, frozen, "
        + "saved and cloned like any other. forward(tokens, p, visit) gets the ids [B, T], the "
        + "parameters by name, and a function to show tensors to trace and patch: "
        + "h = visit(\"hidden\", h). It returns the logits [B, T, outputs], or with positions = "
        + "\"last\" [B, outputs]. Take parameters from p: a clone has its own, and a view "
        + "(transposed, expanded, some columns) is copied.",
      options: [
        LuaOption("vocab", .integer, .required, "Number of tokens, N."),
        LuaOption("parameters", .table, .required, "Name to Tensor; all are trained at first."),
        LuaOption("forward", .function, .required, "From tokens to logits."),
        LuaOption(
          "outputs", .integer, .described("vocab"),
          "Number of classes that it tells apart, n; targets are ids up to n."),
        LuaOption(
          "positions", .choice(Readout.allCases.map(\.rawValue)), "all",
          "Where it answers: at every position, or at the last of each sequence alone."),
        LuaOption("max_len", .integer, .described("no limit"), "Longest sequence."),
      ], returns: [.object("Model")],
      example: """
        local model = mnemo.model.custom{
          vocab = 8,
          parameters = {e = mnemo.randn(8, 4), u = mnemo.randn(8, 4)},
          forward = function(tokens, p) return p.e[tokens]:matmul(p.u:t()) end,
        }
        print(model(mnemo.int_tensor{{1, 2, 3}}):size(3))

        -- Is the sum of the ids even or odd? One of two answers to each sequence.
        local parity = mnemo.model.custom{
          vocab = 8, outputs = 2, positions = "last", parameters = {w = mnemo.randn(8, 2)},
          forward = function(tokens, p) return p.w[tokens]:sum(2) end,
        }
        print(parity(mnemo.int_tensor{{1, 2, 3}, {4, 4, 4}}))
        """
    ) { call in
      let options = try call.options()
      let table = try options.table("parameters")
      let parameters = try table.fields().map { name, _ in
        (name: name, tensor: try table.object(.name(name), Tensor.self).parameter())
      }
      let vocab = try options.integer("vocab")
      let sizes = try CustomModel.Sizes(
        vocab: vocab, outputs: options.optionalInteger("outputs") ?? vocab,
        readout: Readout(rawValue: options.string("positions")) ?? .everyPosition,
        maxLength: options.optionalInteger("max_len") ?? Int(Int32.max))
      let model = try CustomModel(call.lua, sizes, parameters: parameters)
      let held = call.lua.reference(to: model)
      call.lua.setUserValue(of: model, try options.function("forward"))
      return call.returns(held)
    }
  }

  private static var load: LuaFunction {
    LuaFunction(
      "model.load", "The model of a checkpoint that save wrote.",
      parameters: [LuaParameter("path", .string, "the file")], returns: [.object("Model")],
      example: """
        local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
        model:save("model.safetensors")
        print(mnemo.model.load("model.safetensors"))
        """
    ) { call in call.returns(try Checkpoint.load(from: call.string(1)) as AnyObject) }
  }
}
