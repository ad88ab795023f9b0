@_exported import Stopping
import Synchronization
import ThreadPool

/// How many threads kernels use.
///
/// Work is cut into parts by its size alone, never by the number of threads, and partial sums are
/// added in the order of the parts: the same numbers come out, bit for bit, on any number.
public enum Parallel {
  /// The most threads that can be asked for: some kernels keep scratch memory for each.
  public static let mostThreads = 1024

  private static let setting = Atomic<Int>(0)

  /// Number of threads, at first the number of processors this process may use
  /// (``Processors/usable``).
  public static var threads: Int {
    get {
      let chosen = setting.load(ordering: .relaxed)
      return chosen > 0 ? chosen : Processors.usable
    }
    set { setting.store(min(max(1, newValue), mostThreads), ordering: .relaxed) }
  }

  /// Whether the calling thread is already one of several: what it runs stays on it.
  @TaskLocal package static var isInside = false

  /// Runs `body(part, lane)` for every part in 0..<`parts`, on several threads, and waits.
  ///
  /// A part that runs parts of its own does so on its own thread. A ``StopToken`` leaves parts out.
  ///
  /// - Parameters:
  ///   - parts: number of parts; chosen by the size of the work.
  ///   - most: most lanes to use; a caller with a buffer per lane passes their number, because
  ///     ``threads`` may change between its look and this one.
  ///   - body: the work of one part; parts must write to different places. `lane` is below
  ///     `most` and no two parts run on one lane at a time, so it may choose a scratch buffer.
  package static func run(
    _ parts: Int, lanes most: Int = threads, _ body: (_ part: Int, _ lane: Int) -> Void
  ) {
    let lanes = parts > 1 && most > 1 && !isInside ? min(most, parts) : 1
    let stop = StopToken.heard
    if lanes == 1 {
      for part in 0..<max(parts, 0) {
        if stop?.shouldStop == true { return }
        body(part, 0)
      }
      return
    }
    let next = Atomic<Int>(0)
    onLanes(lanes) { lane in
      $isInside.withValue(true) {
        while true {
          let part = next.wrappingAdd(1, ordering: .relaxed).oldValue
          if part >= parts || stop?.shouldStop == true { break }
          body(part, lane)
        }
      }
    }
  }

  /// Runs `body(lane)` on the calling thread, and on as many others as come before it has ended, at
  /// most `lanes` in all; returns when all of these have.
  private static func onLanes(_ lanes: Int, _ body: (_ lane: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { place in
        thread_pool_run(
          Int32(clamping: lanes),
          { context, lane in
            context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int(lane))
          }, UnsafeMutableRawPointer(mutating: place))
      }
    }
  }

  /// Runs `body` with everything inside it on the calling thread.
  package static func onOneThread<R>(_ body: () throws -> R) rethrows -> R {
    try $isInside.withValue(true, operation: body)
  }

  /// Cuts 0..<`count` into ranges of `grain` and runs `body` on each, on several threads.
  package static func ranges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    if count <= grain {
      if count > 0 { body(0..<count) }
      return
    }
    run((count + grain - 1) / grain) { part, _ in
      body(part * grain..<min(count, (part + 1) * grain))
    }
  }
}
