import LuaBridge
import Tensors

extension Lua {
  /// Calls a script's function; an error in it says which function it was.
  /// - Throws: `LuaError`; `Stopped` if an interrupt ended the function.
  @discardableResult
  func calling(
    _ label: String, _ function: LuaReference, _ arguments: [LuaValue]
  ) throws -> [LuaValue] {
    do {
      return try function.call(arguments, label: label)
    } catch let error as LuaError {
      if error.isInterrupt { throw Stopped() }
      throw error.labelled(label, in: self)
    }
  }

  /// The function that an object of an identified class keeps in its userdata.
  func keptFunction(of object: AnyObject, _ what: String) throws -> LuaReference {
    guard case .function(let function) = userValue(of: object) else {
      throw EngineError(what, "its Lua function is gone; keep the object that it belongs to")
    }
    return function
  }
}
