import Glibc
import Kernels

/// What every primitive means, in plain loops and double precision.
///
/// It is slow, and what any other backend is held against.
struct ReferenceBackend: Backend {
  let name = "reference"
  let batchCut = BatchCut(tokens: 1, leastParts: 1, mostGradients: 1 << 24)

  // MARK: Moving

  func upload(
    _ count: Int, _ host: UnsafePointer<Float>, to device: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count { device[i] = host[i] }
  }

  func download(
    _ count: Int, _ device: UnsafePointer<Float>, to host: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count { host[i] = device[i] }
  }

  /// Number `i` from an address.
  private func number(_ address: UnsafeRawPointer, _ dtype: DType, _ i: Int) -> Float {
    let place = i * dtype.size
    switch dtype {
    case .float32: return address.load(fromByteOffset: place, as: Float.self)
    case .float16: return Float(address.load(fromByteOffset: place, as: Float16.self))
    case .bfloat16:
      let bits = address.load(fromByteOffset: place, as: UInt16.self)
      return Float(bitPattern: UInt32(bits) * 65536)
    default: fatalError("no number type to compute with")
    }
  }

  func widen(
    _ source: UnsafeRawPointer, _ dtype: DType, _ from: Layout,
    to out: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<from.count { out[i] = number(source, dtype, place(i, from)) }
  }

  func narrow(
    _ count: Int, _ x: UnsafePointer<Float>, to target: UnsafeMutableRawPointer, _ dtype: DType
  ) {
    for i in 0..<count {
      let place = i * dtype.size
      switch dtype {
      case .float32: target.storeBytes(of: x[i], toByteOffset: place, as: Float.self)
      case .float16: target.storeBytes(of: Float16(x[i]), toByteOffset: place, as: Float16.self)
      default: target.storeBytes(of: bfloat16(x[i]), toByteOffset: place, as: UInt16.self)
      }
    }
  }

  /// The bits of the bfloat16 nearest to a number: of the two around it, by their distances.
  private func bfloat16(_ x: Float) -> UInt16 {
    guard x.isFinite else { return x.isNaN ? 0x7FC0 : UInt16(x.bitPattern >> 16) }
    // Of these bits' magnitudes; the one beyond the largest counts as 2¹²⁸.
    func value(_ bits: UInt32) -> Double {
      bits == 0x7F80
        ? Double(sign: .plus, exponent: 128, significand: 1)
        : Double(Float(bitPattern: bits << 16))
    }
    let below = x.magnitude.bitPattern >> 16
    let (down, up) = (Double(x.magnitude) - value(below), value(below + 1) - Double(x.magnitude))
    let nearest = down < up || (down == up && below % 2 == 0) ? below : below + 1
    return UInt16(nearest) | (x.sign == .minus ? 0x8000 : 0)
  }

  /// The place of an element, given by its number in row-major order.
  private func place(_ element: Int, _ layout: Layout) -> Int {
    var (place, rest) = (layout.offset, element)
    for d in layout.shape.indices.reversed() {
      place += rest % layout.shape[d] * layout.strides[d]
      rest /= layout.shape[d]
    }
    return place
  }

  func copy(
    _ source: UnsafePointer<Float>, _ from: Layout, to target: UnsafeMutablePointer<Float>,
    _ layout: Layout
  ) {
    for i in 0..<from.count { target[place(i, layout)] = source[place(i, from)] }
  }

  func fill(_ target: UnsafeMutablePointer<Float>, _ layout: Layout, _ value: Float) {
    for i in 0..<layout.count { target[place(i, layout)] = value }
  }

  // MARK: Elements

  private func value(_ op: UnaryOp, _ x: Double) -> Double {
    switch op {
    case .neg: -x
    case .exp: exp(x)
    case .log: log(x)
    case .logOrZero: x > 0 ? log(x) : 0
    case .sqrt, .norm: x.squareRoot()
    case .abs: abs(x)
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .relu: max(x, 0)
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .square: x * x
    case .clamp(let low, let high): min(max(x, Double(low)), Double(high))
    }
  }

  private func slope(_ op: UnaryOp, _ x: Double) -> Double {
    switch op {
    case .neg: -1
    case .exp: exp(x)
    case .log: 1 / x
    case .logOrZero: x > 0 ? 1 / x : 0
    case .sqrt: 0.5 / x.squareRoot()
    case .norm: x > 0 ? 0.5 / x.squareRoot() : 0
    case .abs: x > 0 ? 1 : (x < 0 ? -1 : 0)
    case .tanh: 1 - tanh(x) * tanh(x)
    case .sigmoid: exp(-x) / ((1 + exp(-x)) * (1 + exp(-x)))
    case .relu: x > 0 ? 1 : 0
    case .gelu:
      0.5 * erfc(-x / 2.0.squareRoot()) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    case .square: 2 * x
    case .clamp(let low, let high): x < Double(low) || x > Double(high) ? 0 : 1
    }
  }

  func unary(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count { out[i] = Float(value(op, Double(x[i]))) }
  }

  func unarySlope(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    gradient g: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count { out[i] = Float(Double(g[i]) * slope(op, Double(x[i]))) }
  }

  private func value(_ op: BinaryOp, _ x: Double, _ y: Double) -> Double {
    switch op {
    case .add: x + y
    case .sub: x - y
    case .mul: x * y
    case .div: x / y
    case .pow: pow(x, y)
    case .powSlope: y == 0 ? 0 : y * pow(x, y - 1)
    case .maximum: max(x, y)
    case .maximumShare: x > y ? 1 : (x == y ? 0.5 : 0)
    case .addScaled(let scale): x + Double(scale) * y
    case .compare(let comparison): comparison.holds(x, y) ? 1 : 0
    }
  }

  func binary(
    _ op: BinaryOp, _ shape: [Int], _ x: UnsafePointer<Float>, _ xShape: [Int],
    _ y: UnsafePointer<Float>, _ yShape: [Int], to out: UnsafeMutablePointer<Float>
  ) {
    /// The number of the element of an operand that meets an element of the result.
    func met(_ element: Int, _ own: [Int]) -> Int {
      var (rest, number, stride) = (element, 0, 1)
      for d in shape.indices.reversed() {
        let index = rest % shape[d]
        rest /= shape[d]
        let place = d - (shape.count - own.count)
        guard place >= 0 else { continue }
        if own[place] != 1 { number += index * stride }
        stride *= own[place]
      }
      return number
    }
    for i in 0..<shape.reduce(1, *) {
      out[i] = Float(value(op, Double(x[met(i, xShape)]), Double(y[met(i, yShape)])))
    }
  }

  func choose(
    _ count: Int, where mask: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ y: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count { out[i] = mask[i] != 0 ? x[i] : y[i] }
  }

  // MARK: Reductions

  func total(_ count: Int, _ x: UnsafePointer<Float>) -> Double {
    (0..<count).reduce(0) { $0 + Double(x[$1]) }
  }

  /// Calls `body` with the number of each line's first element among [outer, inner], and with the
  /// places of all its elements.
  private func forEachLine(_ lines: Lines, _ body: (_ line: Int, _ places: [Int]) -> Void) {
    for o in 0..<lines.outer {
      for i in 0..<lines.inner {
        body(
          o * lines.inner + i, (0..<lines.size).map { (o * lines.size + $0) * lines.inner + i })
      }
    }
  }

  func reduce(
    _ op: ReduceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    forEachLine(lines) { line, places in out[line] = Float(places.reduce(0) { $0 + Double(x[$1]) })
    }
  }

  func places(
    _ op: PlaceOp, _ lines: Lines, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Int32>
  ) {
    forEachLine(lines) { line, places in
      var best = 0
      for (i, place) in places.enumerated() {
        let (value, top) = (x[place], x[places[best]])
        let beats = op == .largest ? value > top : value < top
        if beats || (value.isNaN && !top.isNaN) { best = i }
      }
      out[line] = Int32(best)
    }
  }

  func order(
    _ lines: Lines, keep: Int, descending: Bool, _ x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Int32>
  ) {
    forEachLine(lines) { line, places in
      let key = places.map { x[$0].isNaN ? Double.greatestFiniteMagnitude : Double(x[$0]) }
      let sorted = key.indices.sorted {
        key[$0] == key[$1] ? $0 < $1 : (descending ? key[$0] > key[$1] : key[$0] < key[$1])
      }
      let (o, i) = line.quotientAndRemainder(dividingBy: lines.inner)
      for k in 0..<keep { out[(o * keep + k) * lines.inner + i] = Int32(sorted[k]) }
    }
  }

  // MARK: Products

  private func entry(_ view: MatrixView, _ i: Int, _ j: Int) -> Double {
    let place = view.transposed ? j * view.stride + i : i * view.stride + j
    return Double(number(view.address, view.dtype, place))
  }

  func product(
    _ m: Int, _ n: Int, _ k: Int, _ a: MatrixView, _ b: MatrixView, beta: Float,
    to c: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<m {
      for j in 0..<n {
        let sum = (0..<k).reduce(0.0) { $0 + entry(a, i, $1) * entry(b, $1, j) }
        c[i * n + j] = Float(sum + (beta == 0 ? 0 : Double(beta) * Double(c[i * n + j])))
      }
    }
  }

  func products(
    _ m: Int, _ n: Int, _ k: Int, _ a: [MatrixView], _ b: [MatrixView],
    to c: UnsafeMutablePointer<Float>
  ) {
    for i in a.indices { product(m, n, k, a[i], b[i], beta: 0, to: c + i * m * n) }
  }

  // MARK: Choosing by integers

  func gatherRows(
    _ count: Int, width: Int, _ ids: UnsafePointer<Int32>, of table: UnsafeRawPointer,
    _ dtype: DType, to out: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<count {
      for i in 0..<width { out[r * width + i] = number(table, dtype, Int(ids[r]) * width + i) }
    }
  }

  func addRows(
    _ count: Int, width: Int, _ rows: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to table: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<count {
      for i in 0..<width { table[Int(ids[r]) * width + i] += rows[r * width + i] }
    }
  }

  /// Calls `body(place among the chosen, place in the source)` for every chosen element.
  private func forEachChosen(
    _ lines: Lines, _ wanted: Int, _ ids: UnsafePointer<Int32>, _ body: (Int, Int) -> Void
  ) {
    for o in 0..<lines.outer {
      for j in 0..<wanted {
        for i in 0..<lines.inner {
          let place = (o * wanted + j) * lines.inner + i
          body(place, (o * lines.size + Int(ids[place])) * lines.inner + i)
        }
      }
    }
  }

  func gather(
    _ lines: Lines, wanted: Int, _ ids: UnsafePointer<Int32>, of x: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>
  ) {
    forEachChosen(lines, wanted, ids) { out[$0] = x[$1] }
  }

  func scatterAdd(
    _ lines: Lines, wanted: Int, _ g: UnsafePointer<Float>, _ ids: UnsafePointer<Int32>,
    to x: UnsafeMutablePointer<Float>
  ) {
    forEachChosen(lines, wanted, ids) { x[$1] += g[$0] }
  }

  // MARK: Rows

  private func softmax(_ x: [Double]) -> [Double] {
    let top = x.max() ?? 0
    let powers = x.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  private func logSumExp(_ x: [Double]) -> Double {
    guard let top = x.max() else { return -.infinity }
    return top + log(x.reduce(0) { $0 + exp($1 - top) })
  }

  private func row(_ x: UnsafePointer<Float>, _ r: Int, _ n: Int) -> [Double] {
    (0..<n).map { Double(x[r * n + $0]) }
  }

  func softmax(_ rows: Int, _ n: Int, _ x: UnsafeMutablePointer<Float>) {
    for r in 0..<rows {
      for (i, p) in softmax(row(x, r, n)).enumerated() { x[r * n + i] = Float(p) }
    }
  }

  func softmaxSlope(
    _ rows: Int, _ n: Int, _ y: UnsafePointer<Float>, gradient g: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      let (p, dp) = (row(y, r, n), row(g, r, n))
      let inner = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
      for i in 0..<n { g[r * n + i] = Float(p[i] * (dp[i] - inner)) }
    }
  }

  func logSumExp(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows { out[r] = Float(logSumExp(row(x, r, n))) }
  }

  func crossEntropy(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafeMutablePointer<Float>,
    losses: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      let log = logSumExp(row(x, r, n))
      logs[r] = Float(log)
      losses[r] =
        weights[r] == 0
        ? 0 : Float(Double(weights[r]) * (log - Double(x[r * n + Int(targets[r])])))
    }
  }

  func crossEntropySlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, logs: UnsafePointer<Float>, scale: Float,
    to dx: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      for (i, p) in softmax(row(x, r, n)).enumerated() {
        let own = i == Int(targets[r]) ? 1.0 : 0
        dx[r * n + i] = Float(Double(scale) * Double(weights[r]) * (p - own))
      }
    }
  }

  func layerNorm(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, eps: Float, to out: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      let values = row(x, r, n)
      let mean = values.reduce(0, +) / Double(n)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
      let inverse = 1 / (variance + Double(eps)).squareRoot()
      for i in 0..<n {
        out[r * n + i] = Float((values[i] - mean) * inverse * Double(weight[i]) + Double(bias[i]))
      }
      (statistics[2 * r], statistics[2 * r + 1]) = (Float(mean), Float(inverse))
    }
  }

  func layerNormSlope(
    _ rows: Int, _ n: Int, _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    statistics: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    to dx: UnsafeMutablePointer<Float>, forParameters: UnsafeMutablePointer<Float>
  ) {
    var (dWeight, dBias) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
    for r in 0..<rows {
      let (mean, inverse) = (Double(statistics[2 * r]), Double(statistics[2 * r + 1]))
      let h = row(x, r, n).map { ($0 - mean) * inverse }
      let slopes = row(g, r, n)
      let u = slopes.indices.map { slopes[$0] * Double(weight[$0]) }
      let along = u.reduce(0, +) / Double(n)
      let across = zip(u, h).reduce(0) { $0 + $1.0 * $1.1 } / Double(n)
      for i in 0..<n {
        dWeight[i] += slopes[i] * h[i]
        dBias[i] += slopes[i]
        dx[r * n + i] = Float(inverse * (u[i] - along - h[i] * across))
      }
    }
    for i in 0..<n {
      (forParameters[i], forParameters[n + i]) = (Float(dWeight[i]), Float(dBias[i]))
    }
  }

  func rotate(
    _ rows: Int, length: Int, pairs: Int, _ x: UnsafePointer<Float>, cosines: UnsafePointer<Float>,
    sines: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      for i in 0..<pairs {
        let place = 2 * (r * pairs + i)
        let (a, b) = (Double(x[place]), Double(x[place + 1]))
        let (c, s) = (
          Double(cosines[r % length * pairs + i]), Double(sines[r % length * pairs + i])
        )
        (out[place], out[place + 1]) = (Float(a * c - b * s), Float(a * s + b * c))
      }
    }
  }

  // MARK: Fused

  func attentionKeeps(_ shape: AttentionShape) -> Int { 0 }

  /// Calls `body` with every query's row, sequence, head and probabilities, and what log Σ e^s is.
  private func forEachQuery(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ body: (_ row: Int, _ sequence: Int, _ head: Int, _ p: [Double], _ log: Double) -> Void
  ) {
    let (rows, size, width) = (shape.rows, shape.keySize, shape.heads * shape.keySize)
    for b in 0..<rows.batch {
      for r in rows.starts[b]..<rows.starts[b + 1] {
        for h in 0..<shape.heads {
          let scores = (0...Int(rows.positions[r])).map { u in
            (0..<size).reduce(0.0) { sum, e in
              let key = k[(b * rows.length + u) * width + h * size + e]
              return sum + Double(shape.scale) * Double(q[r * width + h * size + e]) * Double(key)
            }
          }
          body(r, b, h, softmax(scores), logSumExp(scores))
        }
      }
    }
  }

  func attention(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    logs: UnsafeMutablePointer<Float>, kept: UnsafeMutablePointer<Float>?
  ) {
    let (size, width) = (shape.valueSize, shape.heads * shape.valueSize)
    forEachQuery(shape, q, k) { r, b, h, p, log in
      logs[r * shape.heads + h] = Float(log)
      for f in 0..<size {
        let sum = p.indices.reduce(0.0) {
          $0 + p[$1] * Double(v[(b * shape.rows.length + $1) * width + h * size + f])
        }
        out[r * width + h * size + f] = Float(sum)
      }
    }
  }

  func attentionSlope(
    _ shape: AttentionShape, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, out: UnsafePointer<Float>, logs: UnsafePointer<Float>,
    kept: UnsafePointer<Float>?, gradient g: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>?, dk: UnsafeMutablePointer<Float>?,
    dv: UnsafeMutablePointer<Float>?
  ) {
    let (keySize, valueSize) = (shape.keySize, shape.valueSize)
    let (keyWidth, valueWidth) = (shape.heads * keySize, shape.heads * valueSize)
    if let dq { for i in 0..<shape.rows.positions.count * keyWidth { dq[i] = 0 } }
    forEachQuery(shape, q, k) { r, b, h, p, _ in
      let slopes = (0..<valueSize).map { Double(g[r * valueWidth + h * valueSize + $0]) }
      func value(_ u: Int) -> Int { (b * shape.rows.length + u) * valueWidth + h * valueSize }
      let dp = p.indices.map { u in
        (0..<valueSize).reduce(0.0) { $0 + slopes[$1] * Double(v[value(u) + $1]) }
      }
      let inner = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
      for u in p.indices {
        if let dv {
          for f in 0..<valueSize { dv[value(u) + f] += Float(p[u] * slopes[f]) }
        }
        let ds = Double(shape.scale) * p[u] * (dp[u] - inner)
        let (query, key) = (
          r * keyWidth + h * keySize, (b * shape.rows.length + u) * keyWidth + h * keySize
        )
        for e in 0..<keySize {
          if let dq { dq[query + e] += Float(ds * Double(k[key + e])) }
          if let dk { dk[key + e] += Float(ds * Double(q[query + e])) }
        }
      }
    }
  }

  func embeddingAttentionKeeps(_ shape: EmbeddingAttentionShape) -> Int { 0 }

  /// Calls `body` with every position's sequence, place and probabilities, and what log Σ e^s is.
  private func forEachPosition(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, _ scores: UnsafePointer<Float>,
    _ body: (_ sequence: Int, _ t: Int, _ p: [Double], _ log: Double) -> Void
  ) {
    let rows = shape.vocab + shape.length
    for b in 0..<shape.batch {
      for t in 0..<shape.length {
        let own = pair(shape, ids, b, t)
        let s = (0...t).map { u in
          own.reduce(0.0) { sum, i in
            sum + pair(shape, ids, b, u).reduce(0.0) { $0 + Double(scores[i * rows + $1]) }
          }
        }
        body(b, t, softmax(s), logSumExp(s))
      }
    }
  }

  /// The two rows of a table that belong to a position.
  private func pair(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, _ b: Int, _ t: Int
  ) -> [Int] {
    [Int(ids[b * shape.length + t]), shape.vocab + t]
  }

  func embeddingAttention(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, residual: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>, logs: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) {
    forEachPosition(shape, ids, scores) { b, t, p, log in
      logs[b * shape.length + t] = Float(log)
      for d in 0..<shape.dim {
        func sum(_ table: UnsafePointer<Float>, _ u: Int) -> Double {
          pair(shape, ids, b, u).reduce(0.0) { $0 + Double(table[$1 * shape.dim + d]) }
        }
        let value = p.indices.reduce(sum(residual, t)) { $0 + p[$1] * sum(values, $1) }
        out[(b * shape.length + t) * shape.dim + d] = Float(value)
      }
    }
  }

  func embeddingAttentionSlope(
    _ shape: EmbeddingAttentionShape, _ ids: UnsafePointer<Int32>, scores: UnsafePointer<Float>,
    values: UnsafePointer<Float>, logs: UnsafePointer<Float>, kept: UnsafePointer<Float>?,
    gradient g: UnsafePointer<Float>, dScores: UnsafeMutablePointer<Float>?,
    dValues: UnsafeMutablePointer<Float>?, dResidual: UnsafeMutablePointer<Float>?
  ) {
    let (rows, dim) = (shape.vocab + shape.length, shape.dim)
    var sums = [rows * rows, rows * dim, rows * dim].map { [Double](repeating: 0, count: $0) }
    forEachPosition(shape, ids, scores) { b, t, p, _ in
      let slopes = (0..<dim).map { Double(g[(b * shape.length + t) * dim + $0]) }
      let dp = p.indices.map { u in
        pair(shape, ids, b, u).reduce(0.0) { sum, i in
          sum + (0..<dim).reduce(0.0) { $0 + slopes[$1] * Double(values[i * dim + $1]) }
        }
      }
      let inner = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
      for i in pair(shape, ids, b, t) {
        for d in 0..<dim { sums[2][i * dim + d] += slopes[d] }
        for u in p.indices {
          for j in pair(shape, ids, b, u) { sums[0][i * rows + j] += p[u] * (dp[u] - inner) }
        }
      }
      for u in p.indices {
        for j in pair(shape, ids, b, u) {
          for d in 0..<dim { sums[1][j * dim + d] += p[u] * slopes[d] }
        }
      }
    }
    for (sum, target) in zip(sums, [dScores, dValues, dResidual]) {
      guard let target else { continue }
      for (i, value) in sum.enumerated() { target[i] = Float(value) }
    }
  }

  func feedForward(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>,
    kept: UnsafeMutablePointer<Float>?
  ) {
    for r in 0..<shape.rows {
      let input = row(x, r, shape.inputs)
      let hidden = (0..<shape.hidden).map { j in
        max(0, zip(row(w1, j, shape.inputs), input).reduce(0) { $0 + $1.0 * $1.1 })
      }
      if let kept { for j in hidden.indices { kept[r * shape.hidden + j] = Float(hidden[j]) } }
      for o in 0..<shape.outputs {
        let sum = zip(row(w2, o, shape.hidden), hidden).reduce(0) { $0 + $1.0 * $1.1 }
        out[r * shape.outputs + o] = Float(sum)
      }
    }
  }

  func feedForwardSlope(
    _ shape: FeedForwardShape, _ x: UnsafePointer<Float>, _ w1: UnsafePointer<Float>,
    _ w2: UnsafePointer<Float>, kept: UnsafePointer<Float>, gradient g: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dw1: UnsafeMutablePointer<Float>?,
    dw2: UnsafeMutablePointer<Float>?
  ) {
    let (inputs, hidden, outputs) = (shape.inputs, shape.hidden, shape.outputs)
    var sum1 = [Double](repeating: 0, count: hidden * inputs)
    var sum2 = [Double](repeating: 0, count: outputs * hidden)
    for r in 0..<shape.rows {
      let (input, h, slopes) = (row(x, r, inputs), row(kept, r, hidden), row(g, r, outputs))
      let da = (0..<hidden).map { j in
        h[j] > 0 ? (0..<outputs).reduce(0.0) { $0 + slopes[$1] * Double(w2[$1 * hidden + j]) } : 0
      }
      for o in 0..<outputs {
        for j in 0..<hidden { sum2[o * hidden + j] += slopes[o] * h[j] }
      }
      for j in 0..<hidden {
        for i in 0..<inputs { sum1[j * inputs + i] += da[j] * input[i] }
      }
      guard let dx else { continue }
      for i in 0..<inputs {
        dx[r * inputs + i] = Float(
          (0..<hidden).reduce(0.0) { $0 + da[$1] * Double(w1[$1 * inputs + i]) })
      }
    }
    if let dw1 { for (i, value) in sum1.enumerated() { dw1[i] = Float(value) } }
    if let dw2 { for (i, value) in sum2.enumerated() { dw2[i] = Float(value) } }
  }

  func linearCrossEntropy(
    _ rows: Int, vocab: Int, _ terms: [LinearTerm], _ targets: UnsafePointer<Int32>,
    weights: UnsafePointer<Float>, total: Float, wantsSlopes: Bool,
    losses: UnsafeMutablePointer<Float>
  ) {
    for r in 0..<rows {
      let logits = (0..<vocab).map { j in
        terms.reduce(0.0) { sum, term in
          sum
            + zip(row(term.x, r, term.width), row(term.w, j, term.width))
            .reduce(0) { $0 + $1.0 * $1.1 }
        }
      }
      let weight = Double(weights[r])
      losses[r] = Float(weight * (logSumExp(logits) - logits[Int(targets[r])]))
      guard wantsSlopes else { continue }
      let slopes = softmax(logits).enumerated().map { j, p in
        weight / Double(total) * (p - (j == Int(targets[r]) ? 1 : 0))
      }
      for term in terms {
        for i in 0..<term.width {
          let x = Double(term.x[r * term.width + i])
          if let dx = term.dx {
            dx[r * term.width + i] = Float(
              slopes.enumerated().reduce(0.0) {
                $0 + $1.element * Double(term.w[$1.offset * term.width + i])
              })
          }
          guard let dw = term.dw else { continue }
          for j in 0..<vocab { dw[j * term.width + i] += Float(slopes[j] * x) }
        }
      }
    }
  }

  // MARK: Sums and updates

  func add(_ count: Int, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    for i in 0..<count { y[i] += x[i] }
  }

  func adamW(
    _ count: Int, _ step: AdamWStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, first m: UnsafeMutablePointer<Float>,
    second v: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<count {
      let (slope, first, second) = (Double(g[i]), Double(m[i]), Double(v[i]))
      let mean = Double(step.first) * first + Double(step.firstRest) * slope
      let square = Double(step.second) * second + Double(step.secondRest) * slope * slope
      let root = square.squareRoot() / Double(step.rootCorrection) + Double(step.epsilon)
      p[i] = Float(Double(p[i]) * Double(step.shrink) - Double(step.stepSize) * mean / root)
      (m[i], v[i]) = (Float(mean), Float(square))
    }
  }

  func sgd(
    _ count: Int, _ step: SGDStep, _ p: UnsafeMutablePointer<Float>,
    gradient g: UnsafePointer<Float>, buffer: UnsafeMutablePointer<Float>?
  ) {
    for i in 0..<count {
      let slope = Double(g[i]) + Double(step.decay) * Double(p[i])
      var change = slope
      if let buffer {
        let sum = step.isFirst ? slope : Double(step.momentum) * Double(buffer[i]) + slope
        buffer[i] = Float(sum)
        change = step.nesterov ? slope + Double(step.momentum) * sum : sum
      }
      p[i] = Float(Double(p[i]) - Double(step.rate) * change)
    }
  }
}
