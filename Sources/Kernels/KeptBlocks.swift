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
  private let offsets: [Int]

  /// Blocks of these sizes.
  /// - Parameters:
  ///   - sizes: elements of each block.
  ///   - memory: where they are kept; nil if they are not.
  init(sizes: [Int], memory: UnsafeMutablePointer<Float>? = nil) {
    var offsets = [0]
    for size in sizes { offsets.append(offsets[offsets.count - 1] + size) }
    let total = offsets[offsets.count - 1]
    count = total <= Self.most ? total : 0
    self.memory = memory
    self.offsets = offsets
  }

  /// Where block `i` is kept; nil if nothing is.
  func place(_ i: Int) -> UnsafeMutablePointer<Float>? { memory.map { $0 + offsets[i] } }
}
