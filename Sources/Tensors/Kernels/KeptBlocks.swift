/// Attention probabilities that the forward pass leaves for the backward pass, block by block, where
/// all of them together are few enough to stay in cache; else they are computed again.
///
/// A few sequences' probabilities are read back faster than they are computed; those of a long
/// sequence alone would not fit into memory.
struct KeptBlocks {
  /// The most elements kept: 16 MB.
  private static let most = 1 << 22

  private let storage: Tensor?
  private let offsets: [Int]

  /// Room for blocks of these sizes.
  /// - Parameters:
  ///   - sizes: elements of each block.
  ///   - isWanted: whether a backward pass will come.
  /// - Throws: `EngineError` if there is no memory for them.
  init(sizes: [Int], isWanted: Bool) throws {
    var offsets = [0]
    for size in sizes { offsets.append(offsets[offsets.count - 1] + size) }
    let total = offsets[offsets.count - 1]
    storage = isWanted && total <= Self.most ? try Tensor(uninitialized: [total]) : nil
    self.offsets = offsets
  }

  /// Where block `i` is kept; nil if nothing is.
  func place(_ i: Int) -> UnsafeMutablePointer<Float>? {
    storage.map { $0.pointer + offsets[i] }
  }
}
