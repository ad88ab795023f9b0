import Kernels
import Synchronization

/// A block of numbers of one type that tensors share; given back with its last tensor.
///
/// Blocks of a quarter megabyte and more come from ``MemoryPool``, so that a training step finds
/// the pages of the step before instead of asking the kernel for fresh ones.
final class Storage {
  /// Whose memory it is.
  private enum Owner {
    case pool(MemoryPool.Block)
    /// A mapping lives as long as any tensor over it.
    case mapping(FileMapping)
  }

  /// The first number.
  let bytes: UnsafeMutableRawPointer
  let dtype: DType
  /// How many numbers a block of its own holds; nil for a file's.
  let count: Int?
  /// Counts changes in place, so that `backward` notices an input that changed after its use.
  var version = 0
  /// What the graph knows of writes into it; nil before the first that was recorded.
  var history: WriteHistory?
  /// Whether an operation that was recorded reads it; several threads may do so.
  private let isNoted = Atomic(false)
  /// How many tensors over it are leaves that require gradients; detached ones do not count.
  var leaves = 0
  private let owner: Owner

  /// Memory for `count` numbers, not initialised.
  /// - Throws: `EngineError` if there is not that much.
  init(count: Int, _ dtype: DType) throws {
    let (size, overflow) = max(count, 1).multipliedReportingOverflow(by: dtype.size)
    guard count >= 0, !overflow, let block = MemoryPool.shared.take(bytes: size) else {
      throw EngineError("memory", "there is not enough for a tensor of \(count) elements")
    }
    (owner, bytes, self.dtype, self.count) = (.pool(block), block.pointer, dtype, count)
  }

  /// Memory for one number.
  ///
  /// As with the object itself, the process cannot go on where there are not even these few bytes.
  init(_ number: Float) {
    guard let block = MemoryPool.shared.take(bytes: MemoryLayout<Float>.stride) else {
      fatalError("there is no memory for a number")
    }
    (owner, bytes, dtype, count) = (.pool(block), block.pointer, .float32, 1)
    floats.initialize(to: number)
  }

  /// The numbers of a mapped file from byte `offset`, a multiple of their size.
  init(_ mapping: FileMapping, at offset: Int, _ dtype: DType) {
    precondition(offset >= 0 && offset % dtype.size == 0 && offset < mapping.count)
    (owner, bytes, self.dtype) = (.mapping(mapping), mapping.address + offset, dtype)
    count = nil
  }

  /// Whether an operation that was recorded reads it.
  var isRead: Bool { isNoted.load(ordering: .relaxed) }

  /// Notes that an operation that was recorded reads it.
  func noteRead() { if !isRead { isNoted.store(true, ordering: .relaxed) } }

  /// Lets go of the history: its newest state, if nobody else holds it.
  func releaseHistory() -> Tensor? {
    defer { history = nil }
    return isKnownUniquelyReferenced(&history) ? history?.release() : nil
  }

  /// The numbers, to compute with.
  ///
  /// Those of 16 bits are no such numbers: operations take what ``Tensor/operand()`` gives them.
  var floats: UnsafeMutablePointer<Float> {
    precondition(dtype == .float32, "numbers are computed with before they were widened")
    return bytes.assumingMemoryBound(to: Float.self)
  }

  /// The integers.
  var integers: UnsafeMutablePointer<Int32> {
    precondition(dtype == .int32, "numbers are taken for integers")
    return bytes.assumingMemoryBound(to: Int32.self)
  }

  deinit {
    if case .pool(let block) = owner { MemoryPool.shared.give(block) }
  }
}
