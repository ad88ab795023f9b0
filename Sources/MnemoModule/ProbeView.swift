import LuaBridge
import Training

/// A probe's context as Lua sees it: ids from 1, made once for all probes of a record.
final class ProbeView {
  let context: ProbeContext
  private var madeBatch: (any LuaPushable)?
  init(_ context: ProbeContext) { self.context = context }

  func batch() throws -> any LuaPushable {
    let batch = try madeBatch ?? context.data.luaValue()
    madeBatch = batch
    return batch
  }

  static var declaration: LuaClass {
    LuaClass(
      "ProbeContext", for: ProbeView.self, "What a probe sees of a step.",
      isIdentified: true,
      fields: [
        LuaParameter("model", .object("Model"), "the model"),
        LuaParameter(
          "batch", .object("Batch"),
          "the batch of the step; where data is a table, the one that it gave"),
        LuaParameter(
          "logits", .object("Tensor"),
          "model(batch.tokens), without gradient, computed once for all probes of a record"),
        LuaParameter("step", .integer, "number of updates made"),
        LuaParameter("run", .object("Run"), "the run so far"),
      ],
      index: { call in
        let context = try call.object(1, ProbeView.self)
        switch try call.string(2) {
        case "model": return call.returns(context.context.model as AnyObject)
        case "batch": return call.returns(try context.batch())
        case "logits": return call.returns(try context.context.logits())
        case "step": return call.returns(context.context.step)
        case "run": return call.returns(context.context.run.map(LuaObject.init))
        default: return call.returns(LuaValue.nil)
        }
      })
  }
}
