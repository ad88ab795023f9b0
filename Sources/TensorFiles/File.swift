import ByteStrings
import Glibc
import Tensors

/// An open file, closed with its last reference.
package final class File {
  let descriptor: Int32

  /// - Throws: `EngineError` with the system's reason.
  init(_ path: String, _ flags: Int32, _ failure: (String) -> EngineError) throws {
    // A zero byte would end the path early.
    guard !path.utf8.contains(0) else { throw failure("a path must not contain a zero byte") }
    let opened = path.withCBytes { open($0, flags | O_CLOEXEC, 0o666) }
    guard opened >= 0 else { throw failure(File.reason) }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// The system's words for what just went wrong.
  static var reason: String { String(cString: strerror(errno)) }

  /// The most bytes in one call of the system, between which interruptions are heard.
  private static let mostInOneCall = 1 << 22

  /// Fills `buffer` with the bytes from `offset`.
  /// - Throws: `EngineError` if they cannot be read, or this is interrupted.
  package func read(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: Int, _ failure: (String) -> EngineError
  ) throws {
    var done = 0
    while done < buffer.count {
      try StopToken.checkpoint()
      let count = pread(
        descriptor, buffer.baseAddress.map { $0 + done },
        min(buffer.count - done, File.mostInOneCall), offset + done)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(File.reason) }
      guard count > 0 else { throw failure("the file became shorter while it was read") }
      done += count
    }
  }

  /// Appends `buffer`.
  /// - Throws: `EngineError` if it cannot be written, or this is interrupted.
  package func write(
    _ buffer: UnsafeRawBufferPointer, _ failure: (String) -> EngineError
  ) throws {
    var done = 0
    while done < buffer.count {
      try StopToken.checkpoint()
      let count = Glibc.write(
        descriptor, buffer.baseAddress.map { $0 + done },
        min(buffer.count - done, File.mostInOneCall))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(File.reason) }
      done += count
    }
  }

  /// Opens a regular file for reading and tells its size in bytes.
  /// - Throws: `EngineError` if there is none, or it is a directory, a pipe, a device.
  package static func regular(
    _ path: String, _ failure: (String) -> EngineError
  ) throws -> (File, size: Int) {
    let file = try File(path, O_RDONLY | O_NONBLOCK, failure)
    var status = stat()
    guard fstat(file.descriptor, &status) == 0 else { throw failure(reason) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure(irregular(status)) }
    return (file, Int(status.st_size))
  }

  /// Whether something is at `path`.
  package static func exists(_ path: String) -> Bool {
    !path.utf8.contains(0) && path.withCBytes { access($0, F_OK) == 0 }
  }

  /// The bytes of a regular file, `most` of them at the most.
  /// - Throws: `EngineError` as ``regular(_:_:)``, or if there are more.
  package static func contents(
    _ path: String, most: Int, _ failure: (String) -> EngineError
  ) throws -> [UInt8] {
    let (file, size) = try regular(path, failure)
    guard size <= most else { throw failure("is too long: \(size) bytes (allowed: \(most))") }
    var bytes = [UInt8](repeating: 0, count: size)
    try bytes.withUnsafeMutableBytes { try file.read($0, at: 0, failure) }
    return bytes
  }

  /// The first `count` bytes, at least one, mapped.
  /// - Throws: `EngineError` with the system's reason.
  func mapping(of count: Int, _ failure: (String) -> EngineError) throws -> FileMapping {
    guard let mapping = FileMapping(descriptor: descriptor, count: count) else {
      throw failure(File.reason)
    }
    return mapping
  }

  /// Writes a file that appears whole or not at all.
  ///
  /// It is written beside `path` under another name, brought to the disk and then renamed, so an
  /// interrupted save leaves the file of before. The new one has the mode of the one of before, and
  /// takes its place where a link leads to it.
  /// - Throws: `EngineError` with the system's reason, or what `write` throws.
  package static func replace(
    _ path: String, _ failure: (String) -> EngineError, _ write: (File) throws -> Void
  ) throws {
    guard !path.utf8.contains(0) else { throw failure("a path must not contain a zero byte") }
    let path = try target(of: path, failure)
    let before = try replaceable(path, failure)
    let (temporary, file) = try temporaryFile(beside: path, failure)
    // Gone already once it has been renamed.
    defer { temporary.withCBytes { _ = unlink($0) } }
    try write(file)
    // A copy of a view that was cut short.
    try StopToken.check()
    if let before { file.take(modeOf: before) }
    // A slow disk takes its time; one who no longer waits leaves the file of before.
    let isOnDisk = try Abandonable.run { fsync(file.descriptor) == 0 ? nil : reason }
    if let isOnDisk { throw failure(isOnDisk) }
    let isRenamed = temporary.withCBytes { new in path.withCBytes { rename(new, $0) == 0 } }
    guard isRenamed else { throw failure(reason) }
    // The new name is safe once the folder is on the disk too; not every file system can say so.
    if let folder = try? File(folder(of: path), O_RDONLY | O_DIRECTORY, failure) {
      fsync(folder.descriptor)
    }
  }

  /// What is at `path`, if something is.
  /// - Throws: `EngineError` if it is not to be replaced: renaming would put a file in the place of
  ///   a device, and needs no permission to write what was there.
  private static func replaceable(
    _ path: String, _ failure: (String) -> EngineError
  ) throws -> stat? {
    var status = stat()
    guard path.withCBytes({ stat($0, &status) }) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure(irregular(status)) }
    // Root may write what is protected, but did not mean to.
    guard status.st_mode & 0o222 != 0, path.withCBytes({ access($0, W_OK) }) == 0 else {
      throw failure("it is write-protected")
    }
    return status
  }

  /// Where links lead from `path`, whether something is there or not.
  private static func target(
    of path: String, _ failure: (String) -> EngineError
  ) throws -> String {
    var target = path
    // As many as the system follows.
    for _ in 0...40 {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = target.withCBytes { readlink($0, &buffer, buffer.count) }
      guard count > 0 else { return target }
      let next = String(bytes: buffer[..<count].map { UInt8(bitPattern: $0) })
      target = next.hasPrefix("/") ? next : "\(folder(of: target))/\(next)"
    }
    throw failure(String(cString: strerror(ELOOP)))
  }

  /// Takes the mode, and where that may be done the owner, of an earlier file.
  private func take(modeOf before: stat) {
    var own = stat()
    guard fstat(descriptor, &own) == 0 else { return }
    if own.st_uid != before.st_uid || own.st_gid != before.st_gid {
      _ = fchown(descriptor, before.st_uid, before.st_gid)
    }
    _ = fchmod(descriptor, before.st_mode & 0o777)
  }

  private static func irregular(_ status: stat) -> String {
    status.st_mode & S_IFMT == S_IFDIR ? "is a directory" : "is not a regular file"
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A new, empty file in the folder of `path`, under a name that no other process takes.
  private static func temporaryFile(
    beside path: String, _ failure: (String) -> EngineError
  ) throws -> (String, File) {
    let name = TemporaryFile.path(in: folder(of: path))
    return (name, try File(name, O_WRONLY | O_CREAT | O_EXCL, failure))
  }
}
