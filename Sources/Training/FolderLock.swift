import ByteStrings
import Glibc
import Tensors

/// A run's claim to a folder: a lock on the file `.lock` in it, which says what process has it.
///
/// The system gives it up when the process ends, however it ends; what is left of the file then
/// stops nobody. Where a file system knows no locks, nothing is claimed.
final class FolderLock {
  private let path: String
  private let descriptor: Int32
  private let file: FileMark?
  /// A child after fork has the descriptor, but not the claim.
  private let process = getpid()

  /// Claims a folder.
  /// - Throws: `EngineError` that says who has it, or with the system's reason.
  init(_ folder: String) throws {
    path = "\(folder)/.lock"
    while true {
      let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
      let opened = path.withCBytes { open($0, flags, 0o666) }
      guard opened >= 0 else { throw WritableFolder.failure(folder) }
      if flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
        defer { close(opened) }
        let holder = FolderLock.holder(opened)
        throw EngineError("results folder", "'\(folder)' is in use by \(holder)")
      }
      // Whoever had it removes the file, perhaps after it was opened here.
      let mark = FileMark(opened)
      if mark?.isSameFile(as: FileMark(path)) == true {
        (descriptor, file) = (opened, mark)
        break
      }
      close(opened)
    }
    ftruncate(descriptor, 0)
    let text = Array("\(process)\n".utf8)
    // It only serves the sentence that others are told.
    _ = pwrite(descriptor, text, text.count, 0)
  }

  /// Whether the folder is still this run's: neither it nor the file was removed meanwhile.
  var isHeld: Bool { process == getpid() && file?.isSameFile(as: FileMark(path)) == true }

  deinit {
    if process == getpid() {
      if isHeld { path.withCBytes { _ = unlink($0) } }
      // A child would keep it otherwise.
      flock(descriptor, LOCK_UN)
    }
    close(descriptor)
  }

  /// Who has the lock, as far as the file says.
  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    guard let process = pid_t(text.prefix { $0 != "\n" }) else { return "another process" }
    return process == getpid() ? "another run of this process" : "process \(process)"
  }
}
