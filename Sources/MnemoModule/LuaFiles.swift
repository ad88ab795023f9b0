import ByteStrings
import Glibc
import LuaBridge

/// The module's files written in Lua, and what their comments say.
///
/// `mnemo/NAME.lua` is the table `mnemo.NAME`. What it is made of stands in the folder
/// `mnemo/NAME`; a file there that returns a table of the same name adds to it.
struct LuaFiles {
  /// The folder `mnemo`.
  let folder: String

  /// The documentation of all tables, each table's own file before its parts.
  var comments: [LuaComments] {
    LuaFiles.names(in: folder).flatMap { name in
      let parts = LuaFiles.names(in: "\(folder)/\(name)").map { "\(folder)/\(name)/\($0).lua" }
      return [LuaFiles.read("\(folder)/\(name).lua", module: name)].compactMap { $0 }
        + parts.compactMap { LuaFiles.read($0, module: name) }.filter { $0.table == name }
    }
  }

  private static func read(_ path: String, module: String) -> LuaComments? {
    TextFile.contents(of: path).map { LuaComments($0, path: path, module: module) }
  }

  /// The Lua files of a folder without their ending, in order; none if there is no such folder.
  private static func names(in folder: String) -> [String] {
    guard let listing = folder.withCBytes({ opendir($0) }) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cBytes: $0) }
      }
      if name.hasSuffix(".lua") { names.append(String(name.dropLast(4))) }
    }
    return names.sorted()
  }
}
