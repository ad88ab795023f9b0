import Tasks
import Tensors

/// The batches of a task, one after the other, each drawn while the step before it is made.
///
/// Those of tasks that can be drawn on any thread are drawn on a spare one; those of tasks that are
/// asked on the caller's thread alone, and allow it, by the caller while the spare one measures. In
/// both cases only with more than one thread to use, none of which has a run of its own to go on
/// with; other batches are drawn when they are asked for. A batch depends on its index alone, so
/// the numbers are the same either way.
public final class BatchesAhead {
  private let task: any TokenTask
  private let size: Int
  private var next: (index: Int, outcome: () throws -> Batch)?

  /// Batches of `size` sequences.
  public init(_ task: any TokenTask, size: Int) {
    (self.task, self.size) = (task, size)
  }

  /// Batch `index` of the training stream; begins to draw the one after it if `isFollowed`.
  /// - Throws: `EngineError` as the task's `batch`.
  public func batch(_ index: Int, isFollowed: Bool) throws -> Batch {
    let ready = next.flatMap { $0.index == index ? $0.outcome : nil }
    next = nil
    let (task, size) = (task, size)
    let batch =
      try ready?() ?? task.batch(size, index: UInt64(index), purpose: .data)
    if isFollowed, task is any ConcurrentTask, hasSpareThread {
      let following = Background { [task, size] in
        try task.batch(size, index: UInt64(index + 1), purpose: .data)
      }
      next = (index + 1, following.outcome)
    }
    return batch
  }

  private var hasSpareThread: Bool { Parallel.threads > 1 && !Parallel.isInside }

  /// Whether the caller may draw the next batch while a spare thread measures.
  var areDrawnByCaller: Bool { task.isDrawnAhead && hasSpareThread }

  /// Draws batch `index` now; one that fails is drawn anew, and fails, when its turn comes.
  /// - Throws: `Stopped`.
  func draw(_ index: Int) throws {
    do {
      let batch = try task.batch(size, index: UInt64(index), purpose: .data)
      next = (index, { batch })
    } catch let stopped as Stopped {
      throw stopped
    } catch {}
  }
}
