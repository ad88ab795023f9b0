// Attention by one token of each sequence, whose scores and values are rows of tables.
//
// Tokens repeat, so most of the work is done once for each of them: with e_vh = e^(s_vh − top_h)
// and rows w_v = (e_vh M_vh | e_vh), side by side for all heads, the sum of a sequence's rows is
// the sums of values and, behind them, the softmaxes' denominators. No exponential and no product
// is left for the tokens of a sequence. The adjoint adds one row, (g/D | −g·o/D), to those of the
// sequence's tokens, and what a token's row has gathered becomes its gradients at the end:
// dM = e u, dS = e (u·M + w).
//
// Where a sequence's scores are all so far below a token's elsewhere that its denominator loses
// digits, and where there are more rows of tables than tokens to read them, the softmax is made by
// its definition.
//
// Threading: parts of 64 sequences or more, each with gradients of its own, added in order.

import Glibc

extension CPU {
  public func tokenAttention(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>
  ) throws {
    let kernel = try TokenAttentionKernel(shape, ids, askers, scores: scores, values: values)
    try kernel.forEachPart(with: kernel.width + shape.length) { _, sequences, lane in
      kernel.forward(sequences, sums: lane, p: lane + kernel.width, to: out, logs: logs)
    }
  }

  public func tokenAttentionSlope(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>, out: UnsafePointer<Float>,
    logs: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dScores: UnsafeMutablePointer<Float>?, dValues: UnsafeMutablePointer<Float>?
  ) throws {
    let kernel = try TokenAttentionKernel(shape, ids, askers, scores: scores, values: values)
    let (ofScores, ofValues) = (
      shape.askers * shape.vocab * shape.heads, shape.vocab * kernel.columns
    )
    let parts = kernel.parts
    let sums = try Scratch(parts * (ofScores + ofValues))
    let (forScores, forValues) = (sums.pointer, sums.pointer + parts * ofScores)
    let gathered = kernel.usesTables ? kernel.tableRows * kernel.width : 0
    let scratch = gathered + kernel.width + shape.heads + shape.length
    try kernel.forEachPart(with: scratch) { part, sequences, lane in
      lane.update(repeating: 0, count: gathered)
      let slopes = TokenAttentionKernel.Slopes(
        gathered: lane, row: lane + gathered, inverses: lane + gathered + kernel.width,
        p: lane + gathered + kernel.width + shape.heads,
        scores: Self.zeroed(forScores, part, ofScores),
        values: Self.zeroed(forValues, part, ofValues))
      kernel.backward(sequences, out: out, logs: logs, gradient: g, slopes)
    }
    withExtendedLifetime(sums) {
      if let dScores { Self.addParts(parts, ofScores, forScores, to: dScores) }
      if let dValues { Self.addParts(parts, ofValues, forValues, to: dValues) }
    }
  }
}

/// The loops over sequences.
private struct TokenAttentionKernel {
  /// The least logarithm of a denominator that is read from tables: far above the smallest numbers.
  static let leastLog: Float = -69

  let shape: TokenAttentionShape
  let ids: UnsafePointer<Int32>
  let askers: UnsafePointer<Int32>
  let scores: UnsafePointer<Float>
  let values: UnsafePointer<Float>
  /// Whether there are fewer rows of tables than tokens that read them.
  let usesTables: Bool
  /// (e M | e) for each row of scores and token, [A, V, width], and the tops, [A, H].
  private let memory: Scratch?

  init(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, _ askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>
  ) throws {
    (self.shape, self.ids, self.askers) = (shape, ids, askers)
    (self.scores, self.values) = (scores, values)
    usesTables = shape.askers * shape.vocab <= shape.batch * shape.length
    let columns = shape.heads * shape.valueSize
    let rows = shape.askers * shape.vocab
    let width = Self.width(columns, shape.heads)
    memory =
      usesTables
      ? try Scratch(rows * width + shape.askers * shape.heads + shape.vocab * shape.heads) : nil
    if usesTables { makeTables() }
  }

  /// H·F.
  var columns: Int { shape.heads * shape.valueSize }
  /// The numbers of a table's row, a multiple of 16.
  var width: Int { Self.width(columns, shape.heads) }
  var tableRows: Int { shape.askers * shape.vocab }
  private var tops: UnsafeMutablePointer<Float>? { memory.map { $0.pointer + tableRows * width } }

  private static func width(_ columns: Int, _ heads: Int) -> Int { (columns + heads + 15) & ~15 }

  /// So many sequences that gradients are no more work than what is gathered in them.
  private var sequencesPerPart: Int {
    usesTables ? max(64, 4 * tableRows / shape.length) : max(1, shape.batch)
  }
  var parts: Int { (shape.batch + sequencesPerPart - 1) / sequencesPerPart }

  /// Calls `body` for every part, with scratch memory of its thread.
  func forEachPart(
    with size: Int,
    _ body: (_ part: Int, _ sequences: Range<Int>, _ lane: UnsafeMutablePointer<Float>) -> Void
  ) throws {
    let lanes = min(Parallel.threads, max(1, parts))
    let lane = try Scratch(lanes * size)
    Parallel.run(parts, lanes: lanes) { part, number in
      let first = part * sequencesPerPart
      body(
        part, first..<min(first + sequencesPerPart, shape.batch), lane.pointer + number * size)
    }
    withExtendedLifetime(lane) {}
  }

  private func makeTables() {
    guard let memory, let tops else { return }
    let (heads, size, vocab) = (shape.heads, shape.valueSize, shape.vocab)
    let exponentials = tops + shape.askers * heads
    for asker in 0..<shape.askers {
      let s = scores + asker * vocab * heads
      let top = tops + asker * heads
      top.update(repeating: -.infinity, count: heads)
      for v in 0..<vocab {
        for h in 0..<heads { top[h] = max(top[h], s[v * heads + h]) }
      }
      for v in 0..<vocab {
        for h in 0..<heads { exponentials[v * heads + h] = s[v * heads + h] - top[h] }
      }
      kernels.exponentials(vocab * heads, exponentials, exponentials)
      for v in 0..<vocab {
        let row = memory.pointer + (asker * vocab + v) * width
        let e = exponentials + v * heads
        for h in 0..<heads {
          for i in h * size..<(h + 1) * size { row[i] = e[h] * values[v * columns + i] }
          row[columns + h] = e[h]
        }
        for i in columns + heads..<width { row[i] = 0 }
      }
    }
  }

  /// The rows that a sequence reads.
  private func table(of sequence: Int) -> UnsafeMutablePointer<Float>? {
    memory.map { $0.pointer + Int(askers[sequence]) * shape.vocab * width }
  }

  func forward(
    _ sequences: Range<Int>, sums: UnsafeMutablePointer<Float>, p: UnsafeMutablePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>
  ) {
    let (heads, size) = (shape.heads, shape.valueSize)
    guard let tops else {
      for b in sequences { for h in 0..<heads { attend(b, h, p, to: out, logs: logs) } }
      return
    }
    for b in sequences {
      guard let table = table(of: b) else { return }
      kernels.sum_of_rows(shape.length, ids + b * shape.length, width, table, sums)
      let o = out + b * columns
      for h in 0..<heads {
        let denominator = sums[columns + h]
        logs[b * heads + h] = denominator
        let inverse = 1 / denominator
        for i in h * size..<(h + 1) * size { o[i] = sums[i] * inverse }
      }
    }
    let part = logs + sequences.lowerBound * heads
    kernels.logarithms(sequences.count * heads, part, part)
    for b in sequences {
      let top = tops + Int(askers[b]) * heads
      for h in 0..<heads {
        if logs[b * heads + h] >= Self.leastLog {
          logs[b * heads + h] += top[h]
        } else {
          attend(b, h, p, to: out, logs: logs)
        }
      }
    }
  }

  /// One softmax by its definition.
  private func attend(
    _ b: Int, _ h: Int, _ p: UnsafeMutablePointer<Float>, to out: UnsafeMutablePointer<Float>,
    logs: UnsafeMutablePointer<Float>
  ) {
    let (heads, size, z) = (shape.heads, shape.valueSize, ids + b * shape.length)
    let s = scores + Int(askers[b]) * shape.vocab * heads
    for t in 0..<shape.length { p[t] = s[Int(z[t]) * heads + h] }
    var top: Float = 0
    let sum = kernels.exponentiate(shape.length, p, p, &top)
    logs[b * heads + h] = top + logf(sum)
    let o = out + b * columns + h * size
    o.update(repeating: 0, count: size)
    for t in 0..<shape.length {
      let weight = p[t] / sum
      let v = values + (Int(z[t]) * columns + h * size)
      for i in 0..<size { o[i] += weight * v[i] }
    }
  }

  /// Where the gradients of a part go, and scratch memory for them.
  struct Slopes {
    /// What the rows of the tables gather, [A, V, width].
    let gathered: UnsafeMutablePointer<Float>
    /// What a sequence adds to them, [width].
    let row: UnsafeMutablePointer<Float>
    /// 1/D of a sequence, [H].
    let inverses: UnsafeMutablePointer<Float>
    /// Probabilities, [T].
    let p: UnsafeMutablePointer<Float>
    /// [A, V, H].
    let scores: UnsafeMutablePointer<Float>
    /// [V, H, F].
    let values: UnsafeMutablePointer<Float>
  }

  func backward(
    _ sequences: Range<Int>, out: UnsafePointer<Float>, logs: UnsafePointer<Float>,
    gradient g: UnsafePointer<Float>, _ slopes: Slopes
  ) {
    let (heads, size) = (shape.heads, shape.valueSize)
    guard let tops else {
      for b in sequences {
        for h in 0..<heads { addSlopes(b, h, out: out, logs: logs, gradient: g, slopes) }
      }
      return
    }
    slopes.row.update(repeating: 0, count: width)
    for b in sequences {
      let (top, log) = (tops + Int(askers[b]) * heads, logs + b * heads)
      for h in 0..<heads { slopes.inverses[h] = top[h] - log[h] }
      kernels.exponentials(heads, slopes.inverses, slopes.inverses)
      let (g, o) = (g + b * columns, out + b * columns)
      for h in 0..<heads {
        let places = h * size..<(h + 1) * size
        guard log[h] - top[h] >= Self.leastLog else {
          for i in places { slopes.row[i] = 0 }
          slopes.row[columns + h] = 0
          addSlopes(b, h, out: out, logs: logs, gradient: g - b * columns, slopes)
          continue
        }
        let inverse = slopes.inverses[h]
        var inner: Float = 0
        for i in places {
          inner += g[i] * o[i]
          slopes.row[i] = g[i] * inverse
        }
        slopes.row[columns + h] = -inner * inverse
      }
      kernels.add_to_rows(
        shape.length, ids + b * shape.length, width, slopes.row,
        slopes.gathered + Int(askers[b]) * shape.vocab * width)
    }
    addGathered(slopes)
  }

  /// Turns what the rows have gathered into gradients.
  private func addGathered(_ slopes: Slopes) {
    guard let memory else { return }
    let (heads, size) = (shape.heads, shape.valueSize)
    for row in 0..<tableRows {
      let gathered = slopes.gathered + row * width
      let e = memory.pointer + row * width + columns
      let v = row % shape.vocab * columns
      for h in 0..<heads {
        var sum = gathered[columns + h]
        for i in h * size..<(h + 1) * size {
          sum += gathered[i] * values[v + i]
          slopes.values[v + i] += e[h] * gathered[i]
        }
        slopes.scores[row * heads + h] += e[h] * sum
      }
    }
  }

  /// The gradients of one softmax by its definition: dM += p g, dS += p (g·M − g·o).
  private func addSlopes(
    _ b: Int, _ h: Int, out: UnsafePointer<Float>, logs: UnsafePointer<Float>,
    gradient g: UnsafePointer<Float>, _ slopes: Slopes
  ) {
    let (heads, size, z) = (shape.heads, shape.valueSize, ids + b * shape.length)
    let first = Int(askers[b]) * shape.vocab
    for t in 0..<shape.length { slopes.p[t] = scores[(first + Int(z[t])) * heads + h] }
    kernels.exponentials_less(shape.length, slopes.p, logs[b * heads + h], 1, slopes.p)
    let place = b * columns + h * size
    var inner: Float = 0
    for i in 0..<size { inner += g[place + i] * out[place + i] }
    for t in 0..<shape.length {
      let v = Int(z[t]) * columns + h * size
      var sum = -inner
      for i in 0..<size {
        sum += g[place + i] * values[v + i]
        slopes.values[v + i] += slopes.p[t] * g[place + i]
      }
      slopes.scores[(first + Int(z[t])) * heads + h] += slopes.p[t] * sum
    }
  }
}
