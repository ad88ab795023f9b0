import LuaBridge
import TensorFiles
import Tensors
import Training

/// One tensor in a file, `t:save(path)`, and back, `mnemo.load(path)`; folders for results.
enum FileFunctions {
  static var functions: [LuaFunction] { [load, makeFolder] }

  private static var makeFolder: LuaFunction {
    LuaFunction(
      "make_folder",
      "Makes a folder, and those it lies in, unless it is there, and checks that files can be "
        + "written into it.",
      parameters: [LuaParameter("path", .string, "the folder")],
      returns: [
        LuaResult(.string, "the path"),
        LuaResult(
          .string, "words for a run that it, or a folder up to two levels below, holds",
          optional: true),
      ],
      example: """
        local folder = mnemo.make_folder "results/first"
        mnemo.eye(2):save(folder .. "/eye.npy")
        """
    ) { call in
      let path = try call.string(1)
      try WritableFolder.make(path)
      let run = StoredRun.first(below: path).map { "'\($0.path)' holds \($0)" }
      return call.returns(all: [.string(path), run.map { .string($0) } ?? .nil])
    }
  }

  private static var load: LuaFunction {
    LuaFunction(
      "load",
      "What a file holds, by its ending: .npy (NumPy) one Tensor, or an IntTensor if its numbers are "
        + "integers; .safetensors a table of them by name. Integers come as they are stored: ids "
        + "count from what they counted from there. A file's header is checked in full before "
        + "anything is read.",
      parameters: [LuaParameter("path", .string, "the file, ending in .npy or .safetensors")],
      returns: [.union([.object("Tensor"), .object("IntTensor"), .table])],
      example: """
        local path = os.tmpname() .. ".npy"
        mnemo.eye(2):save(path)
        print(mnemo.load(path))
        os.remove(path)
        """
    ) { call in
      let path = try call.string(1)
      switch try Ending(call, path) {
      case .npy: return call.returns(try Npy.load(path).object)
      case .safetensors:
        let (tensors, _) = try Safetensors.load(path)
        return call.returns(LuaRecord(tensors.map { ($0, LuaObject($1.object)) }))
      }
    }
  }

  /// The method `save` of a class.
  static func save(
    _ example: String, _ value: @escaping (LuaCall) throws -> Safetensors.Value
  ) -> LuaFunction {
    LuaFunction(
      "save",
      "Writes the tensor into a file, by its ending: .npy (NumPy), or .safetensors, where it is "
        + "named tensor. An earlier file is replaced at once or not at all.",
      parameters: [LuaParameter("path", .string, "the file, ending in .npy or .safetensors")],
      example: """
        local path = os.tmpname() .. ".npy"
        \(example):save(path)
        os.remove(path)
        """
    ) { call in
      let path = try call.string(2)
      switch try Ending(call, path, position: 2) {
      case .npy: try Npy.save(path, value(call))
      case .safetensors: try Safetensors.save(path, tensors: [("tensor", value(call))])
      }
      return call.returns()
    }
  }

  /// What a file is, by its name.
  private enum Ending {
    case npy, safetensors

    init(_ call: LuaCall, _ path: String, position: Int = 1) throws {
      if path.hasSuffix(".npy") {
        self = .npy
      } else if path.hasSuffix(".safetensors") {
        self = .safetensors
      } else {
        throw call.failure(
          position, "a path ending in .npy or .safetensors expected, got \"\(path)\"")
      }
    }
  }
}

extension Safetensors.Value {
  /// The tensor as an object for Lua.
  var object: AnyObject {
    switch self {
    case .float(let tensor): tensor
    case .int(let tensor): tensor
    }
  }
}
