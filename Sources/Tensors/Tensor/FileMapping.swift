import Glibc

/// A file in the address space, of which the system reads what is looked at.
///
/// What is written there changes memory alone, never the file, and takes memory then. The file may
/// be renamed or deleted meanwhile. One that becomes shorter ends the process (SIGBUS) where what
/// is gone is read; who replaces files by renaming, as mnemo does, never causes that.
package final class FileMapping {
  package let address: UnsafeMutableRawPointer
  package let count: Int

  /// Maps the first `count` bytes of an open file, at least one; nil, with the reason in `errno`,
  /// if the system refuses.
  package init?(descriptor: Int32, count: Int) {
    let (readAndWrite, ownCopy) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE)
    guard let address = mmap(nil, count, readAndWrite, ownCopy, descriptor, 0),
      address != MAP_FAILED
    else { return nil }
    (self.address, self.count) = (address, count)
  }

  deinit { munmap(address, count) }
}
