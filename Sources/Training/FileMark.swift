import ByteStrings
import Glibc

/// What tells a file that was left in a folder from one that was put in its place, or changed.
struct FileMark: Equatable {
  private let device: dev_t
  private let inode: ino_t
  private let seconds: Int
  private let nanoseconds: Int
  /// Its size in bytes.
  let size: Int
  /// Who may read and write it.
  let mode: mode_t
  /// Whether it is neither a folder nor a link nor a device.
  let isRegular: Bool

  /// The file of that name, or the link; nil if there is none.
  init?(_ path: String) {
    var status = stat()
    guard path.withCBytes({ lstat($0, &status) }) == 0 else { return nil }
    self.init(status)
  }

  /// An open file.
  init?(_ descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    (device, inode, size) = (status.st_dev, status.st_ino, Int(status.st_size))
    (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    (mode, isRegular) = (status.st_mode & 0o7777, status.st_mode & S_IFMT == S_IFREG)
  }

  /// Whether both are one file, which may have changed.
  func isSameFile(as other: FileMark?) -> Bool {
    device == other?.device && inode == other?.inode
  }
}
