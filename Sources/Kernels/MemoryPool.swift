import Glibc
import Synchronization

/// The memory of all tensors: counts it, and keeps freed blocks from 4 kB on for the next tensor.
///
/// Safe to use from any thread.
public final class MemoryPool: Sendable {
  package struct Block: @unchecked Sendable {
    // Sendable: a block is owned by one storage or by the pool's free list, never by both.
    package let pointer: UnsafeMutableRawPointer
    let bytes: Int
  }

  /// Freed blocks by their size, of which there are eight for each power of two.
  private struct Kept: Sendable {
    private(set) var bytes = 0
    private var blocks = [[Block]](
      repeating: [], count: 8 * most.trailingZeroBitCount + 1)

    /// The place of a size that is a multiple of an eighth of the power of two below it.
    private static func place(_ bytes: Int) -> Int {
      let power = Int.bitWidth - 1 - bytes.leadingZeroBitCount
      return 8 * power + (bytes >> (power - 3)) & 7
    }

    mutating func add(_ block: Block) {
      bytes += block.bytes
      blocks[Self.place(block.bytes)].append(block)
    }

    mutating func take(_ wanted: Int) -> Block? {
      guard let block = blocks[Self.place(wanted)].popLast() else { return nil }
      bytes -= wanted
      return block
    }

    /// All of them; none is kept any more.
    mutating func takeAll() -> [Block] {
      defer { self = Kept() }
      return blocks.flatMap { $0 }
    }
  }

  /// The pool that every tensor uses.
  public static let shared = MemoryPool()

  // Counted without the lock: most tensors of a script are a few bytes.
  private let live = Atomic<Int>(0)
  private let peak = Atomic<Int>(0)
  private let kept = Lock(Kept())
  /// From here on freed blocks are kept.
  private static let pooledFrom = 1 << 12
  /// From here on a block is large.
  private static let large = 1 << 18
  private static let keepAtLeast = 256 << 20
  /// What large blocks leave, for the objects of Swift: their allocation ends the process where it
  /// fails, on whichever thread it is.
  private static let reserve = 8 << 20
  /// The most bytes in one block: nothing near it can be had, and sums of such do not overflow.
  private static let most = 1 << 46
  /// Up to here malloc is faster than an aligned block, and alignment to 64 bytes gains nothing.
  private static let small = 1 << 10

  /// Whether AddressSanitizer looks on: then every block is malloc's own, of the size asked for, so
  /// that it sees what is read or written outside of one or after its end.
  private static let isWatched = dlsym(nil, "__asan_init") != nil

  /// Bytes held by tensors that are alive.
  public var liveBytes: Int { live.load(ordering: .relaxed) }

  /// The largest `liveBytes` so far.
  public var peakBytes: Int { peak.load(ordering: .relaxed) }

  /// Sizes are rounded up to eighths of a power of two, so that nearly equal blocks are reused.
  @inline(__always)
  private static func rounded(_ bytes: Int) -> Int {
    if isWatched { return bytes }
    guard bytes >= pooledFrom else { return (bytes + 63) & ~63 }
    let step = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3)
    return (bytes + step - 1) & ~(step - 1)
  }

  /// A block of at least so many bytes; nil if there is no such memory.
  package func take(bytes wanted: Int) -> Block? {
    guard wanted <= Self.most else { return nil }
    let bytes = Self.rounded(wanted)
    guard let block = keptBlock(bytes) ?? Self.allocated(bytes) ?? afterGivingBack(bytes) else {
      return nil
    }
    let now = live.add(bytes, ordering: .relaxed).newValue
    if now > peak.load(ordering: .relaxed) { _ = peak.max(now, ordering: .relaxed) }
    return block
  }

  @inline(__always)
  private func keptBlock(_ bytes: Int) -> Block? {
    guard bytes >= Self.pooledFrom else { return nil }
    return kept.withLock { $0.take(bytes) }
  }

  private static func allocated(_ bytes: Int) -> Block? {
    guard let pointer = allocate(bytes) else { return nil }
    if bytes >= large, !hasReserve {
      free(pointer)
      return nil
    }
    return Block(pointer: pointer, bytes: bytes)
  }

  /// Whether the reserve could be had; asking the kernel costs less than a large block's pages.
  private static var hasReserve: Bool {
    let (readAndWrite, own) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    guard let pages = mmap(nil, reserve, readAndWrite, own, -1, 0), pages != MAP_FAILED else {
      return false
    }
    munmap(pages, reserve)
    return true
  }

  /// What is kept for later may be in the way.
  private func afterGivingBack(_ bytes: Int) -> Block? {
    giveBackKept()
    return Self.allocated(bytes)
  }

  @inline(__always)
  private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    if bytes <= small { return malloc(bytes) }
    var pointer: UnsafeMutableRawPointer?
    return posix_memalign(&pointer, 64, bytes) == 0 ? pointer : nil
  }

  /// Frees the blocks that are kept for the next tensor.
  private func giveBackKept() {
    for block in kept.withLock({ $0.takeAll() }) { free(block.pointer) }
  }

  package func give(_ block: Block) {
    let now = live.subtract(block.bytes, ordering: .relaxed).newValue
    guard block.bytes >= Self.pooledFrom, !Self.isWatched else {
      free(block.pointer)
      return
    }
    let room = max(Self.keepAtLeast, peak.load(ordering: .relaxed) - now)
    let isKept = kept.withLock { kept in
      guard kept.bytes + block.bytes <= room else { return false }
      kept.add(block)
      return true
    }
    if !isKept { free(block.pointer) }
  }
}
