import OpenBLAS

/// The library behind decompositions, OpenBLAS, loaded when the first of them asks.
///
/// Its kernels are chosen by what the processor can do, the same on every version of it;
/// `OPENBLAS_CORETYPE` names others.
public enum MatrixLibrary {
  /// Loads the library if it is not there, and says what is in the way.
  private static var failure: String? {
    openblas_load(Int32(clamping: Processors.usable)).map { String(cString: $0) }
  }

  /// Loads the library, so that its routines may be called.
  /// - Throws: `EngineError` if it is not installed or there is no memory for its buffers.
  package static func check(_ operation: String) throws {
    if let failure { throw EngineError(operation, failure) }
  }

  /// Library, version and kernels, such as "OpenBLAS 0.3.21, kernels SkylakeX"; or what is missing.
  public static var summary: String {
    if let failure { return failure }
    let words = String(cString: openblas_config()).split(separator: " ").prefix(2)
    return "\(words.joined(separator: " ")), kernels \(kernels)"
  }

  /// The name of the kernels; only once it is known that there are some.
  package static var kernels: String { String(cString: openblas_corename()) }
}
