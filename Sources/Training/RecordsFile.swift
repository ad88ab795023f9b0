import ByteStrings
import Glibc
import TensorFiles
import Tensors

/// A history on disk: a line of JSON for each record.
///
/// Records are appended as whole lines, all new ones in one call of the system. Where lines cannot
/// be appended, because the file is not there or is not what was left, it is replaced as a whole:
/// written beside under another name, brought to the disk and renamed. Links are not followed.
final class RecordsFile {
  private let folder: String
  private let path: String
  private var descriptor: Int32?
  /// How many records, in bytes how long, the file is, of which nothing but whole lines is known.
  private var written = (records: 0, bytes: 0)
  /// Whether these records are still the first of the run.
  private var isCurrent = false
  /// The file when it was closed.
  private var left: FileMark?

  /// The history of a folder; nothing is read or written.
  init(in folder: String) {
    self.folder = folder
    path = "\(folder)/history.jsonl"
  }

  deinit { close() }

  /// Makes the file hold these records, of which it held the first ones, and no others.
  /// - Throws: `EngineError` with the system's reason; the file has whole lines nevertheless.
  func write(_ records: [Record]) throws {
    guard isOpenInPlace() || reopen(), isCurrent, written.records <= records.count else {
      return try replace(with: records)
    }
    let new = records[written.records...]
    guard !new.isEmpty, let descriptor else { return }
    let bytes = RecordsFile.lines(new)
    guard RecordsFile.write(bytes, to: descriptor) else {
      let failure = WritableFolder.failure(path)
      ftruncate(descriptor, written.bytes)
      throw failure
    }
    written = (records.count, written.bytes + bytes.count)
  }

  /// Takes over the file that a stored run left; nil if there was none.
  func adopt(_ mark: FileMark?) { left = mark }

  /// Says that the records are others than before: the next call of `write` replaces the file.
  func invalidate() { isCurrent = false }

  /// Makes a file of these records and puts it in the place of what is there, after `prepare`.
  /// - Throws: `EngineError` with the system's reason, or what `prepare` throws; the file is then
  ///   what it was.
  func replace(with records: [Record], after prepare: () throws -> Void = {}) throws {
    let temporary = TemporaryFile.path(in: folder)
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let made = temporary.withCBytes { open($0, flags, 0o666) }
    guard made >= 0 else { throw WritableFolder.failure(path) }
    if let old = FileMark(path), old.isRegular { fchmod(made, old.mode) }
    let bytes = RecordsFile.lines(records[...])
    do {
      guard RecordsFile.write(bytes, to: made), fsync(made) == 0 else {
        throw WritableFolder.failure(path)
      }
      try prepare()
      let isRenamed = temporary.withCBytes { new in path.withCBytes { rename(new, $0) == 0 } }
      guard isRenamed else { throw WritableFolder.failure(path) }
    } catch {
      Glibc.close(made)
      temporary.withCBytes { _ = unlink($0) }
      throw error
    }
    close()
    (descriptor, isCurrent, written) = (made, true, (records.count, bytes.count))
    syncFolder(folder)
  }

  /// Brings what was written to the disk.
  /// - Throws: `EngineError` with the system's reason.
  func sync() throws {
    guard let descriptor, fdatasync(descriptor) != 0 else { return }
    throw WritableFolder.failure(path)
  }

  /// Lets go of the file and remembers what it was.
  func close() {
    guard let descriptor else { return }
    left = FileMark(descriptor)
    Glibc.close(descriptor)
    self.descriptor = nil
  }

  /// Whether the file is what was left, holds the same, or is gone: nobody else has written one.
  func isAsLeft(_ records: [Record]) -> Bool {
    guard let mark = FileMark(path) else { return true }
    if mark == left { return true }
    return mark.isRegular && RecordsFile.bytes(path) == RecordsFile.lines(records[...])
  }

  /// The bytes of a regular file; nil if it cannot be read.
  static func bytes(_ path: String) -> [UInt8]? {
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let opened = path.withCBytes { open($0, flags) }
    guard opened >= 0 else { return nil }
    defer { Glibc.close(opened) }
    guard let mark = FileMark(opened), mark.isRegular else { return nil }
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: mark.size) { buffer, filled in
      while filled < mark.size {
        count = pread(opened, buffer.baseAddress.map { $0 + filled }, mark.size - filled, filled)
        guard count > 0 else { break }
        filled += count
      }
    }
    return count < 0 ? nil : bytes
  }

  // MARK: Helpers

  /// Whether the open file is still that of the folder, and as long as it was left.
  private func isOpenInPlace() -> Bool {
    guard let mark = descriptor.flatMap({ FileMark($0) }) else { return false }
    return mark.size == written.bytes && mark.isSameFile(as: FileMark(path))
  }

  /// Opens the file again if nobody has touched it.
  private func reopen() -> Bool {
    close()
    guard let left, left == FileMark(path), left.size == written.bytes else { return false }
    let flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC
    let opened = path.withCBytes { open($0, flags) }
    guard opened >= 0 else { return false }
    descriptor = opened
    return true
  }

  private static func lines(_ records: ArraySlice<Record>) -> [UInt8] {
    records.flatMap { Array(($0.json + "\n").utf8) }
  }

  /// Writes all bytes; false, with `errno`, if they could not be written.
  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Glibc.write(
          descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return false }
        done += count
      }
      return true
    }
  }
}

/// Brings the names in a folder to the disk; not every file system can.
func syncFolder(_ path: String) {
  let opened = path.withCBytes { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
  guard opened >= 0 else { return }
  fsync(opened)
  close(opened)
}
