// Products of matrices of 16-bit numbers. A tile of the result is made by one thread, which widens
// the operands' tiles one after the other along the inner dimension, into memory that stays in its
// cache. Tiles are cut by the sizes alone and summed in their order, so that results do not depend
// on the number of threads.

extension CPU {
  /// C = A·B + beta·C for each pair of matrices, one result behind the other; those of `a` have one
  /// number type, and so do those of `b`.
  static func widenedProducts(
    _ m: Int, _ n: Int, _ k: Int, _ a: [MatrixView], _ b: [MatrixView], beta: Float,
    _ c: UnsafeMutablePointer<Float>
  ) throws {
    guard m > 0, n > 0, let left = a.first, let right = b.first else { return }
    guard k > 0 else {
      if beta == 0 { c.update(repeating: 0, count: a.count * m * n) }
      return
    }
    let tiles = Tiles(m, n, k, widensLeft: left.isNarrow, widensRight: right.isNarrow)
    let parts = a.count * tiles.down * tiles.across
    let lanes = min(parts, Parallel.threads)
    let perLane = tiles.leftCount + tiles.rightCount
    let scratch = try Scratch(lanes * perLane)
    let stop = StopToken.heard
    Parallel.run(parts, lanes: lanes) { part, lane in
      let memory = scratch.pointer + lane * perLane
      let (entry, tile) = part.quotientAndRemainder(dividingBy: tiles.down * tiles.across)
      let (row, column) = (tile / tiles.across * tiles.rows, tile % tiles.across * tiles.columns)
      let (height, width) = (min(tiles.rows, m - row), min(tiles.columns, n - column))
      let result = c + entry * m * n + row * n + column
      for first in stride(from: 0, to: k, by: tiles.depth) {
        if stop?.shouldStop == true { return }
        let depth = min(tiles.depth, k - first)
        product(
          height, width, depth, a[entry].from(row, first).widened(height, depth, in: memory),
          b[entry].from(first, column).widened(depth, width, in: memory + tiles.leftCount),
          beta: first == 0 ? beta : 1, result, stride: n)
      }
    }
    withExtendedLifetime(scratch) {}
  }

  /// How a product is cut.
  private struct Tiles {
    /// Rows and columns of a tile of the result.
    let rows, columns: Int
    /// The part of the inner dimension that is widened at a time.
    let depth: Int
    /// Tiles of the result along its rows and its columns.
    let down, across: Int
    /// Numbers of a widened tile of either operand; 0 for one that is read where it is.
    let leftCount, rightCount: Int

    /// The most numbers in a widened tile: a quarter of a megabyte.
    private static let most = 1 << 16

    init(_ m: Int, _ n: Int, _ k: Int, widensLeft: Bool, widensRight: Bool) {
      rows = min(m, widensLeft ? Self.side(m) : 512)
      columns = min(n, widensRight ? Self.side(n) : 512)
      depth = min(k, Self.most / max(widensLeft ? rows : 1, widensRight ? columns : 1) & ~15)
      (down, across) = ((m + rows - 1) / rows, (n + columns - 1) / columns)
      (leftCount, rightCount) = (widensLeft ? rows * depth : 0, widensRight ? depth * columns : 0)
    }

    /// A sixteenth of a widened matrix, but between 64 and 256: smaller tiles are slow to multiply,
    /// and with larger ones there would be too few to share.
    private static func side(_ size: Int) -> Int {
      min(256, max(64, ((size + 15) / 16 + 15) & ~15))
    }
  }
}

extension MatrixView {
  /// Whether its numbers are to be widened before they are computed with.
  var isNarrow: Bool { dtype != .float32 }

  /// The first rows and columns in Float32: where they are, or widened into `memory`.
  fileprivate func widened(
    _ rows: Int, _ columns: Int, in memory: UnsafeMutablePointer<Float>
  ) -> MatrixView {
    guard isNarrow else { return self }
    let (lines, length) = transposed ? (columns, rows) : (rows, columns)
    if stride == length {
      CPU.widen(lines * length, address, dtype, to: memory)
    } else {
      for line in 0..<lines {
        CPU.widen(
          length, address + line * stride * dtype.size, dtype, to: memory + line * length)
      }
    }
    return MatrixView(memory, stride: length, transposed: transposed)
  }
}
