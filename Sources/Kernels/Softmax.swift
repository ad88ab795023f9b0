import Glibc

// Softmax and what is made of it, each in one pass over rows that stay in cache.

extension CPU {
  /// Rows of n numbers in one parallel range.
  private static func rowGrain(_ n: Int) -> Int { max(1, grain / max(n, 1)) }

  /// Replaces `n` numbers by e^(x − max) and returns their maximum and the sum of exponentials.
  @inline(__always)
  static func exponentiate(
    _ x: UnsafeMutablePointer<Float>, _ n: Int
  ) -> (maximum: Float, sum: Float) {
    let top = maximum(x, n)
    for i in 0..<n { x[i] = exponential(x[i] - top) }
    return (top, sum(x, n))
  }

  public func softmax(_ rows: Int, _ n: Int, _ x: UnsafeMutablePointer<Float>) {
    if n == 0 { return }
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range {
        let row = x + r * n
        let scale = 1 / Self.exponentiate(row, n).sum
        for i in 0..<n { row[i] *= scale }
      }
    }
  }

  public func softmaxSlope(
    _ rows: Int, _ n: Int, _ y: UnsafePointer<Float>, gradient g: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range {
        let (a, b) = (g + r * n, y + r * n)
        var inner: Float = 0
        for i in 0..<n { inner += a[i] * b[i] }
        for i in 0..<n { a[i] = b[i] * (a[i] - inner) }
      }
    }
  }

  public func logSumExp(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range { out[r] = Self.logSumExp(x + r * n, n) }
    }
  }

  /// log Σ e^x of `n` numbers, with the maximum taken out.
  @inline(__always)
  private static func logSumExp(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    var top = -Float.infinity
    var invalid = false
    for i in 0..<n {
      top = x[i] > top ? x[i] : top
      if x[i] != x[i] { invalid = true }
    }
    if invalid { return .nan }
    if top.isInfinite { return top }
    var total: Float = 0
    for i in 0..<n { total += exponential(x[i] - top) }
    return top + logf(total)
  }

  public func crossEntropy(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafeMutablePointer<Float>,
    losses: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range {
        logs[r] = Self.logSumExp(x + r * n, n)
        let w = weights[r]
        losses[r] = w == 0 ? 0 : w * (logs[r] - x[r * n + Int(targets[r])])
      }
    }
  }

  public func crossEntropySlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafePointer<Float>, scale: Float,
    to dx: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range {
        let (a, b) = (x + r * n, dx + r * n)
        let factor = scale * weights[r]
        if factor == 0 {
          for i in 0..<n { b[i] = 0 }
          continue
        }
        let log = logs[r]
        for i in 0..<n { b[i] = factor * Self.exponential(a[i] - log) }
        b[Int(targets[r])] -= factor
      }
    }
  }
}
