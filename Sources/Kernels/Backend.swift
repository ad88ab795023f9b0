/// What computes: a processor, or a device, behind some forty primitives.
///
/// Tensors check shapes and record gradients; a backend gets addresses and sizes and does the
/// arithmetic. A new device is one type that conforms to this protocol, or a library that is
/// written by `mnemo_backend.h`, and no operation changes. ``CPU`` is the first; a reference in
/// plain loops, in the tests, is what any other is held against.
///
/// Conventions. Arrays are Float32 and lie side by side in row-major order unless a ``Layout`` or a
/// ``MatrixView`` says otherwise; where an address is raw, a ``DType`` beside it tells how the
/// numbers are stored: as Float32, Float16 or bfloat16. Results are written whole and never overlap
/// operands, unless the text says that something is added to them. Sizes are checked before: an id
/// is below the number of rows that it chooses from, and no size is negative. Where work is cut
/// into parts, it is cut by its size alone and sums are made in the order of the parts, so that
/// results do not depend on the number of threads. An operation that is cut short (``StopToken``)
/// leaves its results undefined.
///
/// Legend: *B* batch, *T* sequence length, *R* selected rows, *D* width, *H* heads, *V* vocabulary.
public protocol Backend: Sendable {
  /// A word for messages and descriptions of runs, such as "cpu".
  var name: String { get }

  /// How a batch is best cut into parts that go forward and backward by themselves.
  var batchCut: BatchCut { get }

  // MARK: Moving

  /// Copies `count` numbers from the host's memory into the backend's.
  func upload(_ count: Int, _ host: UnsafePointer<Float>, to device: UnsafeMutablePointer<Float>)

  /// Copies `count` numbers from the backend's memory into the host's.
  func download(_ count: Int, _ device: UnsafePointer<Float>, to host: UnsafeMutablePointer<Float>)

  /// Copies the elements of one view to those of another of the same shape; offsets count from the
  /// addresses.
  func copy(
    _ source: UnsafePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>,
    _ layout: Layout)

  /// Sets every element of a view to `value`.
  func fill(_ target: UnsafeMutablePointer<Float>, _ layout: Layout, _ value: Float)

  /// Converts the elements of a view to Float32, to lie side by side; the offset counts numbers
  /// from the address.
  func widen(
    _ source: UnsafeRawPointer, _ dtype: DType, _ from: Layout,
    to out: UnsafeMutablePointer<Float>)

  /// Rounds `count` numbers to the nearest of a type, of two as near to the even one; NaN stays
  /// NaN.
  func narrow(
    _ count: Int, _ x: UnsafePointer<Float>, to target: UnsafeMutableRawPointer, _ dtype: DType)

  // MARK: Elements

  /// out[i] = op(x[i]).
  func unary(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  /// out[i] = g[i] · op′(x[i]), where y = op(x).
  func unarySlope(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    gradient g: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  /// out = op(x, y), both contiguous in themselves and broadcast to `shape`.
  func binary(
    _ op: BinaryOp, _ shape: [Int], _ x: UnsafePointer<Float>, _ xShape: [Int],
    _ y: UnsafePointer<Float>, _ yShape: [Int], to out: UnsafeMutablePointer<Float>)

  /// out[i] = x[i] where mask[i] is not 0, else y[i].
  func choose(
    _ count: Int, where mask: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ y: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  // MARK: Reductions

  /// Σ x over everything, in Float64 over blocks of 4096.
  func total(_ count: Int, _ x: UnsafePointer<Float>) -> Double

  /// x [outer, size, inner] reduced along the middle, to out [outer, inner].
  func reduce(
    _ op: ReduceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  /// Where along the middle of x [outer, size, inner] the element stands that `op` means, counted
  /// from 0, to out [outer, inner]; size is at least 1.
  func places(
    _ op: PlaceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Int32>)

  /// The order of each line of x [outer, size, inner] along the middle, by places, the first `keep`
  /// of them: to out [outer, keep, inner]. Equal elements keep their order, NaN is larger than all.
  /// - Throws: `EngineError` if there is no memory for it.
  func order(
    _ lines: Lines, keep: Int, descending: Bool, _ x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Int32>) throws

  // MARK: Products

  /// C[m×n] = A[m×k] · B[k×n] + beta · C, C contiguous; beta is 0 or 1. With k = 0 the product is
  /// 0.
  /// - Throws: `EngineError` if there is no memory for it.
  func product(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView, beta: Float,
    to c: UnsafeMutablePointer<Float>) throws

  /// A product of this kind, with beta = 0, for each pair of matrices, one result behind the other;
  /// those of `a` have one number type, and so do those of `b`.
  /// - Throws: `EngineError` if there is nothing to compute it with, or no memory for it.
  func products(
    _ m: Int, _ n: Int, _ k: Int, _ a: [MatrixView], _ b: [MatrixView],
    to c: UnsafeMutablePointer<Float>) throws

  // MARK: Choosing by integers

  /// Rows of `width` numbers: out[r] = table[ids[r]], for a table of any of the three types.
  func gatherRows(
    _ count: Int, width: Int, _ ids: UnsafePointer<Int32>, of table: UnsafeRawPointer,
    _ dtype: DType, to out: UnsafeMutablePointer<Float>)

  /// The adjoint: table[ids[r]] += rows[r], in the order of r.
  func addRows(
    _ count: Int, width: Int, _ rows: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to table: UnsafeMutablePointer<Float>)

  /// Along the middle of x [outer, size, inner]: out[o, j, i] = x[o, ids[o, j, i], i], for ids and
  /// out [outer, wanted, inner].
  func gather(
    _ lines: Lines, wanted: Int, _ ids: UnsafePointer<Int32>, of x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>)

  /// The adjoint: x[o, ids[o, j, i], i] += g[o, j, i], in their order.
  func scatterAdd(
    _ lines: Lines, wanted: Int, _ g: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to x: UnsafeMutablePointer<Float>)

  // MARK: Rows

  /// The softmax of x [outer, size, inner] along the middle.
  func softmax(_ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  /// The gradient of x from that of y = softmax(x), g: y ∘ (g − Σ g y).
  func softmaxSlope(
    _ lines: Lines, _ y: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>)

  /// log Σ e^x along the middle of x [outer, size, inner], to out [outer, inner]: the largest
  /// number where that is infinite; −∞ of no elements.
  func logSumExp(_ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  /// losses[r] = weights[r] · (logs[r] − x[r, targets[r]]), logs[r] = log Σ e^x[r, i]; a weight of
  /// 0 leaves the row out even where its loss is infinite.
  func crossEntropy(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafeMutablePointer<Float>,
    losses: UnsafeMutablePointer<Float>)

  /// dx[r, i] = scale · weights[r] · (e^(x[r, i] − logs[r]) − [i = targets[r]]), 0 where a weight
  /// is.
  func crossEntropySlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafePointer<Float>, scale: Float,
    to dx: UnsafeMutablePointer<Float>)

  /// y = (x − mean) / √(variance + eps) · weight + bias for each row of n; `statistics` [rows, 2]
  /// receives mean and 1/√(variance + eps).
  func layerNorm(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, eps: Float, to out: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>)

  /// The gradients of `layerNorm`: dx, and those of weight and bias to forParameters [2, n].
  /// - Throws: `EngineError` if there is no memory for it.
  func layerNormSlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    statistics: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to dx: UnsafeMutablePointer<Float>, forParameters: UnsafeMutablePointer<Float>) throws

  /// Turns the pairs (x_2i, x_2i+1) of each row of x [rows, 2·pairs] by the angle whose cosine and
  /// sine stand in tables [length, pairs], at the row's number modulo length.
  func rotate(
    _ rows: Int, length: Int, pairs: Int, _ x: UnsafePointer<Float>,
    cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>)

  // MARK: Fused

  /// How many numbers `attention` leaves in `kept` for its slope; 0 if it computes them again.
  func attentionKeeps(_ shape: AttentionShape) -> Int

  /// Causal softmax attention at the selected rows: with β the softmax of scale · q_t · k_u over
  /// u ≤ t, out [R, H·F] = Σ β v, for q [R, H·E], k [B, T, H·E] and v [B, T, H·F].
  ///
  /// `logs` [R, H] receives the logarithms of the softmaxes' denominators; `kept` may be nil.
  /// - Throws: `EngineError` if there is no memory for it.
  func attention(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    logs: UnsafeMutablePointer<Float>, kept: UnsafeMutablePointer<Float>?) throws

  /// The gradients of `attention` from that of its result: dq is written; dk and dv, which may be
  /// one array if k and v are, are added to. What is nil is left out.
  /// - Throws: `EngineError` if there is no memory for it.
  func attentionSlope(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, out: UnsafePointer<Float>, logs: UnsafePointer<Float>,
    kept: UnsafePointer<Float>?, gradient g: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>?, dk: UnsafeMutablePointer<Float>?,
    dv: UnsafeMutablePointer<Float>?) throws

  /// How many numbers `embeddingAttention` leaves in `kept` for its slope.
  func embeddingAttentionKeeps(_ shape: EmbeddingAttentionShape) -> Int

  /// Causal attention whose scores, values and residual stream are sums of rows of tables: with
  /// β the softmax over u ≤ t of S[z_t, z_u] + S[z_t, V + u] + S[V + t, z_u] + S[V + t, V + u],
  /// out [B, T, D] = X[z_t] + X[V + t] + Σ β (M[z_u] + M[V + u]), for tables S [V + T, V + T], M
  /// and X [V + T, D] and ids z [B, T].
  ///
  /// `logs` [B, T] receives the logarithms of the softmaxes' denominators; `kept` may be nil.
  /// - Throws: `EngineError` if there is no memory for it.
  func embeddingAttention(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, residual: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?) throws

  /// The gradients of `embeddingAttention` by its tables, written; what is nil is left out.
  /// - Throws: `EngineError` if there is no memory for it.
  func embeddingAttentionSlope(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, logs: UnsafePointer<Float>, kept: UnsafePointer<Float>?,
    gradient g: UnsafePointer<Float>, dScores: UnsafeMutablePointer<Float>?,
    dValues: UnsafeMutablePointer<Float>?, dResidual: UnsafeMutablePointer<Float>?) throws

  /// Attention by one token of each sequence, whose scores and values are rows of tables: with p
  /// the softmax over all t of S[a_b, z_bt, h], out [B, H, F] = Σ_t p M[z_bt, h], for tables
  /// S [A, V, H] and M [V, H, F], ids z [B, T] and rows of scores a [B].
  ///
  /// T is at least 1. `logs` [B, H] receives the logarithms of the softmaxes' denominators.
  /// - Throws: `EngineError` if there is no memory for it.
  func tokenAttention(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>) throws

  /// The gradients of `tokenAttention` by its tables, written; what is nil is left out.
  /// - Throws: `EngineError` if there is no memory for it.
  func tokenAttentionSlope(
    _ shape: TokenAttentionShape, _ ids: UnsafePointer<Int32>, askers: UnsafePointer<Int32>,
    scores: UnsafePointer<Float>, values: UnsafePointer<Float>, out: UnsafePointer<Float>,
    logs: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dScores: UnsafeMutablePointer<Float>?, dValues: UnsafeMutablePointer<Float>?) throws

  /// y = W₂ relu(W₁ x) for rows x [rows, inputs]; `kept` [rows, hidden] receives the hidden layer
  /// after the ReLU, if it is not nil.
  /// - Throws: `EngineError` if there is no memory for it.
  func feedForward(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?) throws

  /// The gradients of `feedForward`, written; what is nil is left out.
  /// - Throws: `EngineError` if there is no memory for it.
  func feedForwardSlope(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, kept: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dw1: UnsafeMutablePointer<Float>?,
    dw2: UnsafeMutablePointer<Float>?) throws

  /// The weighted cross-entropies of logits l = Σ x Wᵀ that are made block by block and not kept:
  /// losses[r] = weights[r] · (log Σ e^l − l[target]). The gradients of Σ losses / total by the
  /// terms that want them are computed at once: dx is written, dw is added to.
  /// - Throws: `EngineError` if there is no memory for it.
  func linearCrossEntropy(
    _ rows: Int, vocab: Int, _ terms: [LinearTerm], _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, total: Float, wantsSlopes: Bool,
    losses: UnsafeMutablePointer<Float>) throws

  // MARK: Sums and updates

  /// y[i] += x[i].
  func add(_ count: Int, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>)

  /// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p·shrink − stepSize·m/(√v/rootCorrection + ε).
  func adamW(
    _ count: Int, _ step: AdamWStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, first m: UnsafeMutablePointer<Float>,
    second v: UnsafeMutablePointer<Float>)

  /// d ← g + decay·p; without a buffer p ← p − rate·d; with one b ← d at the first update, else
  /// momentum·b + d, and p ← p − rate·b, or under Nesterov p − rate·(d + momentum·b).
  func sgd(
    _ count: Int, _ step: SGDStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, buffer: UnsafeMutablePointer<Float>?)
}

/// A tensor seen as [outer, size, inner] around one dimension.
public struct Lines: Equatable, Sendable {
  public let outer: Int
  public let size: Int
  public let inner: Int

  public init(outer: Int, size: Int, inner: Int) {
    (self.outer, self.size, self.inner) = (outer, size, inner)
  }
}

/// A matrix in memory: row-major with `stride` numbers between rows, or the transpose of one.
public struct MatrixView {
  /// The first number.
  public let address: UnsafeRawPointer
  /// Float32, Float16 or bfloat16.
  public let dtype: DType
  public let stride: Int
  public let transposed: Bool

  /// A matrix of numbers of any of the three types.
  @inline(__always)
  public init(
    _ address: UnsafeRawPointer, _ dtype: DType, stride: Int, transposed: Bool = false
  ) {
    (self.address, self.dtype) = (address, dtype)
    (self.stride, self.transposed) = (stride, transposed)
  }

  /// A matrix of Float32.
  @inline(__always)
  public init(_ pointer: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
    self.init(UnsafeRawPointer(pointer), .float32, stride: stride, transposed: transposed)
  }
}

/// How a batch is cut into parts, each of which goes forward and backward on one thread.
public struct BatchCut: Equatable, Sendable {
  /// About so many tokens make a part.
  public let tokens: Int
  /// At least so many parts, where there are enough sequences, share the work evenly.
  public let leastParts: Int
  /// The gradients of all parts together are at most so many numbers, or those of two parts.
  public let mostGradients: Int

  public init(tokens: Int, leastParts: Int, mostGradients: Int) {
    (self.tokens, self.leastParts, self.mostGradients) = (tokens, leastParts, mostGradients)
  }
}

/// Which positions of a batch [B, T] are wanted: R rows, in the order of sequences and positions.
public struct Rows: Equatable, Sendable {
  /// B.
  public let batch: Int
  /// T.
  public let length: Int
  /// The position of each row in its sequence, [R], which never decreases within a sequence.
  public let positions: [Int32]
  /// Sequence b owns rows `starts[b] ..< starts[b + 1]`, [B + 1].
  public let starts: [Int]

  public init(batch: Int, length: Int, positions: [Int32], starts: [Int]) {
    (self.batch, self.length) = (batch, length)
    (self.positions, self.starts) = (positions, starts)
  }

  /// The rows of a sequence.
  func range(of sequence: Int) -> Range<Int> { starts[sequence]..<starts[sequence + 1] }
}

/// The sizes of one attention.
public struct AttentionShape: Sendable {
  /// Which positions ask.
  public let rows: Rows
  /// H.
  public let heads: Int
  /// E, the size of a head's queries and keys.
  public let keySize: Int
  /// F, the size of a head's values.
  public let valueSize: Int
  /// Factor of the scores.
  public let scale: Float

  public init(rows: Rows, heads: Int, keySize: Int, valueSize: Int, scale: Float) {
    (self.rows, self.heads, self.scale) = (rows, heads, scale)
    (self.keySize, self.valueSize) = (keySize, valueSize)
  }
}

/// The sizes of one attention over embeddings.
public struct EmbeddingAttentionShape: Sendable {
  public let batch: Int
  public let length: Int
  public let vocab: Int
  public let dim: Int

  public init(batch: Int, length: Int, vocab: Int, dim: Int) {
    (self.batch, self.length, self.vocab, self.dim) = (batch, length, vocab, dim)
  }
}

/// The sizes of one attention by single tokens.
public struct TokenAttentionShape: Sendable {
  /// B.
  public let batch: Int
  /// T, at least 1.
  public let length: Int
  /// A, the rows of scores.
  public let askers: Int
  /// V.
  public let vocab: Int
  /// H.
  public let heads: Int
  /// F, the size of a head's values.
  public let valueSize: Int

  public init(batch: Int, length: Int, askers: Int, vocab: Int, heads: Int, valueSize: Int) {
    (self.batch, self.length, self.askers, self.vocab) = (batch, length, askers, vocab)
    (self.heads, self.valueSize) = (heads, valueSize)
  }
}

/// The sizes of one feed-forward: W₁ [hidden, inputs], W₂ [outputs, hidden].
public struct FeedForwardShape: Sendable {
  public let rows: Int
  public let inputs: Int
  public let hidden: Int
  public let outputs: Int

  public init(rows: Int, inputs: Int, hidden: Int, outputs: Int) {
    (self.rows, self.inputs, self.hidden, self.outputs) = (rows, inputs, hidden, outputs)
  }
}

/// One product x Wᵀ of a sum of logits, and where its gradients go.
public struct LinearTerm {
  /// The columns of x and of W.
  public let width: Int
  /// x [R, width].
  public let x: UnsafePointer<Float>
  /// W [V, width].
  public let w: UnsafePointer<Float>
  /// Where the gradient of x is written; nil if it is not wanted.
  public let dx: UnsafeMutablePointer<Float>?
  /// Where the gradient of W is added; nil if it is not wanted.
  public let dw: UnsafeMutablePointer<Float>?

  public init(
    width: Int, x: UnsafePointer<Float>, w: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dw: UnsafeMutablePointer<Float>?
  ) {
    (self.width, self.x, self.w, self.dx, self.dw) = (width, x, w, dx, dw)
  }
}
