import ByteStrings
import LuaBridge
import TensorFiles
import Tensors

/// `mnemo.safetensors`: tensors on disk.
enum SafetensorsFunctions {
  static var functions: [LuaFunction] {
    [
      LuaFunction(
        "safetensors.load",
        "The tensors of a safetensors file by name, as they are stored (ids count from what they "
          + "counted from there), and the file's metadata.",
        parameters: [LuaParameter("path", .string, "the file")],
        returns: [
          LuaResult(.table, "the tensors by name", name: "tensors"),
          LuaResult(.table, "the metadata by name", name: "metadata"),
        ],
        example: """
          mnemo.safetensors.save("eye.safetensors", {eye = mnemo.eye(2)}, {made = "by hand"})
          local tensors, metadata = mnemo.safetensors.load("eye.safetensors")
          print(tensors.eye, metadata.made)
          """
      ) { call in
        let (tensors, metadata) = try Safetensors.load(call.string(1))
        return call.returns(record(tensors), metadata)
      },
      LuaFunction(
        "safetensors.open",
        "As safetensors.load, without reading the file: F32, F16 and BF16 keep their type and stay "
          + "where they are; what is looked at is read then. Changes in place do not reach the "
          + "file. It may be replaced or deleted meanwhile, but not cut short, which ends the "
          + "process where the lost numbers are read.",
        parameters: [LuaParameter("path", .string, "the file")],
        returns: [
          LuaResult(.table, "the tensors by name", name: "tensors"),
          LuaResult(.table, "the metadata by name", name: "metadata"),
        ],
        example: """
          mnemo.safetensors.save("eye.safetensors", {eye = mnemo.eye(2):half()})
          local tensors = mnemo.safetensors.open("eye.safetensors")
          print(tensors.eye, mnemo.ones(1, 2):matmul(tensors.eye))
          """
      ) { call in
        let (tensors, metadata) = try Safetensors.open(call.string(1))
        return call.returns(record(tensors), metadata)
      },
      LuaFunction(
        "safetensors.save",
        "Writes tensors into a safetensors file; an earlier one is replaced at once or not at all.",
        parameters: [
          LuaParameter("path", .string, "the file"),
          LuaParameter("tensors", .table, "name to Tensor or IntTensor"),
          LuaParameter("metadata", .table, "name to string", optional: true),
        ],
        example: "mnemo.safetensors.save(\"eye.safetensors\", {eye = mnemo.eye(2)})"
      ) { call in
        let table = try call.table(2)
        let tensors = try table.fields().map { name, value -> (String, Safetensors.Value) in
          switch value {
          case .object(let tensor as Tensor): return (name, .float(tensor))
          case .object(let tensor as IntTensor): return (name, .int(tensor))
          default:
            throw table.failure(
              .name(name), "Tensor or IntTensor expected, got \(value.typeName)")
          }
        }
        var metadata: [String: String] = [:]
        if let extra = try call.optionalTable(3) {
          for (name, _) in try extra.fields() {
            let text = String(bytes: try extra.bytes(.name(name)))
            guard metadata.updateValue(text, forKey: name) == nil else {
              throw extra.failure(.name(name), "another name is the same in Unicode")
            }
          }
        }
        try Safetensors.save(call.string(1), tensors: tensors, metadata: metadata)
        return call.returns()
      },
    ]
  }

  private static func record(_ tensors: [String: Safetensors.Value]) -> LuaRecord {
    LuaRecord(tensors.map { ($0, LuaObject($1.object)) })
  }
}
