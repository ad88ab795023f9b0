/// Memory that one call needs for itself, from the pool of all tensors.
package final class Scratch {
  package let pointer: UnsafeMutablePointer<Float>
  private let block: MemoryPool.Block

  /// Room for `count` numbers, not initialised.
  /// - Throws: `EngineError` if there is no memory for them.
  package init(_ count: Int) throws {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(
      by: MemoryLayout<Float>.stride)
    guard !overflow, let block = MemoryPool.shared.take(bytes: bytes) else {
      throw EngineError("memory", "there is not enough for \(count) numbers beside the tensors")
    }
    self.block = block
    pointer = block.pointer.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  deinit { MemoryPool.shared.give(block) }
}
