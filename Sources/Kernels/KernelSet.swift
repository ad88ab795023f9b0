import Synchronization
import VectorKernels

/// The inner loops of this process, chosen for its processor when it began.
@inline(__always)
var kernels: vector_kernels { vector_kernels_chosen().pointee }

/// Which inner loops compute: "avx512", "avx2" or "portable".
public enum KernelSet {
  /// The set in use: what `MNEMO_KERNELS` names, else the widest that the processor can.
  public static var name: String { String(cString: kernels.name) }

  /// - Throws: `EngineError` if `MNEMO_KERNELS` names a set that there is not, or that the
  ///   processor cannot.
  package static func check() throws {
    if let failure = vector_kernels_failure() {
      throw EngineError("kernels", String(cString: failure))
    }
  }

  /// The most operations that all threads together can do, in registers alone and with the widest
  /// that the processor has, whatever set is in use.
  ///
  /// The best of some trials of a millisecond or two.
  /// - Parameter seconds: how long to try, at the least one trial.
  /// - Returns: operations a second; a multiplication with an addition is two.
  /// - Throws: `Stopped`.
  public static func peak(seconds: Double) throws -> Double {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    let threads = Parallel.threads
    let widest = vector_kernels_widest().pointee
    var best = 0.0
    repeat {
      let start = clock.now
      let operations = Atomic<Int>(0)
      Parallel.run(threads) { _, _ in
        operations.add(Int(2 * widest.multiply_adds(1 << 18)), ordering: .relaxed)
      }
      let took = (clock.now - start) / .seconds(1)
      best = max(best, Double(operations.load(ordering: .relaxed)) / took)
      try StopToken.check()
    } while clock.now < end
    return best
  }
}
