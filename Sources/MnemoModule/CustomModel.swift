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
  let truncation = Truncation()
  let layerCount = 0
  let kind = Checkpoint.customKind
  let unwritten = ["forward"]
  private unowned let lua: Lua

  /// What is declared of a model: what it reads, and what it answers.
  struct Sizes {
    let vocab: Int
    let outputs: Int
    let readout: Readout
    let maxLength: Int

    func check() throws {
      let least = [("vocab", vocab, 2), ("outputs", outputs, 2), ("max_len", maxLength, 1)]
      for (name, value, least) in least where value < least {
        throw EngineError("model.custom", "\(name) = \(value) (allowed: \(least) or more)")
      }
    }
  }

  private let sizes: Sizes
  var vocabSize: Int { sizes.vocab }
  var outputSize: Int { sizes.outputs }
  var readout: Readout { sizes.readout }
  var maxLength: Int { sizes.maxLength }

  init(_ lua: Lua, _ sizes: Sizes, parameters: [(name: String, tensor: Tensor)]) throws {
    try sizes.check()
    self.lua = lua
    self.sizes = sizes
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
    [
      ("vocab", .integer(vocabSize)), ("outputs", .integer(outputSize)),
      ("positions", .text(readout.rawValue)), ("max_len", .integer(maxLength)),
    ]
  }

  func copy() throws -> any Model {
    let copies = try parameters.all.map { name, tensor in
      (name, try tensor.copied().requireGrad(tensor.requiresGrad))
    }
    let result = try CustomModel(lua, sizes, parameters: copies)
    lua.setUserValue(of: result, lua.userValue(of: self))
    return result
  }

  func logits(_ tokens: IntTensor, rows: RowSelection) throws -> Tensor {
    try check(tokens)
    let logits = try call(tokens, Visitor(nil))
    guard readout == .lastPosition else { return try rows.rows(of: logits) }
    let wanted = (0..<rows.batch).filter { rows.starts[$0] < rows.starts[$0 + 1] }
    return wanted.count == rows.batch
      ? logits : try logits.rows(IntTensor(wanted.map { Int32(truncatingIfNeeded: $0) }))
  }

  func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    try call(tokens, Visitor(trace))
  }

  /// The number of layers that the forward pass shows by the usual names, `layers.0.…` and on.
  ///
  /// It is asked with one sequence, as long as may be if that was said, else of one token.
  /// - Throws: `EngineError` if there is no memory; errors of the forward pass.
  func shownLayers() throws -> Int {
    let trace = Trace()
    let length = maxLength <= Self.longestAsked ? maxLength : 1
    _ = try noGrad { try observedForward(IntTensor(shape: [1, length]), trace) }
    let shown = Set(
      trace.names.compactMap { name -> Int? in
        let parts = name.split(separator: ".", maxSplits: 2)
        return parts.count == 3 && parts[0] == "layers" ? Int(parts[1]) : nil
      })
    var count = 0
    while shown.contains(count) { count += 1 }
    return count
  }

  private static let longestAsked = 4096

  private func call(_ tokens: IntTensor, _ visitor: Visitor) throws -> Tensor {
    let function = try lua.keptFunction(of: self, "model.custom")
    let table = LuaRecord(parameters.all.map { ($0.name, LuaObject($0.tensor)) })
    let result = try lua.calling(
      "forward", function,
      [.object(tokens.offset(by: 1)), lua.value(of: table), .object(visitor)])
    let positions = readout == .everyPosition ? tokens.shape : [tokens.shape[0]]
    let wanted = positions + [outputSize]
    guard let logits = result.first?.asObject(Tensor.self) else {
      throw EngineError(
        "forward",
        "must return the logits, a Tensor of shape \(wanted), got "
          + (result.first?.typeName ?? "nothing"))
    }
    guard logits.shape == wanted else {
      throw EngineError(
        "forward",
        "must return logits of shape \(wanted) = \(shapeInWords), got \(logits.shape)")
    }
    return logits
  }

  /// The shape of its logits, by the names of the options.
  private var shapeInWords: String {
    let outputs = outputSize == vocabSize ? "vocab" : "outputs"
    return readout == .everyPosition ? "[B, T, \(outputs)]" : "[B, \(outputs)]"
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
