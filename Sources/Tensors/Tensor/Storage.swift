import Kernels

/// A block of elements that tensors share; freed with its last tensor.
///
/// Blocks of a quarter megabyte and more come from ``MemoryPool``, so that a training step finds
/// the pages of the step before instead of asking the kernel for fresh ones.
final class Storage<Element: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  /// Counts changes in place, so that `backward` notices an input that changed after its use.
  var version = 0
  private let block: MemoryPool.Block

  /// Memory for `count` elements, not initialised.
  /// - Throws: `EngineError` if there is not that much.
  init(count: Int) throws {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(
      by: MemoryLayout<Element>.stride)
    guard count >= 0, !overflow, let block = MemoryPool.shared.take(bytes: bytes) else {
      throw EngineError("memory", "there is not enough for a tensor of \(count) elements")
    }
    self.count = count
    self.block = block
    pointer = block.pointer.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  /// Memory for one element.
  ///
  /// As with the object itself, the process cannot go on where there are not even these few bytes.
  init(_ element: Element) {
    guard let block = MemoryPool.shared.take(bytes: MemoryLayout<Element>.stride) else {
      fatalError("there is no memory for a number")
    }
    self.block = block
    count = 1
    pointer = block.pointer.bindMemory(to: Element.self, capacity: 1)
    pointer.initialize(to: element)
  }

  deinit { MemoryPool.shared.give(block) }
}
