/// Attention probabilities that the forward pass leaves for the backward pass, block by block,
/// where all of them together are few enough to stay in cache; else they are computed again.
///
/// A few sequences' probabilities are read back faster than they are computed; those of a long
/// sequence alone would not fit into memory.
struct KeptBlocks {
  /// The most elements kept: 16 MB.
  private static let most = 1 << 22

  /// How many elements all blocks have together; 0 if they are too many to be kept.
  let count: Int
  private let memory: UnsafeMutablePointer<Float>?
  /// Where the blocks stand in one copy, and its size.
  private var offsets: [Int] = []
  private let ofCopy: Int

  /// Blocks of these sizes, `copies` times: for each head, or for each sequence.
  /// - Parameters:
  ///   - sizes: elements of each block.
  ///   - copies: how often there are blocks of these sizes.
  ///   - memory: where they are kept; nil if they are not.
  init(
    sizes: some Collection<Int>, copies: Int, memory: UnsafeMutablePointer<Float>? = nil
  ) {
    offsets.reserveCapacity(sizes.count)
    var end = 0
    for size in sizes {
      offsets.append(end)
      end += size
    }
    ofCopy = end
    count = end * copies <= Self.most ? end * copies : 0
    self.memory = memory
  }

  /// Where block `i` of a copy is kept; nil if nothing is.
  func place(_ i: Int, ofCopy copy: Int) -> UnsafeMutablePointer<Float>? {
    memory.map { $0 + copy * ofCopy + offsets[i] }
  }
}
