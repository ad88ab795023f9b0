import Glibc
import Synchronization

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
  init(count: Int) {
    self.count = count
    block = MemoryPool.shared.take(bytes: max(count, 1) * MemoryLayout<Element>.stride)
    pointer = block.pointer.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  deinit { MemoryPool.shared.give(block) }
}

/// The memory of all tensors: counts it, and keeps large freed blocks for the next tensor.
///
/// Safe to use from any thread.
public final class MemoryPool: Sendable {
  struct Block: @unchecked Sendable {
    // Sendable: a block is owned by one storage or by the pool's free list, never by both.
    let pointer: UnsafeMutableRawPointer
    let bytes: Int
  }

  private struct State: Sendable {
    var live = 0
    var peak = 0
    var cached = 0
    var free: [Int: [Block]] = [:]
  }

  /// The pool that every tensor uses.
  public static let shared = MemoryPool()

  private let state = Mutex(State())
  private static let pooledFrom = 1 << 18
  private static let keepAtLeast = 64 << 20

  /// Bytes held by tensors that are alive.
  public var liveBytes: Int { state.withLock { $0.live } }

  /// The largest `liveBytes` so far.
  public var peakBytes: Int { state.withLock { $0.peak } }

  /// Sizes are rounded up to eighths of a power of two, so that nearly equal blocks are reused.
  private static func rounded(_ bytes: Int) -> Int {
    guard bytes >= pooledFrom else { return (bytes + 63) & ~63 }
    let step = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3)
    return (bytes + step - 1) & ~(step - 1)
  }

  func take(bytes wanted: Int) -> Block {
    let bytes = Self.rounded(wanted)
    let reused: Block? = state.withLock { state in
      state.live += bytes
      state.peak = max(state.peak, state.live)
      guard bytes >= Self.pooledFrom, let block = state.free[bytes]?.popLast() else { return nil }
      state.cached -= bytes
      return block
    }
    if let reused { return reused }
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, 64, bytes) == 0, let pointer else {
      fatalError("out of memory: \(bytes) bytes for a tensor")
    }
    return Block(pointer: pointer, bytes: bytes)
  }

  func give(_ block: Block) {
    let kept: Bool = state.withLock { state in
      state.live -= block.bytes
      guard block.bytes >= Self.pooledFrom,
        state.cached + block.bytes <= max(Self.keepAtLeast, state.peak - state.live)
      else { return false }
      state.cached += block.bytes
      state.free[block.bytes, default: []].append(block)
      return true
    }
    if !kept { free(block.pointer) }
  }
}
