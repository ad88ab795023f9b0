// Softmax and what is made of it, each in one pass over rows that stay in cache.

extension CPU {
  /// Rows of n numbers in one parallel range.
  private static func rowGrain(_ n: Int) -> Int { max(1, grain / max(n, 1)) }

  public func softmax(_ rows: Int, _ n: Int, _ x: UnsafeMutablePointer<Float>) {
    if n == 0 { return }
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range {
        var top: Float = 0
        kernels.scale(n, 1 / kernels.exponentiate(n, x + r * n, &top), x + r * n)
      }
    }
  }

  public func softmaxSlope(
    _ rows: Int, _ n: Int, _ y: UnsafePointer<Float>, gradient g: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range { kernels.softmax_slope(n, y + r * n, g + r * n) }
    }
  }

  public func logSumExp(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range { out[r] = kernels.log_sum_exp(n, x + r * n) }
    }
  }

  public func crossEntropy(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafeMutablePointer<Float>,
    losses: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(rows, grain: Self.rowGrain(n)) { range in
      for r in range {
        logs[r] = kernels.log_sum_exp(n, x + r * n)
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
        kernels.exponentials_less(n, a, logs[r], factor, b)
        b[Int(targets[r])] -= factor
      }
    }
  }
}
