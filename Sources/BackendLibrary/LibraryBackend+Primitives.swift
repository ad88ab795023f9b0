import BackendInterface
import Kernels

// Each primitive is the library's.

extension LibraryBackend {
  public func upload(
    _ count: Int, _ host: UnsafePointer<Float>, to device: UnsafeMutablePointer<Float>
  ) {
    table.pointee.upload(count, host, device)
  }

  public func download(
    _ count: Int, _ device: UnsafePointer<Float>, to host: UnsafeMutablePointer<Float>
  ) {
    table.pointee.download(count, device, host)
  }

  public func copy(
    _ source: UnsafePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>,
    _ layout: Layout
  ) {
    from.withForeign { from in
      layout.withForeign { table.pointee.copy(source, from, target, $0) }
    }
  }

  public func fill(_ target: UnsafeMutablePointer<Float>, _ layout: Layout, _ value: Float) {
    layout.withForeign { table.pointee.fill(target, $0, value) }
  }

  public func widen(
    _ source: UnsafeRawPointer, _ dtype: DType, _ from: Layout,
    to out: UnsafeMutablePointer<Float>
  ) {
    from.withForeign { table.pointee.widen(source, dtype.foreign, $0, out) }
  }

  public func narrow(
    _ count: Int, _ x: UnsafePointer<Float>, to target: UnsafeMutableRawPointer, _ dtype: DType
  ) {
    table.pointee.narrow(count, x, target, dtype.foreign)
  }

  public func unary(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.unary(op.foreign, count, x, out)
  }

  public func unarySlope(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    gradient g: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.unary_slope(op.foreign, count, x, y, g, out)
  }

  public func binary(
    _ op: BinaryOp, _ shape: [Int], _ x: UnsafePointer<Float>, _ xShape: [Int],
    _ y: UnsafePointer<Float>, _ yShape: [Int], to out: UnsafeMutablePointer<Float>
  ) {
    withShape(shape) { shape in
      withShape(xShape) { xShape in
        withShape(yShape) { table.pointee.binary(op.foreign, shape, x, xShape, y, $0, out) }
      }
    }
  }

  public func choose(
    _ count: Int, where mask: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ y: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.choose(count, mask, x, y, out)
  }

  public func total(_ count: Int, _ x: UnsafePointer<Float>) -> Double {
    table.pointee.total(count, x)
  }

  public func reduce(
    _ op: ReduceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.reduce(op.foreign, lines.foreign, x, out)
  }

  public func places(
    _ op: PlaceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Int32>
  ) {
    table.pointee.places(op.foreign, lines.foreign, x, out)
  }

  public func order(
    _ lines: Lines, keep: Int, descending: Bool, _ x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Int32>
  ) throws {
    try check("sort", table.pointee.order(lines.foreign, keep, descending, x, out))
  }

  public func product(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView, beta: Float,
    to c: UnsafeMutablePointer<Float>
  ) throws {
    try check("matmul", table.pointee.product(m, n, k, a.foreign, b.foreign, beta, c))
  }

  public func products(
    _ m: Int, _ n: Int, _ k: Int, _ a: [MatrixView], _ b: [MatrixView],
    to c: UnsafeMutablePointer<Float>
  ) throws {
    try check(
      "matmul",
      table.pointee.products(a.count, m, n, k, a.map(\.foreign), b.map(\.foreign), c))
  }

  public func gatherRows(
    _ count: Int, width: Int, _ ids: UnsafePointer<Int32>, of table: UnsafeRawPointer,
    _ dtype: DType, to out: UnsafeMutablePointer<Float>
  ) {
    self.table.pointee.gather_rows(count, width, ids, table, dtype.foreign, out)
  }

  public func addRows(
    _ count: Int, width: Int, _ rows: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to table: UnsafeMutablePointer<Float>
  ) {
    self.table.pointee.add_rows(count, width, rows, ids, table)
  }

  public func gather(
    _ lines: Lines, wanted: Int, _ ids: UnsafePointer<Int32>, of x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.gather(lines.foreign, wanted, ids, x, out)
  }

  public func scatterAdd(
    _ lines: Lines, wanted: Int, _ g: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to x: UnsafeMutablePointer<Float>
  ) {
    table.pointee.scatter_add(lines.foreign, wanted, g, ids, x)
  }

  public func softmax(
    _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.softmax(lines.foreign, x, out)
  }

  public func softmaxSlope(
    _ lines: Lines, _ y: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.softmax_slope(lines.foreign, y, g, out)
  }

  public func logSumExp(
    _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.log_sum_exp(lines.foreign, x, out)
  }

  public func crossEntropy(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafeMutablePointer<Float>,
    losses: UnsafeMutablePointer<Float>
  ) {
    table.pointee.cross_entropy(rows, n, x, targets, weights, logs, losses)
  }

  public func crossEntropySlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafePointer<Float>, scale: Float,
    to dx: UnsafeMutablePointer<Float>
  ) {
    table.pointee.cross_entropy_slope(rows, n, x, targets, weights, logs, scale, dx)
  }

  public func layerNorm(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, eps: Float, to out: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>
  ) {
    table.pointee.layer_norm(rows, n, x, weight, bias, eps, out, statistics)
  }

  public func layerNormSlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    statistics: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to dx: UnsafeMutablePointer<Float>, forParameters: UnsafeMutablePointer<Float>
  ) throws {
    try check(
      "layer_norm",
      table.pointee.layer_norm_slope(rows, n, x, weight, statistics, g, dx, forParameters))
  }

  public func rotate(
    _ rows: Int, length: Int, pairs: Int, _ x: UnsafePointer<Float>,
    cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    table.pointee.rotate(rows, length, pairs, x, cosines, sines, out)
  }

  public func attentionKeeps(_ shape: AttentionShape) -> Int {
    shape.withForeign { table.pointee.attention_keeps($0) }
  }

  public func attention(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    logs: UnsafeMutablePointer<Float>, kept: UnsafeMutablePointer<Float>?
  ) throws {
    try shape.withForeign {
      try check("attention", table.pointee.attention($0, q, k, v, out, logs, kept))
    }
  }

  public func attentionSlope(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, out: UnsafePointer<Float>, logs: UnsafePointer<Float>,
    kept: UnsafePointer<Float>?, gradient g: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>?, dk: UnsafeMutablePointer<Float>?,
    dv: UnsafeMutablePointer<Float>?
  ) throws {
    try shape.withForeign {
      try check(
        "attention",
        table.pointee.attention_slope($0, q, k, v, out, logs, kept, g, dq, dk, dv))
    }
  }

  public func embeddingAttentionKeeps(_ shape: EmbeddingAttentionShape) -> Int {
    table.pointee.embedding_attention_keeps(shape.foreign)
  }

  public func embeddingAttention(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, residual: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) throws {
    try check(
      "embedding attention",
      table.pointee.embedding_attention(
        shape.foreign, ids, scores, values, residual, out, logs, kept))
  }

  public func embeddingAttentionSlope(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, logs: UnsafePointer<Float>, kept: UnsafePointer<Float>?,
    gradient g: UnsafePointer<Float>, dScores: UnsafeMutablePointer<Float>?,
    dValues: UnsafeMutablePointer<Float>?, dResidual: UnsafeMutablePointer<Float>?
  ) throws {
    try check(
      "embedding attention",
      table.pointee.embedding_attention_slope(
        shape.foreign, ids, scores, values, logs, kept, g, dScores, dValues, dResidual))
  }

  public func tokenAttention(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>
  ) throws {
    try check(
      "token attention",
      table.pointee.token_attention(shape.foreign, ids, askers, scores, values, out, logs))
  }

  public func tokenAttentionSlope(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>, out: UnsafePointer<Float>,
    logs: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dScores: UnsafeMutablePointer<Float>?, dValues: UnsafeMutablePointer<Float>?
  ) throws {
    try check(
      "token attention",
      table.pointee.token_attention_slope(
        shape.foreign, ids, askers, scores, values, out, logs, g, dScores, dValues))
  }

  public func feedForward(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) throws {
    try check("feed_forward", table.pointee.feed_forward(shape.foreign, x, w1, w2, out, kept))
  }

  public func feedForwardSlope(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, kept: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dw1: UnsafeMutablePointer<Float>?,
    dw2: UnsafeMutablePointer<Float>?
  ) throws {
    try check(
      "feed_forward",
      table.pointee.feed_forward_slope(shape.foreign, x, w1, w2, kept, g, dx, dw1, dw2))
  }

  public func linearCrossEntropy(
    _ rows: Int, vocab: Int, _ terms: [LinearTerm], _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, total: Float, wantsSlopes: Bool,
    losses: UnsafeMutablePointer<Float>
  ) throws {
    try check(
      "cross_entropy",
      table.pointee.linear_cross_entropy(
        rows, vocab, terms.count, terms.map(\.foreign), targets, weights, total, wantsSlopes,
        losses))
  }

  public func add(_ count: Int, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    table.pointee.add(count, x, y)
  }

  public func adamW(
    _ count: Int, _ step: AdamWStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, first m: UnsafeMutablePointer<Float>,
    second v: UnsafeMutablePointer<Float>
  ) {
    table.pointee.adamw(count, step.foreign, p, g, m, v)
  }

  public func sgd(
    _ count: Int, _ step: SGDStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, buffer: UnsafeMutablePointer<Float>?
  ) {
    table.pointee.sgd(count, step.foreign, p, g, buffer)
  }
}
