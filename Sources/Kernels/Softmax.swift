// Softmax and what is made of it, each in one pass over rows that stay in cache.

extension CPU {
  /// Rows of n numbers in one parallel range.
  private static func rowGrain(_ n: Int) -> Int { max(1, grain / max(n, 1)) }

  /// Columns that are computed side by side: a row's part is four cache lines.
  private static let columns = 64

  /// Runs `row` for the start of every line whose numbers lie side by side; where they do not,
  /// `block` for the start of every block of lines side by side, with their number; each with the
  /// number of its first line.
  private static func lines(
    _ lines: Lines, row: (_ start: Int, _ line: Int) -> Void,
    block: (_ start: Int, _ line: Int, _ columns: Int32) -> Void
  ) {
    let (size, inner) = (lines.size, lines.inner)
    if inner == 1 {
      Parallel.ranges(lines.outer, grain: rowGrain(size)) { range in
        for r in range { row(r * size, r) }
      }
      return
    }
    let blocks = (inner + columns - 1) / columns
    Parallel.ranges(lines.outer * blocks, grain: max(1, rowGrain(size) / columns)) { range in
      for part in range {
        let (o, column) = (part / blocks, part % blocks * columns)
        block(
          o * size * inner + column, o * inner + column, Int32(min(columns, inner - column)))
      }
    }
  }

  public func softmax(
    _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (lines.size, lines.inner)
    if size == 0 { return }
    Self.lines(lines) { start, _ in
      var top: Float = 0
      let sum = kernels.exponentiate(size, x + start, out + start, &top)
      kernels.scale(size, 1 / sum, out + start)
    } block: { start, _, columns in
      kernels.softmax_down(size, inner, columns, x + start, out + start)
    }
  }

  public func softmaxSlope(
    _ lines: Lines, _ y: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (lines.size, lines.inner)
    if size == 0 { return }
    Self.lines(lines) { start, _ in
      kernels.softmax_slope(size, y + start, g + start, out + start)
    } block: { start, _, columns in
      kernels.softmax_slope_down(size, inner, columns, y + start, g + start, out + start)
    }
  }

  public func logSumExp(
    _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (lines.size, lines.inner)
    Self.lines(lines) { start, line in
      out[line] = kernels.log_sum_exp(size, x + start)
    } block: { start, line, columns in
      kernels.log_sum_exp_down(size, inner, columns, x + start, out + line)
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
