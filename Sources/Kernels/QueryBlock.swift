// A block of queries, side by side in the lanes of vectors, with a row for each key: scores,
// probabilities and their gradients stand in [keys, width]. The first 16 queries see fewer keys
// than the others; what they do not see is neither written nor read.

/// Up to 32 neighbouring queries of one sequence, and the keys that they see.
struct QueryBlock {
  /// The most queries.
  static let most = 32
  private static let lanes = 16

  /// Its place among all blocks.
  let index: Int
  /// The first of its rows, and how many they are.
  let row: Int
  let count: Int
  /// Lanes in a row of scores: 16 or 32.
  let width: Int
  /// Keys that some query sees.
  let keys: Int
  /// Elements of its scores.
  var scores: Int { keys * width }
  /// Keys that one of the first 16 queries sees, or a few more where that is simpler.
  private let keysOfFirst: Int
  /// The last key that each lane's query sees; lanes without a query see all.
  private let last: SIMD32<Int32>

  /// The queries at these positions, which never decrease.
  init(index: Int, row: Int, positions: ArraySlice<Int32>) {
    var last = SIMD32<Int32>(repeating: positions[positions.endIndex - 1])
    for (i, position) in positions.enumerated() { last[i] = position }
    self.init(index: index, row: row, count: positions.count, last: last)
  }

  /// The queries at `count` neighbouring positions from `first`.
  init(index: Int, first: Int, count: Int) {
    let steps = SIMD32<Int32>(
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
      26, 27, 28, 29, 30, 31)
    self.init(
      index: index, row: first, count: count, last: steps &+ Int32(truncatingIfNeeded: first))
  }

  private init(index: Int, row: Int, count: Int, last: SIMD32<Int32>) {
    (self.index, self.row, self.count, self.last) = (index, row, count, last)
    width = Self.width(of: count)
    keys = Int(last[count - 1]) + 1
    let ofFirst = Int(last[min(count, Self.lanes) - 1]) + 1
    // A few keys are not worth calls of their own.
    keysOfFirst = keys - ofFirst < 8 ? keys : ofFirst
  }

  private static func width(of count: Int) -> Int { count <= lanes ? lanes : most }

  /// Elements of the scores of `count` queries, the last of them at this position.
  static func scores(of count: Int, last: Int32) -> Int { (Int(last) + 1) * width(of: count) }

  /// Calls `body(first lane, queries, keys, last keys)` for the first 16 queries and for the
  /// others.
  @inline(__always)
  func forEachGroup(_ body: (Int, Int, Int, UnsafePointer<Int32>) -> Void) {
    withUnsafePointer(to: last) { last in
      let last = UnsafeRawPointer(last).assumingMemoryBound(to: Int32.self)
      body(0, min(count, Self.lanes), keysOfFirst, last)
      if count > Self.lanes { body(Self.lanes, count - Self.lanes, keys, last + Self.lanes) }
    }
  }

  /// Turns rows of the queries, [count, columns], to lanes: `out` [columns, width].
  func turn(_ x: MatrixView, columns: Int, to out: UnsafeMutablePointer<Float>) {
    forEachGroup { lane, count, _, _ in
      kernels.to_lanes(
        x.pointer + lane * x.stride, x.stride, Int32(count), columns, out + lane, width)
    }
  }

  /// Every key's products with the queries: scores = alpha · A · X for A [keys, inner] and X
  /// [inner, width].
  func products(
    _ a: MatrixView, _ x: UnsafePointer<Float>, inner: Int, alpha: Float = 1,
    to scores: UnsafeMutablePointer<Float>
  ) {
    let x = MatrixView(x, stride: width)
    CPU.product(keysOfFirst, width, inner, alpha: alpha, a, x, scores, stride: width)
    if keys > keysOfFirst {
      CPU.product(
        keys - keysOfFirst, width - Self.lanes, inner, alpha: alpha, a.fromRow(keysOfFirst),
        x.fromColumn(Self.lanes), scores + keysOfFirst * width + Self.lanes, stride: width)
    }
  }

  /// Replaces scores by probabilities and gives the logarithms of their denominators, [32].
  func softmax(_ scores: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>) {
    forEachGroup { lane, _, keys, last in
      kernels.softmax_in_lanes(keys, last, scores + lane, width, logs + lane)
    }
  }

  /// The same where the logarithms are known.
  func softmaxAgain(_ scores: UnsafeMutablePointer<Float>, logs: UnsafePointer<Float>) {
    forEachGroup { lane, _, keys, last in
      kernels.softmax_again(keys, last, scores + lane, width, logs + lane)
    }
  }

  /// Replaces the gradients of probabilities `p` by those of what was scaled to be scores.
  func softmaxSlope(
    _ p: UnsafePointer<Float>, _ slopes: UnsafeMutablePointer<Float>, scale: Float
  ) {
    forEachGroup { lane, _, keys, _ in
      kernels.softmax_slope_in_lanes(keys, scale, p + lane, slopes + lane, width)
    }
  }

  /// For every query the sum of the keys' rows, weighted.
  ///
  /// C = Pᵀ · A + beta · C for A [keys, columns] and C [count, columns].
  func weightedSums(
    _ p: UnsafePointer<Float>, of a: MatrixView, columns: Int, beta: Float = 0,
    to c: UnsafeMutablePointer<Float>, stride: Int
  ) {
    forEachGroup { lane, count, keys, _ in
      CPU.product(
        count, columns, keys, MatrixView(p + lane, stride: width, transposed: true), a, beta: beta,
        c + lane * stride, stride: stride)
    }
  }

  /// For every key the sum of the queries' rows, weighted.
  ///
  /// C += P · X for X [count, columns] and C [keys, columns]. The rows of C from `fresh` on hold
  /// nothing yet and are written.
  func addToKeys(
    _ p: UnsafePointer<Float>, _ x: MatrixView, columns: Int, to c: UnsafeMutablePointer<Float>,
    stride: Int, fresh: Int = .max
  ) {
    func add(_ first: Int, _ end: Int, from lane: Int, beta: Float) {
      if first >= end { return }
      CPU.product(
        end - first, columns, count - lane, MatrixView(p + first * width + lane, stride: width),
        x.fromRow(lane), beta: beta, c + first * stride, stride: stride)
    }
    add(0, min(keysOfFirst, fresh), from: 0, beta: 1)
    add(fresh, keysOfFirst, from: 0, beta: 0)
    add(keysOfFirst, min(keys, fresh), from: Self.lanes, beta: 1)
    add(max(keysOfFirst, fresh), keys, from: Self.lanes, beta: 0)
  }
}
