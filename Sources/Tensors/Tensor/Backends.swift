import BackendLibrary
import Glibc
@_exported import Kernels

/// What computes for the tensors of this process.
public enum Backends {
  /// The backend of every operation, chosen once: what `MNEMO_BACKEND` names.
  ///
  /// Whoever lets a user begin calls ``check()`` first, so that a wrong name is an error there.
  public static let current: any Backend = {
    switch chosen {
    case .success(let backend): return backend
    case .failure(let error): fatalError("\(error)")
    }
  }()

  /// Chooses the backend, if that has not been done.
  ///
  /// `MNEMO_BACKEND` is "cpu", which is the default, or the path of a library as `mnemo_backend.h`
  /// describes it.
  /// - Throws: `EngineError` if it names no backend, or `MNEMO_KERNELS` no kernels that the
  ///   processor can; the same at every call.
  public static func check() throws {
    try KernelSet.check()
    _ = try chosen.get()
  }

  /// The backend's name, and the library that it comes from: "cpu", "cuda from /opt/cuda.so".
  ///
  /// Only once ``check()`` has passed.
  public static var summary: String {
    current.name + (library.map { " from \($0)" } ?? "")
  }

  private static let chosen = Result<any Backend, any Error> {
    if let library { try LibraryBackend(path: library) } else { CPU() }
  }

  /// The path of the library that is asked for; nil for the processor.
  private static let library: String? = {
    guard let value = getenv("MNEMO_BACKEND").map({ String(cString: $0) }) else { return nil }
    return ["", "cpu"].contains(value) ? nil : value
  }()
}
