import Tasks
import Tensors

/// The batches of a task, one after the other, each drawn on a spare thread while the step before
/// it is made.
///
/// Only for tasks that can be drawn on any thread and with more than one thread to use, none of
/// which has a run of its own to go on with; other batches are drawn when they are asked for. A
/// batch depends on its index alone, so the numbers are the same either way.
public final class BatchesAhead {
  private let task: any TokenTask
  private let size: Int
  private var next: (index: Int, draw: Background<Batch>)?

  /// Batches of `size` sequences.
  public init(_ task: any TokenTask, size: Int) {
    (self.task, self.size) = (task, size)
  }

  /// Batch `index` of the training stream; begins to draw the one after it if `isFollowed`.
  /// - Throws: `EngineError` as the task's `batch`.
  public func batch(_ index: Int, isFollowed: Bool) throws -> Batch {
    let ready = next.flatMap { $0.index == index ? $0.draw : nil }
    next = nil
    let (task, size) = (task, size)
    let batch =
      try ready?.outcome() ?? task.batch(size, index: UInt64(index), purpose: .data)
    if isFollowed, task is any ConcurrentTask, Parallel.threads > 1, !Parallel.isInside {
      let following = Background { [task, size] in
        try task.batch(size, index: UInt64(index + 1), purpose: .data)
      }
      next = (index + 1, following)
    }
    return batch
  }
}
