import Glibc

// Functions of one and of two numbers.
//
// A case is chosen once for a run of elements; what is done to each is written where it is known,
// so that both are compiled into one loop of vector instructions.

extension CPU {
  /// Neighbouring elements of an operand, and where their results go.
  private struct Elements {
    let x: UnsafePointer<Float>
    let out: UnsafeMutablePointer<Float>
    let count: Int

    /// out[i] = f(x[i]).
    @inline(__always)
    func each(_ f: (Float) -> Float) {
      for i in 0..<count { out[i] = f(x[i]) }
    }
  }

  public func unary(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(count, grain: Self.grain) { range in
      let run = Elements(
        x: x + range.lowerBound, out: out + range.lowerBound, count: range.count)
      switch op {
      case .neg: run.each { -$0 }
      case .exp: kernels.exponentials(run.count, run.x, run.out)
      case .expm1: kernels.exponentials_less_one(run.count, run.x, run.out)
      case .log: kernels.logarithms(run.count, run.x, run.out)
      case .logOrZero: run.each { $0 > 0 ? logf($0) : 0 }
      case .log2: kernels.binary_logarithms(run.count, run.x, run.out)
      case .log10: kernels.decimal_logarithms(run.count, run.x, run.out)
      case .log1p: kernels.logarithms_of_one_more(run.count, run.x, run.out)
      case .sqrt, .norm: kernels.square_roots(run.count, run.x, run.out)
      case .rsqrt: kernels.inverse_roots(run.count, run.x, run.out)
      case .reciprocal: run.each { 1 / $0 }
      case .abs: run.each { Swift.abs($0) }
      case .sign: run.each { $0 > 0 ? 1 : ($0 < 0 ? -1 : 0) }
      case .floor: kernels.floors(run.count, run.x, run.out)
      case .ceil: kernels.ceilings(run.count, run.x, run.out)
      case .round: kernels.roundings(run.count, run.x, run.out)
      case .sin: kernels.sines(run.count, run.x, run.out)
      case .cos: kernels.cosines(run.count, run.x, run.out)
      case .tanh: kernels.tangents(run.count, run.x, run.out)
      case .erf: kernels.error_functions(run.count, run.x, run.out)
      case .sigmoid: kernels.sigmoids(run.count, run.x, run.out)
      case .silu: kernels.sigmoid_linears(run.count, run.x, run.out)
      case .softplus: kernels.soft_pluses(run.count, run.x, run.out)
      case .relu: kernels.relu(run.count, run.x, run.out)
      case .gelu: kernels.gaussian_linears(run.count, run.x, run.out)
      case .square: run.each { $0 * $0 }
      case .clamp(let low, let high): run.each { $0 < low ? low : ($0 > high ? high : $0) }
      }
    }
  }

  /// Neighbouring elements of an operand, its result and the result's gradient, and where the
  /// operand's gradient goes.
  private struct Slopes {
    let x: UnsafePointer<Float>
    let y: UnsafePointer<Float>
    let gradient: UnsafePointer<Float>
    let out: UnsafeMutablePointer<Float>
    let count: Int

    /// out[i] = gradient[i] · slope(x[i], y[i]).
    @inline(__always)
    func each(_ slope: (Float, Float) -> Float) {
      for i in 0..<count { out[i] = gradient[i] * slope(x[i], y[i]) }
    }

    /// out[i] = gradient[i] · slope(f(x[i]), x[i]), where a kernel computes f.
    @inline(__always)
    func each(
      _ f: (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void,
      _ slope: (Float, Float) -> Float = { value, _ in value }
    ) {
      f(count, x, out)
      for i in 0..<count { out[i] = gradient[i] * slope(out[i], x[i]) }
    }
  }

  public func unarySlope(
    _ op: UnaryOp, _ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    gradient g: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(count, grain: Self.grain) { range in
      let first = range.lowerBound
      let run = Slopes(
        x: x + first, y: y + first, gradient: g + first, out: out + first, count: range.count)
      switch op {
      case .neg: run.each { _, _ in -1 }
      case .exp: run.each { _, y in y }
      case .expm1: run.each(kernels.exponentials)
      case .log: run.each { x, _ in 1 / x }
      case .logOrZero: run.each { x, _ in x > 0 ? 1 / x : 0 }
      case .log2: run.each { x, _ in 1.442_695_04 / x }
      case .log10: run.each { x, _ in 0.434_294_48 / x }
      case .log1p: run.each { x, _ in 1 / (1 + x) }
      case .sqrt: run.each { _, y in 0.5 / y }
      case .rsqrt: run.each { x, y in -0.5 * y / x }
      case .reciprocal: run.each { _, y in -y * y }
      case .norm: run.each { _, y in y > 0 ? 0.5 / y : 0 }
      case .abs: run.each { x, _ in x > 0 ? 1 : (x < 0 ? -1 : 0) }
      case .sign, .floor, .ceil, .round: run.out.update(repeating: 0, count: run.count)
      case .sin: run.each(kernels.cosines)
      case .cos: run.each(kernels.sines) { sine, _ in -sine }
      case .tanh: run.each { _, y in 1 - y * y }
      case .erf:
        run.each { count, x, out in
          for i in 0..<count { out[i] = -x[i] * x[i] }
          kernels.exponentials(count, out, out)
        } _: { density, _ in
          1.128_379_17 * density
        }
      case .sigmoid: run.each { _, y in y * (1 - y) }
      case .silu:
        run.each(kernels.sigmoids) { share, x in
          // At the ends x may be infinite.
          share == 0 || share == 1 ? share : share * (1 + x * (1 - share))
        }
      case .softplus: run.each(kernels.sigmoids)
      case .relu: run.each { x, _ in x > 0 ? 1 : 0 }
      case .gelu: run.each(kernels.gaussian_linear_slopes)
      case .square: run.each { x, _ in 2 * x }
      case .clamp(let low, let high): run.each { x, _ in x < low || x > high ? 0 : 1 }
      }
    }
  }

  /// Neighbouring elements of two operands, of which either may repeat its first, and where their
  /// results go.
  private struct Pairs {
    let x: UnsafePointer<Float>
    let y: UnsafePointer<Float>
    let repeatsX: Bool
    let repeatsY: Bool
    let out: UnsafeMutablePointer<Float>
    let count: Int

    /// out[i] = f(x[i], y[i]).
    @inline(__always)
    func each(_ f: (Float, Float) -> Float) {
      switch (repeatsX, repeatsY) {
      case (false, false): for i in 0..<count { out[i] = f(x[i], y[i]) }
      case (false, true):
        let scalar = y[0]
        for i in 0..<count { out[i] = f(x[i], scalar) }
      case (true, false):
        let scalar = x[0]
        for i in 0..<count { out[i] = f(scalar, y[i]) }
      case (true, true):
        let value = f(x[0], y[0])
        for i in 0..<count { out[i] = value }
      }
    }

    func run(_ op: BinaryOp) {
      switch op {
      case .add: each { $0 + $1 }
      case .sub: each { $0 - $1 }
      case .mul: each { $0 * $1 }
      case .div: each { $0 / $1 }
      case .pow where repeatsY && y[0] == 2: each { x, _ in x * x }
      case .pow: each { powf($0, $1) }
      case .powSlope where repeatsY && y[0] == 2: each { x, _ in 2 * x }
      case .powSlope: each { x, p in p == 0 ? 0 : p * powf(x, p - 1) }
      case .remainder: kernels.remainders(count, x, repeatsX, y, repeatsY, out)
      case .floorDivide: kernels.floor_quotients(count, x, repeatsX, y, repeatsY, out)
      case .maximum: each { $0 > $1 || $0 != $0 ? $0 : $1 }
      case .minimum: each { $0 < $1 || $0 != $0 ? $0 : $1 }
      case .maximumShare: each { a, b in a > b ? 1 : (a == b ? 0.5 : 0) }
      case .addScaled(let scale): each { $0 + scale * $1 }
      case .compare(.equal): each { $0 == $1 ? 1 : 0 }
      case .compare(.notEqual): each { $0 != $1 ? 1 : 0 }
      case .compare(.less): each { $0 < $1 ? 1 : 0 }
      case .compare(.lessOrEqual): each { $0 <= $1 ? 1 : 0 }
      case .compare(.greater): each { $0 > $1 ? 1 : 0 }
      case .compare(.greaterOrEqual): each { $0 >= $1 ? 1 : 0 }
      }
    }
  }

  public func binary(
    _ op: BinaryOp, _ shape: [Int], _ x: UnsafePointer<Float>, _ xShape: [Int],
    _ y: UnsafePointer<Float>, _ yShape: [Int], to out: UnsafeMutablePointer<Float>
  ) {
    let n = shape.reduce(1, *)
    if n == 0 { return }
    let (xCount, yCount) = (xShape.reduce(1, *), yShape.reduce(1, *))
    let (repeatsX, repeatsY) = (xCount == 1, yCount == 1)
    guard (xCount == n || repeatsX) && (yCount == n || repeatsY) else {
      return Self.binaryRows(op, shape, x, xShape, y, yShape, out)
    }
    Parallel.ranges(n, grain: Self.grain) { range in
      let first = range.lowerBound
      Pairs(
        x: repeatsX ? x : x + first, y: repeatsY ? y : y + first, repeatsX: repeatsX,
        repeatsY: repeatsY, out: out + first, count: range.count
      ).run(op)
    }
  }

  /// The general case: rows of the last dimension, in which each operand runs along or repeats.
  private static func binaryRows(
    _ op: BinaryOp, _ shape: [Int], _ x: UnsafePointer<Float>, _ xShape: [Int],
    _ y: UnsafePointer<Float>, _ yShape: [Int], _ out: UnsafeMutablePointer<Float>
  ) {
    let rank = shape.count
    let inner = shape[rank - 1]
    let rows = shape.dropLast().reduce(1, *)
    let xStrides = broadcastStrides(xShape, to: shape)
    let yStrides = broadcastStrides(yShape, to: shape)
    let (repeatsX, repeatsY) = (xStrides[rank - 1] == 0, yStrides[rank - 1] == 0)
    Parallel.ranges(rows, grain: max(1, grain / max(inner, 1))) { range in
      for row in range {
        var (rest, xBase, yBase) = (row, 0, 0)
        for d in stride(from: rank - 2, through: 0, by: -1) {
          let i = rest % shape[d]
          rest /= shape[d]
          xBase += i * xStrides[d]
          yBase += i * yStrides[d]
        }
        Pairs(
          x: x + xBase, y: y + yBase, repeatsX: repeatsX, repeatsY: repeatsY,
          out: out + row * inner, count: inner
        ).run(op)
      }
    }
  }

  /// Strides with which a contiguous array of `shape` is read as `target`; 0 where it repeats.
  private static func broadcastStrides(_ shape: [Int], to target: [Int]) -> [Int] {
    let own = Layout.rowMajorStrides(shape)
    let lead = target.count - shape.count
    return target.indices.map { d in
      d < lead || shape[d - lead] == 1 ? 0 : own[d - lead]
    }
  }

  public func choose(
    _ count: Int, where mask: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ y: UnsafePointer<Float>, to out: UnsafeMutablePointer<Float>
  ) {
    Parallel.ranges(count, grain: Self.grain) { range in
      for i in range { out[i] = mask[i] != 0 ? x[i] : y[i] }
    }
  }
}
