import ByteStrings
import Glibc

/// Files of text: scripts, their comments, what an editor leaves.
public enum TextFile {
  /// A file's text, or nil if it cannot be read.
  public static func contents(of path: String) -> String? {
    guard let file = path.withCBytes({ fopen($0, "r") }) else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
    }
    return String(bytes: bytes)
  }
}
