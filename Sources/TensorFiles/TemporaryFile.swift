import ByteStrings
import Glibc

/// The names of files that are still being written, before they get the one that they are to have.
///
/// `.mnemo-PID-RANDOM.tmp` says which process writes it: of one that was killed nobody else would
/// know that its file is not wanted any more.
package enum TemporaryFile {
  private static let (start, ending) = (".mnemo-", ".tmp")

  /// A path in `folder` that nobody else takes.
  package static func path(in folder: String) -> String {
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    return "\(folder)/\(start)\(getpid())-\(random)\(ending)"
  }

  /// Removes the files of processes that are gone.
  ///
  /// Processes are those of this machine; what cannot be removed stays.
  package static func removeAbandoned(in folder: String) {
    guard let listing = folder.withCBytes({ opendir($0) }) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(bytes: Array($0.prefix { $0 != 0 }))
      }
      guard let process = process(of: name), isGone(process) else { continue }
      "\(folder)/\(name)".withCBytes { _ = unlink($0) }
    }
  }

  /// The process that writes a file of such a name; nil for other names.
  private static func process(of name: String) -> pid_t? {
    guard name.hasPrefix(start), name.hasSuffix(ending) else { return nil }
    let parts = name.dropFirst(start.count).dropLast(ending.count).split(separator: "-")
    guard parts.count == 2, let process = pid_t(parts[0]), process > 0 else { return nil }
    return process
  }

  private static func isGone(_ process: pid_t) -> Bool {
    kill(process, 0) != 0 && errno == ESRCH
  }
}
