import VectorKernels

/// The inner loops of this process, chosen for its processor when it began.
@inline(__always)
var kernels: vector_kernels { vector_kernels_chosen().pointee }

/// Which inner loops compute: "avx512", "avx2" or "portable".
public enum KernelSet {
  /// The set in use: what `MNEMO_KERNELS` names, else the widest that the processor can.
  public static var name: String { String(cString: kernels.name) }

  /// - Throws: `EngineError` if `MNEMO_KERNELS` names a set that there is not, or that the processor
  ///   cannot.
  package static func check() throws {
    if let failure = vector_kernels_failure() {
      throw EngineError("kernels", String(cString: failure))
    }
  }

  /// Multiplies and adds in registers, as fast as the processor can, on the calling thread.
  /// - Parameter rounds: how long; a million take some milliseconds.
  /// - Returns: the number of operations, where a multiplication with an addition counts as two.
  public static func multiplyAdds(rounds: Int) -> Double {
    2 * kernels.multiply_adds(rounds)
  }
}
