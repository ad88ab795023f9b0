import Glibc

/// Files of text: scripts, their comments, what an editor leaves.
public enum TextFile {
  /// A file's text, or nil if it cannot be read; bytes that are no UTF-8 are replaced.
  public static func contents(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
