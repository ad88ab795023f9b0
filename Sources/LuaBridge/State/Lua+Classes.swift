import ByteStrings
import CLua
import LuaShim

// The classes and functions that a state knows.

extension Lua {
  /// Registers a class, so that its objects can be pushed; `Registry` does it for its classes.
  func register(_ declaration: LuaClass) -> ClassEntry {
    let entry = ClassEntry(self, declaration)
    classes.append(entry)
    if declaration.isConcrete { classByType[declaration.type] = entry }
    return entry
  }

  /// The class of an object: its own, or the last registered that it belongs to.
  func classEntry(of object: AnyObject, _ type: ObjectIdentifier) -> ClassEntry? {
    if let known = classByType[type] { return known }
    guard let found = classes.last(where: { $0.declaration.matches(object) }) else { return nil }
    classByType[type] = found
    return found
  }

  /// The registered class of an object.
  public func luaClass(of object: AnyObject) -> LuaClass? {
    classEntry(of: object, ObjectIdentifier(Swift.type(of: object)))?.declaration
  }

  func luaClass(named name: String) -> LuaClass? {
    classes.first { $0.name == name }?.declaration
  }

  /// The table of a class's methods, to which Lua code may add its own.
  public func methods(ofClass name: String) -> LuaReference? {
    classes.first { $0.name == name }?.methods
  }

  /// What messages call a Swift type.
  func name(of type: Any.Type) -> String {
    let identifier = ObjectIdentifier(type)
    if let declared = classes.first(where: { $0.declaration.type == identifier }) {
      return declared.name
    }
    let name = String(describing: type)
    return name.hasPrefix("any ") ? String(name.dropFirst(4)) : name
  }

  /// The declaration behind a Lua function value, if it enters Swift.
  public func function(of reference: LuaReference) -> LuaFunction? {
    reference.push()
    defer { mnemo_pop(current, 1) }
    guard let entry = mnemo_entry(current, -1) else { return nil }
    return Unmanaged<FunctionEntry>.fromOpaque(entry).takeUnretainedValue().function
  }

  /// The file of a function written in Lua, its path and the line where the function begins.
  func source(of reference: LuaReference) -> (text: String, path: String, line: Int)? {
    reserve(2)
    reference.push()
    defer { mnemo_pop(current, 1) }
    var name: UnsafePointer<CChar>?
    var line: Int32 = 0
    guard mnemo_source(current, -1, &name, &line) != 0, let name else { return nil }
    let chunk = String(cBytes: name)
    // A chunk's name starts with @ when it is a path.
    guard chunk.hasPrefix("@"), let text = TextFile.contents(of: String(chunk.dropFirst())) else {
      return nil
    }
    return (text, String(chunk.dropFirst()), Int(line))
  }
}
