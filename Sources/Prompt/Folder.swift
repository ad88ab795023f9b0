import ByteStrings
import Glibc
import TensorFiles
import Tensors

/// The user's own folders.
package enum Folder {
  /// Where the values of environment variables are looked up.
  package typealias Environment = (String) -> String?

  /// The folder that a variable of the XDG base directories names, or its default below HOME.
  package static func xdg(
    _ variable: String, _ fallback: String, _ environment: Environment = Terminal.environment
  ) -> String? {
    // The specification has relative paths ignored.
    if let folder = environment(variable), folder.hasPrefix("/") { return folder }
    return home(environment).map { $0 + fallback }
  }

  /// The user's own folder; nil where HOME is none, or relative, which no two folders would share.
  package static func home(_ environment: Environment = Terminal.environment) -> String? {
    environment("HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
  }

  /// A HOME that is ignored because it is relative.
  package static var badHome: String? {
    Terminal.environment("HOME").flatMap { $0.isEmpty || $0.hasPrefix("/") ? nil : $0 }
  }

  /// Makes a folder and those above it, for the user alone; a relative path begins at the current
  /// folder.
  package static func make(_ path: String) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += part + "/"
      made.withCBytes { _ = mkdir($0, 0o700) }
    }
  }

  /// The files and folders whose path begins so, folders with a slash at their end.
  package static func files(beginning: String) -> [String] {
    let path = expanded(beginning)
    let typedFolder = beginning.lastIndex(of: "/").map { String(beginning[...$0]) } ?? ""
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
    let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    guard let listing = folder.withCBytes({ opendir($0) }) else { return [] }
    defer { closedir(listing) }
    var found: [String] = []
    while let entry = readdir(listing) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cBytes: $0) }
      }
      guard file.hasPrefix(name), !file.hasPrefix(".") || name.hasPrefix(".") else { continue }
      guard file != ".", file != ".." else { continue }
      var status = stat()
      let isThere = (folder + file).withCBytes { stat($0, &status) } == 0
      let isFolder = isThere && status.st_mode & S_IFMT == S_IFDIR
      found.append(typedFolder + file + (isFolder ? "/" : ""))
    }
    return found.sorted()
  }

  /// A path in which `~` stands for the home folder.
  package static func expanded(
    _ path: String, _ environment: Environment = Terminal.environment
  ) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = home(environment) else { return path }
    return home + path.dropFirst()
  }

  /// Writes a file, in place of an earlier one only when it is whole; returns why it could not.
  package static func write(_ text: String, to path: String) -> String? {
    var reason = "interrupted"
    func failure(_ message: String) -> EngineError {
      reason = message
      return EngineError("write", message)
    }
    do {
      try File.replace(path, failure) { file in
        try text.withBytes { try file.write(UnsafeRawBufferPointer($0), failure) }
      }
      return nil
    } catch {
      return reason
    }
  }

  /// A new file for the user alone, with this text in it.
  package static func temporaryFile(holding text: String, ending: String) -> String? {
    let folder = Terminal.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    var name = "\(folder)/mnemo-XXXXXX\(ending)".withCBytes { path in
      Array(UnsafeBufferPointer(start: path, count: strlen(path) + 1))
    }
    let descriptor = mkstemps(&name, Int32(ending.utf8.count))
    guard descriptor >= 0 else { return nil }
    close(descriptor)
    let path = name.withUnsafeBufferPointer { $0.baseAddress.map { String(cBytes: $0) } }
    return path.flatMap { write(text, to: $0) == nil ? $0 : nil }
  }
}
