import BackendInterface
import Glibc
import Kernels

/// A backend from a shared library: the functions of its table, called with Swift's arguments.
///
/// `mnemo_backend.h` says what such a library exports. It is loaded once and stays.
///
/// Unchecked since the table is a constant of the library, and its functions may be called from
/// several threads at once.
public struct LibraryBackend: Backend, @unchecked Sendable {
  /// The library's table; every entry is there.
  let table: UnsafePointer<mnemo_backend>

  public let name: String
  public let batchCut: BatchCut

  /// Loads a library and begins its work.
  ///
  /// - Parameter path: Its file; without a slash one in the current folder.
  /// - Throws: `EngineError` if there is none, or if it is no backend of this version.
  public init(path: String) throws {
    func failure(_ reason: String) -> EngineError {
      EngineError("MNEMO_BACKEND", "\"\(path)\" \(reason)")
    }
    let file = path.contains("/") ? path : "./" + path
    guard let library = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
      var reason = dlerror().map { String(cString: $0) } ?? "no reason given"
      if reason.hasPrefix(file + ": ") { reason.removeFirst(file.count + 2) }
      throw failure("cannot be loaded: \(reason) (allowed: cpu, or the path of a library)")
    }
    guard let symbol = dlsym(library, "mnemo_backend") else {
      throw failure("is no backend: it has no function mnemo_backend")
    }
    typealias Entry = @convention(c) () -> UnsafePointer<mnemo_backend>?
    guard let table = unsafeBitCast(symbol, to: Entry.self)() else {
      throw failure("is no backend: its function mnemo_backend returns NULL")
    }
    let version = UnsafeRawPointer(table).load(as: UInt32.self)
    guard version == MNEMO_BACKEND_VERSION else {
      throw failure(
        "is a backend of version \(version) (allowed: \(MNEMO_BACKEND_VERSION), as in the "
          + "mnemo_backend.h of this mnemo)")
    }
    let (size, expected) = (table.pointee.size, MemoryLayout<mnemo_backend>.size)
    guard size == expected else {
      throw failure("has a table of \(size) bytes (allowed: \(expected), sizeof(mnemo_backend))")
    }
    if let missing = mnemo_backend_missing(table) {
      throw failure("is no complete backend: its entry '\(String(cString: missing))' is NULL")
    }
    if let reason = table.pointee.start() {
      throw failure("cannot start: \(String(cString: reason))")
    }
    self.table = table
    name = String(cString: table.pointee.name)
    let cut = table.pointee.batch_cut
    batchCut = BatchCut(
      tokens: cut.tokens, leastParts: cut.least_parts, mostGradients: cut.most_gradients)
  }

  /// Turns what a function of the library returns into an error of an operation.
  /// - Throws: `EngineError` if it failed.
  func check(_ operation: String, _ failure: mnemo_failure?) throws {
    if let failure {
      throw EngineError(operation, "\(String(cString: failure)) (backend '\(name)')")
    }
  }
}
