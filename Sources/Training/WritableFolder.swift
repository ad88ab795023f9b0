import ByteStrings
import Glibc
import TensorFiles
import Tensors

/// Folders that results are about to be written into.
public enum WritableFolder {
  /// Makes a folder, and those it lies in, unless it is there, and checks that it can be written.
  /// - Throws: `EngineError` with the system's reason.
  public static func make(_ path: String) throws {
    guard !path.isEmpty else { throw EngineError("results folder", "the path is empty") }
    guard !path.utf8.contains(0) else {
      throw EngineError("results folder", "a path must not contain a zero byte, got \"\(path)\"")
    }
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += component + "/"
      if partial.withCBytes({ mkdir($0, 0o777) }) != 0 && errno != EEXIST { throw failure(path) }
    }
    let trial = TemporaryFile.path(in: path)
    let flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC
    let descriptor = trial.withCBytes { open($0, flags, 0o600) }
    guard descriptor >= 0 else { throw failure(path) }
    close(descriptor)
    trial.withCBytes { _ = unlink($0) }
  }

  /// The names in a folder, in order, but for those that begin with a dot; none if there is none.
  static func names(in path: String) -> [String] {
    guard let listing = path.withCBytes({ opendir($0) }) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(bytes: Array($0.prefix { $0 != 0 }))
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The error of a folder, or a file in it, with the system's words for what just went wrong.
  static func failure(_ path: String) -> EngineError {
    EngineError(
      "results folder", "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
  }
}
