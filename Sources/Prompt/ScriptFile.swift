import ByteStrings
import Glibc
import LuaBridge
import Tensors

/// Scripts as lua(1) reads them.
package enum ScriptFile {
  /// A script's text, without what lua(1) leaves out too: a byte-order mark, and a first line that
  /// begins with `#` and tells the system how to run it.
  ///
  /// - Parameters:
  ///   - path: The file; `-` is standard input.
  ///   - takesInterrupt: Whether an interrupt ended waiting, which counts as taken then.
  /// - Returns: The bytes that are Lua.
  /// - Throws: `LuaError` if it cannot be read, or is bytecode; `Stopped` after an interrupt.
  package static func source(
    of path: String, takesInterrupt: () -> Bool = { false }
  ) throws -> [UInt8] {
    var text = try contents(of: path, takesInterrupt)[...]
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    if text.first == UInt8(ascii: "#") {
      // The end of the line stays, so that messages count lines as an editor does.
      text = text.drop { $0 != UInt8(ascii: "\n") }
    }
    if text.first == 0x1B {
      throw LuaError("'\(path)' is bytecode; scripts are loaded as text only")
    }
    return Array(text)
  }

  private static func contents(
    of path: String, _ takesInterrupt: () -> Bool
  ) throws -> [UInt8] {
    func failure() -> LuaError {
      LuaError("cannot open '\(path)': \(String(cString: strerror(errno)))")
    }
    let descriptor = path == "-" ? STDIN_FILENO : path.withCBytes { open($0, O_RDONLY) }
    guard descriptor >= 0 else { throw failure() }
    defer { if path != "-" { close(descriptor) } }
    var bytes = [UInt8]()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let n = read(descriptor, &buffer, buffer.count)
      if n < 0 && takesInterrupt() { throw Stopped() }
      if n < 0 { throw failure() }
      if n == 0 { return bytes }
      bytes += buffer[..<n]
    }
  }
}
