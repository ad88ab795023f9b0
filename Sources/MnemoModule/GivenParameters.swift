import LuaBridge
import Tensors
import Training
import Transformers

/// Parameters as a script gives them: a list, a table by name, or a model.
struct GivenParameters {
  /// Each with its key in the table; integers are names too.
  let entries: [(key: LuaValue, name: String, tensor: Tensor)]

  /// How they are declared.
  static let parameter = LuaParameter(
    "parameters", .union([.table, .object("Model")]),
    "tensors by name or as a list, or a model, which stands for its parameters()")

  /// Reads an argument.
  init(_ call: LuaCall, _ position: Int) throws {
    if let model = call.ifObject(position, (any Model).self) {
      entries = model.parameters.all.map { (.string($0.name), $0.name, $0.tensor) }
      return
    }
    guard case .table = call.value(position) else {
      throw call.failure(
        position, "table of Tensors or Model expected, got \(call.typeName(position))")
    }
    let table = try call.table(position)
    entries = try table.entries().map { key, value in
      let (name, place): (String, LuaKey)
      switch key {
      case .string(let text): (name, place) = (text, .name(text))
      case .integer(let index): (name, place) = ("\(index)", .index(index))
      default: throw call.failure(position, "names expected as keys, got \(key)")
      }
      guard let tensor = value.asObject(Tensor.self) else {
        throw table.failure(place, "Tensor expected, got \(value.typeName)")
      }
      return (key, name, tensor)
    }
  }

  /// Names and tensors alone.
  var named: NamedTensors { entries.map { ($0.name, $0.tensor) } }
}
