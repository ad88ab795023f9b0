import LuaBridge
import Transformers

/// Methods of models that drop small singular values, and bring them back.
enum TruncationFunctions {
  private static let model = "local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}\n"

  static var methods: [LuaFunction] {
    [
      LuaFunction(
        "truncate",
        "Keeps the largest singular values of parameters that are matrices: the share times the "
          + "smaller of a matrix's sizes, rounded up; with 0 it is all zeros, with 1 what it was. "
          + "Further shares are of the matrix as it was before, and need no further decomposition. "
          + "Training goes on from the truncated numbers, and makes a matrix of its own of them, "
          + "which is what truncate then begins from; so do set, load_state and changes in place. "
          + "A clone and a saved file have the truncated numbers for their own. On an error nothing "
          + "is truncated. model:restore() undoes it.",
        options: [
          LuaOption(
            "names", .union([.string, .list(.string)]), .required,
            "names, with * for any characters: \"layers.1.ff.*\"; or a list of such"),
          LuaOption("share", .number, .required, "how much of the singular values stays, 0 to 1"),
        ],
        returns: [
          LuaResult(
            .table, "by name, the sum of squares of the singular values kept over that of all",
            name: "energy"),
          LuaResult(.table, "by name, how many were kept", name: "ranks"),
        ],
        example: model + """
          local name = "layers.1.attention.wo.weight"
          for _, share in ipairs{1, 0.5, 0.1, 0} do
            local energy, ranks = model:truncate{names = name, share = share}
            print(share, ranks[name], energy[name])
          end
          model:restore()
          """
      ) { call in
        let model = try call.object(1, (any Model).self)
        let options = try call.options()
        let names = try options.value("names").asString.map { [$0] } ?? options.strings("names")
        let kept = try model.truncation.truncate(
          model.parameters, names: names, share: options.number("share"))
        return call.returns(
          LuaRecord(kept.map { ($0.name, $0.energy) }), LuaRecord(kept.map { ($0.name, $0.rank) }))
      },
      LuaFunction(
        "restore",
        "Gives every truncated parameter the numbers that it had before, to the bit. If one has "
          + "changed since, by training or otherwise, it is an error and nothing is restored, unless "
          + "changed says what becomes of it.",
        options: [
          LuaOption(
            "changed", .choice(Truncation.Changed.allCases.map(\.rawValue)), .none,
            "\"keep\" leaves what has changed as it is; \"discard\" gives it back the numbers from "
              + "before truncation as well")
        ], returns: [LuaResult(.list(.string), "the names of what was restored")],
        example: model + """
          local weight = model:get("output.weight")
          local before = weight:clone()
          model:truncate{names = "output.weight", share = 0.25}
          print(mnemo.linalg.matrix_rank(weight))
          model:restore()
          print(weight:eq(before):all())
          """
      ) { call in
        let model = try call.object(1, (any Model).self)
        let changed = try call.options().optionalString("changed")
        return call.returns(
          try model.truncation.restore(
            model.parameters, changed: changed.flatMap(Truncation.Changed.init(rawValue:))))
      },
    ]
  }
}
