import Glibc

/// Loops over memory: every unsafe pointer of the engine is used in this folder and in the
/// hand-written operations beside it, on shapes that were checked before.
///
/// Memory: inputs are strided views, outputs are fresh and contiguous unless the name says `into`
/// or `InPlace`. Outputs never alias inputs. Threading: ranges of fixed size run in parallel
/// (``Parallel``), so results do not depend on the number of threads.
package enum Kernels {
  /// Elements per parallel range of an elementwise loop.
  static let grain = 1 << 15

  /// Copies the elements of `source` in row-major order to the contiguous `target`.
  static func copy(_ source: Tensor, to target: Tensor) {
    let out = target.pointer
    if source.layout.isContiguous {
      let from = source.pointer
      Parallel.ranges(target.count, grain: grain) { range in
        (out + range.lowerBound).update(from: from + range.lowerBound, count: range.count)
      }
      return
    }
    if let (rows, columns, rowStride, columnStride) = source.layout.asMatrix {
      transposeCopy(
        source.pointer, rows: rows, columns: columns, rowStride: rowStride,
        columnStride: columnStride, to: out)
      return
    }
    let (base, layout) = (source.storage.pointer, source.layout)
    Parallel.ranges(target.count, grain: grain) { range in
      layout.forEachPosition(in: range) { out[$0] = base[$1] }
    }
  }

  /// Copies a strided matrix in tiles, so that reads and writes both stay in cache.
  static func transposeCopy(
    _ source: UnsafeMutablePointer<Float>, rows: Int, columns: Int, rowStride: Int,
    columnStride: Int, to out: UnsafeMutablePointer<Float>
  ) {
    let tile = 32
    Parallel.ranges(rows, grain: max(tile, grain / max(columns, 1) / tile * tile)) { range in
      for r0 in stride(from: range.lowerBound, to: range.upperBound, by: tile) {
        let r1 = min(r0 + tile, range.upperBound)
        for c0 in stride(from: 0, to: columns, by: tile) {
          let c1 = min(c0 + tile, columns)
          for r in r0..<r1 {
            for c in c0..<c1 {
              out[r &* columns &+ c] = source[r &* rowStride &+ c &* columnStride]
            }
          }
        }
      }
    }
  }

  // Elementwise operations are given as loops over a run of elements, `{ $0.each { $0 + $1 } }`,
  // written where the function of one element is known: both are then compiled into one loop of
  // vector instructions. A function of one element that went through the parallel loop by itself
  // would be called for each element, at some ten times the cost.

  /// Neighbouring elements of an operand, and where their results go.
  struct Elements {
    let x: UnsafeMutablePointer<Float>
    let out: UnsafeMutablePointer<Float>
    let count: Int

    /// out[i] = f(x[i]).
    @inline(__always)
    func each(_ f: (Float) -> Float) {
      for i in 0..<count { out[i] = f(x[i]) }
    }
  }

  /// Neighbouring elements of two operands, of which either may repeat its first, and where their
  /// results go.
  struct Pairs {
    let x: UnsafeMutablePointer<Float>
    let y: UnsafeMutablePointer<Float>
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
  }

  /// Neighbouring elements of an operand, its result and the result's gradient, and where the
  /// operand's gradient goes.
  struct Slopes {
    let x: UnsafeMutablePointer<Float>
    let y: UnsafeMutablePointer<Float>
    let gradient: UnsafeMutablePointer<Float>
    let out: UnsafeMutablePointer<Float>
    let count: Int

    /// out[i] = gradient[i] · slope(x[i], y[i]).
    @inline(__always)
    func each(_ slope: (Float, Float) -> Float) {
      for i in 0..<count { out[i] = gradient[i] * slope(x[i], y[i]) }
    }
  }

  /// A tensor of x's shape, filled by `loop` over runs of it.
  static func map(_ x: Tensor, _ loop: (Elements) -> Void) throws -> Tensor {
    let source = x.layout.isContiguous ? x : try x.clone()
    let result = try Tensor(uninitialized: x.shape)
    let (from, out) = (source.pointer, result.pointer)
    withExtendedLifetime(source) {
      Parallel.ranges(result.count, grain: grain) { range in
        let first = range.lowerBound
        loop(Elements(x: from + first, out: out + first, count: range.count))
      }
    }
    return result
  }

  /// The gradient of an operand `x` of y = f(x) from the gradient `g` of y, all of one shape,
  /// filled by `loop` over runs of it.
  static func gradient(
    _ g: Tensor, _ x: Tensor, _ y: Tensor, _ loop: (Slopes) -> Void
  ) throws -> Tensor {
    let inputs = try [g, x, y].map { $0.layout.isContiguous ? $0 : try $0.clone() }
    let result = try Tensor(uninitialized: x.shape)
    let (from, operand, value) = (inputs[0].pointer, inputs[1].pointer, inputs[2].pointer)
    let out = result.pointer
    withExtendedLifetime(inputs) {
      Parallel.ranges(result.count, grain: grain) { range in
        let first = range.lowerBound
        loop(
          Slopes(
            x: operand + first, y: value + first, gradient: from + first, out: out + first,
            count: range.count))
      }
    }
    return result
  }

  /// A tensor of `shape`, to which both operands broadcast, filled by `loop` over runs of it.
  static func zip(_ a: Tensor, _ b: Tensor, shape: [Int], _ loop: (Pairs) -> Void) throws -> Tensor
  {
    let result = try Tensor(uninitialized: shape)
    let out = result.pointer
    let n = result.count
    if n == 0 { return result }
    // Small operands (rows, scalars) repeat; make every operand contiguous in itself.
    let left = a.layout.isContiguous ? a : try a.clone()
    let right = b.layout.isContiguous ? b : try b.clone()
    let (x, y) = (left.pointer, right.pointer)
    let (repeatsX, repeatsY) = (left.count == 1, right.count == 1)
    withExtendedLifetime((left, right)) {
      if (left.count == n || repeatsX) && (right.count == n || repeatsY) {
        Parallel.ranges(n, grain: grain) { range in
          let first = range.lowerBound
          loop(
            Pairs(
              x: repeatsX ? x : x + first, y: repeatsY ? y : y + first, repeatsX: repeatsX,
              repeatsY: repeatsY, out: out + first, count: range.count))
        }
      } else {
        zipBroadcast(left, right, shape, out, loop)
      }
    }
    return result
  }

  /// The general case: rows of the last dimension, in which each operand runs along or repeats.
  private static func zipBroadcast(
    _ a: Tensor, _ b: Tensor, _ shape: [Int], _ out: UnsafeMutablePointer<Float>,
    _ loop: (Pairs) -> Void
  ) {
    let rank = shape.count
    let inner = shape[rank - 1]
    let rows = shape.dropLast().reduce(1, *)
    let aStrides = broadcastStrides(a.shape, to: shape)
    let bStrides = broadcastStrides(b.shape, to: shape)
    let (x, y) = (a.pointer, b.pointer)
    let (repeatsX, repeatsY) = (aStrides[rank - 1] == 0, bStrides[rank - 1] == 0)
    Parallel.ranges(rows, grain: max(1, grain / max(inner, 1))) { range in
      for row in range {
        var (rest, aBase, bBase) = (row, 0, 0)
        for d in stride(from: rank - 2, through: 0, by: -1) {
          let i = rest % shape[d]
          rest /= shape[d]
          aBase += i * aStrides[d]
          bBase += i * bStrides[d]
        }
        loop(
          Pairs(
            x: x + aBase, y: y + bBase, repeatsX: repeatsX, repeatsY: repeatsY,
            out: out + row * inner, count: inner))
      }
    }
  }

  /// Strides with which a contiguous tensor of `shape` is read as `target`; 0 where it repeats.
  private static func broadcastStrides(_ shape: [Int], to target: [Int]) -> [Int] {
    let own = Layout.rowMajorStrides(shape)
    let lead = target.count - shape.count
    return target.indices.map { d in
      d < lead || shape[d - lead] == 1 ? 0 : own[d - lead]
    }
  }

  /// e^x to about one unit in the last place, written so that the compiler turns loops over it
  /// into vector instructions.
  ///
  /// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by the polynomial of degree 6 with the
  /// smallest relative error on that interval (4e-9), then n into the exponent.
  /// Adding and subtracting 1.5·2²³ rounds to the nearest integer, whose bits are then in the
  /// sum's low bits. Below −87.3, where results leave the normal range, it is 0; above 88.7 infinity.
  @inline(__always)
  package static func exponential(_ x: Float) -> Float {
    let magic: Float = 0x1.8p23
    let clamped = x < -87.5 ? -87.5 : (x > 88.8 ? 88.8 : x)
    let shifted = clamped * 1.442_695_04 + magic
    let n = shifted - magic
    let r = (clamped - n * 0.693_359_375) - n * -2.121_944_4e-4
    var p: Float = 1.381_454e-3
    p = p * r + 8.368_745e-3
    p = p * r + 4.166_839e-2
    p = p * r + 1.666_652_1e-1
    p = p * r + 0.499_999_94
    p = p * r + 1
    p = p * r + 1
    // Two factors of 2^(n/2) each keep the exponent of a factor within range at both ends.
    let bits = Int32(bitPattern: shifted.bitPattern) &- Int32(bitPattern: magic.bitPattern)
    let half = bits >> 1
    let low = Float(bitPattern: UInt32(bitPattern: (half &+ 127) << 23))
    let high = Float(bitPattern: UInt32(bitPattern: (bits &- half &+ 127) << 23))
    let value = p * low * high
    return x < -87.336_54 ? 0 : (x == x ? value : x)
  }
}

extension Layout {
  /// This layout as one strided matrix (rows, columns, row stride, column stride), if it is a
  /// transposed matrix or a matrix with padding between rows.
  var asMatrix: (rows: Int, columns: Int, rowStride: Int, columnStride: Int)? {
    guard rank == 2, count > 0 else { return nil }
    return (shape[0], shape[1], strides[0], strides[1])
  }
}
