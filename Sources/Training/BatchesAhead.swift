import Dispatch
import Tasks
import Tensors

/// The batches of a run, one after the other, each drawn on a spare thread while the step before it
/// is made.
///
/// Only for tasks that can be drawn on any thread and with more than one thread to use; other
/// batches are drawn when they are asked for. A batch depends on its index alone, so the numbers are
/// the same either way.
final class BatchesAhead {
  private let task: any TokenTask
  private let size: Int
  private var next: Draw?

  init(_ task: any TokenTask, size: Int) {
    (self.task, self.size) = (task, size)
  }

  /// Batch `index` of the training stream; begins to draw the one after it if `isFollowed`.
  /// - Throws: `EngineError` as the task's `batch`.
  func batch(_ index: Int, isFollowed: Bool) throws -> Batch {
    let ready = next.flatMap { $0.index == index ? $0 : nil }
    next = nil
    let batch = try ready.map { try $0.wait() } ?? draw(index)
    if isFollowed, let task = task as? any ConcurrentTask, Parallel.threads > 1 {
      next = Draw(task, size: size, index: index + 1)
    }
    return batch
  }

  private func draw(_ index: Int) throws -> Batch {
    try task.batch(size, index: UInt64(index), purpose: .data)
  }

  /// One batch being drawn.
  private final class Draw: @unchecked Sendable {
    // Sendable: `result` is written before the group is left and read after it was waited for.
    let index: Int
    private let group = DispatchGroup()
    private var result: Result<Batch, any Error> = .failure(
      EngineError("train", "the batch was not drawn"))

    init(_ task: any ConcurrentTask, size: Int, index: Int) {
      self.index = index
      DispatchQueue.global().async(group: group) {
        self.result = Result {
          try Parallel.onOneThread {
            try task.batch(size, index: UInt64(index), purpose: .data)
          }
        }
      }
    }

    func wait() throws -> Batch {
      group.wait()
      return try result.get()
    }
  }
}
