import LuaBridge
import Settings
import Tensors
import Transformers

/// A model whose forward pass is a Lua function, with the same standing as the built-in ones.
///
/// The function is kept in the model's userdata, so that a forward pass which mentions its own
/// model does not keep both for ever.
final class CustomModel: Model {
  private(set) var parameters = Parameters()
  let vocabSize: Int
  let maxLength: Int
  let layerCount = 0
  let kind = "custom"
  private unowned let lua: Lua

  init(
    _ lua: Lua, vocab: Int, maxLength: Int, parameters: [(name: String, tensor: Tensor)]
  ) throws {
    guard vocab >= 2 else {
      throw EngineError("model.custom", "vocab = \(vocab) (allowed: 2 or more)")
    }
    guard maxLength >= 1 else {
      throw EngineError("model.custom", "max_len = \(maxLength) (allowed: 1 or more)")
    }
    self.lua = lua
    vocabSize = vocab
    self.maxLength = maxLength
    for (name, tensor) in parameters {
      if let other = self.parameters.all.first(where: { $0.tensor.sharesElements(with: tensor) }) {
        throw EngineError(
          "model.custom",
          "parameters '\(other.name)' and '\(name)' share elements; give one name to what is one "
            + "parameter, or detach():clone() of it")
      }
      self.parameters.add(name, tensor)
    }
  }

  var settings: [(name: String, value: SettingValue)] {
    [("vocab", .integer(vocabSize)), ("max_len", .integer(maxLength))]
  }

  func copy() throws -> any Model {
    let copies = try parameters.all.map { name, tensor in
      (name, try tensor.copied().requireGrad(tensor.requiresGrad))
    }
    let result = try CustomModel(
      lua, vocab: vocabSize, maxLength: maxLength, parameters: copies)
    lua.setUserValue(of: result, lua.userValue(of: self))
    return result
  }

  func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try check(tokens)
    return try rows.rows(of: call(tokens, Visitor(nil)))
  }

  func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    try call(tokens, Visitor(trace))
  }

  private func call(_ tokens: IntTensor, _ visitor: Visitor) throws -> Tensor {
    let function = try lua.keptFunction(of: self, "model.custom")
    let table = LuaRecord(parameters.all.map { ($0.name, LuaObject($0.tensor)) })
    let result = try lua.calling(
      "forward", function,
      [.object(tokens.offset(by: 1)), lua.value(of: table), .object(visitor)])
    let wanted = tokens.shape + [vocabSize]
    guard let logits = result.first?.asObject(Tensor.self) else {
      throw EngineError(
        "forward",
        "must return the logits, a Tensor of shape \(wanted), got "
          + (result.first?.typeName ?? "nothing"))
    }
    guard logits.shape == wanted else {
      throw EngineError(
        "forward", "must return logits of shape \(wanted) = [B, T, vocab], got \(logits.shape)")
    }
    return logits
  }
}

/// What a custom forward pass calls with each tensor that a trace may keep or replace.
final class Visitor {
  let trace: Trace?
  init(_ trace: Trace?) { self.trace = trace }

  static var declaration: LuaClass {
    LuaClass(
      "Visitor", for: Visitor.self,
      "Shows a tensor of a custom forward pass to model:trace and model:patch: "
        + "h = visit(\"hidden\", h). By the names that the built-in models use, "
        + "\"layers.0.attention\" and so on, model:attention and others find it too.",
      metamethods: [
        "__call": { call in
          let visitor = try call.object(1, Visitor.self)
          let tensor = try call.object(3, Tensor.self)
          let name = try call.string(2)
          return call.returns(try visitor.trace?.visit(name, tensor) ?? tensor)
        }
      ])
  }
}
