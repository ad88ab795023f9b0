import ByteStrings
import Glibc

/// What was typed, kept between sessions.
///
/// One entry a line; newlines in an entry are written `\n` and backslashes `\\`, so that an entry
/// of several lines comes back whole. Several sessions may append at a time: every entry is one
/// write.
package final class HistoryFile {
  /// How many entries are kept.
  package static let most = 10_000
  /// The longest entry that is kept, in bytes: a paste of a megabyte is no history.
  package static let longest = 1 << 16

  /// The file's path; nil if no folder can be found for it.
  let path: String?
  /// Entries of earlier sessions, oldest first.
  package private(set) var entries: [String] = []
  /// Why the file cannot be used, to be told once.
  private(set) var warning: String?
  /// Whether entries can be added to the file.
  private var isUsable = true

  /// `$XDG_STATE_HOME/mnemo/history`, by default in ~/.local/state.
  static var defaultPath: String? {
    Folder.xdg("XDG_STATE_HOME", "/.local/state").map { $0 + "/mnemo/history" }
  }

  /// Reads the file; one that is not there yet is empty.
  package init(path: String?) {
    self.path = path
    guard let path else { return }
    if let parent = path.lastIndex(of: "/") { Folder.make(String(path[..<parent])) }
    // A pipe is not waited for, a device not read: neither has an end.
    let descriptor = path.withCBytes { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      if errno != ENOENT { warning = "cannot read \(path): \(String(cString: strerror(errno)))" }
      return
    }
    defer { close(descriptor) }
    guard let bytes = HistoryFile.contents(descriptor) else {
      let reason = HistoryFile.isFile(descriptor) ? String(cString: strerror(errno)) : nil
      warning = "cannot read \(path): \(reason ?? "no regular file")"
      isUsable = false
      return
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    let texts = lines.suffix(HistoryFile.most).map { String(validating: $0, as: UTF8.self) }
    entries = texts.compactMap { $0 }.filter { !$0.utf8.contains(0) }.map(HistoryFile.unescaped)
    if texts.contains(nil) || bytes.contains(0) {
      warning = "\(path) is damaged; the entries that can be read are kept"
    }
    if lines.count > 2 * HistoryFile.most { shorten(path) }
  }

  /// Adds an entry to the file, unless it is the last one again; tells whether it is new.
  package func add(_ entry: String) -> Bool {
    guard entry != entries.last, !entry.allSatisfy(\.isWhitespace),
      entry.utf8.count <= HistoryFile.longest
    else { return false }
    entries.append(entry)
    guard let path, isUsable else { return true }
    // It may have become a pipe meanwhile, which would not be opened before somebody reads.
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
    let descriptor = path.withCBytes { open($0, flags, 0o600) }
    defer { if descriptor >= 0 { close(descriptor) } }
    if descriptor >= 0, !HistoryFile.isFile(descriptor) {
      warn("cannot write \(path): no regular file")
    } else if descriptor < 0 || fchmod(descriptor, 0o600) != 0
      || !HistoryFile.write(HistoryFile.escaped(entry) + "\n", descriptor)
    {
      warn("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    return true
  }

  private func warn(_ words: String) { if warning == nil { warning = words } }

  /// The warning, once.
  package func takeWarning() -> String? {
    guard !told, let warning else { return nil }
    told = true
    return warning
  }
  private var told = false

  /// Keeps the last entries alone; where they cannot be written, all that are there.
  private func shorten(_ path: String) {
    let new = path + ".new"
    // What an earlier session left, or somebody's link.
    new.withCBytes { _ = unlink($0) }
    let descriptor = new.withCBytes { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { return }
    let text = entries.map { HistoryFile.escaped($0) + "\n" }.joined()
    let isWhole = HistoryFile.write(text, descriptor)
    let isClosed = close(descriptor) == 0
    new.withCBytes { new in
      if !isClosed || !isWhole || path.withCBytes({ rename(new, $0) }) != 0 { unlink(new) }
    }
  }

  /// Writes all of a text, or tells that it could not.
  private static func write(_ text: String, _ descriptor: Int32) -> Bool {
    text.withBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count }
  }

  private static func isFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func contents(_ descriptor: Int32) -> [UInt8]? {
    guard isFile(descriptor) else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 { return nil }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  private static func escaped(_ entry: String) -> String {
    entry.reduce(into: "") { text, character in
      switch character {
      case "\\": text += "\\\\"
      case "\n", "\r\n": text += "\\n"
      default: text.append(character)
      }
    }
  }

  private static func unescaped(_ line: String) -> String {
    var text = ""
    var isEscaped = false
    for character in line {
      if isEscaped {
        text += character == "n" ? "\n" : String(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        text.append(character)
      }
    }
    return text
  }
}
