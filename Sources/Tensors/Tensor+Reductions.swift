import Glibc

// Sums, means, extremes. Without a dimension they reduce everything to a 0-dimensional tensor;
// along a dimension it disappears, or stays with size 1 under `keepDim`.

/// A tensor seen as [outer, size, inner] around one dimension.
private struct Reduction {
  let outer: Int
  let size: Int
  let inner: Int
  let shape: [Int]

  init(_ tensor: Tensor, _ d: Int, keepDim: Bool, _ operation: String) throws {
    let d = try tensor.layout.dimension(d, operation)
    let full = tensor.shape
    outer = full[..<d].reduce(1, *)
    size = full[d]
    inner = full[(d + 1)...].reduce(1, *)
    var reduced = full
    if keepDim { reduced[d] = 1 } else { reduced.remove(at: d) }
    shape = reduced
  }

  func needElements(_ operation: String) throws {
    guard size > 0 else { throw EngineError(operation, "the dimension is empty") }
  }
}

extension Tensor {
  /// Sum of `n` floats in vectors of 16 running sums.
  @inline(__always)
  static func sum(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    var total = SIMD16<Float>()
    var i = 0
    while i &+ 16 <= n {
      total += UnsafeRawPointer(x + i).loadUnaligned(as: SIMD16<Float>.self)
      i &+= 16
    }
    var result = Kernels.total(total)
    while i < n {
      result += x[i]
      i &+= 1
    }
    return result
  }

  /// Sum over everything; blocks of 4096 in Float32, their sums in Float64.
  public func sum() throws -> Tensor {
    let source = try contiguous()
    let total = withExtendedLifetime(source) {
      var total = 0.0
      let n = source.count
      for start in stride(from: 0, to: n, by: 4096) {
        if start & 0xFFFFF == 0, Interruption.stopsHere { break }
        total += Double(Tensor.sum(source.pointer + start, Swift.min(4096, n - start)))
      }
      return total
    }
    let shape = shape
    return Tensor(Float(total)).recorded("sum", from: [self]) { [try $0.expand(shape)] }
  }

  /// Sum along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sum(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    let r = try Reduction(self, d, keepDim: keepDim, "sum")
    let source = try contiguous()
    let result = try Tensor(full: r.shape, 0)
    let (x, out) = (source.pointer, result.pointer)
    withExtendedLifetime(source) {
      Parallel.ranges(r.outer, grain: Swift.max(1, Kernels.grain / Swift.max(r.size * r.inner, 1)))
      { range in
        for o in range {
          if r.inner == 1 {
            out[o] = Tensor.sum(x + o * r.size, r.size)
          } else {
            let to = out + o * r.inner
            for k in 0..<r.size {
              let from = x + (o * r.size + k) * r.inner
              for i in 0..<r.inner { to[i] += from[i] }
            }
          }
        }
      }
    }
    return result.recorded("sum", from: [self]) { [try self.spread($0, d)] }
  }

  /// A reduced gradient repeated along dimension `d` of this tensor's shape.
  private func spread(_ g: Tensor, _ d: Int) throws -> Tensor {
    var kept = shape
    kept[try layout.dimension(d, "sum")] = 1
    return try g.reshape(kept).expand(shape)
  }

  /// Mean over everything.
  public func mean() throws -> Tensor {
    try sum().mul(Tensor(1 / Float(count)))
  }

  /// Mean along dimension `d`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func mean(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    let size = shape[try layout.dimension(d, "mean")]
    return try sum(d, keepDim: keepDim).mul(Tensor(1 / Float(size)))
  }

  /// Variance over everything, divided by n − `correction`.
  public func variance(correction: Float = 1) throws -> Tensor {
    let centered = try sub(mean())
    return try centered.square().sum().div(Tensor(Float(count) - correction))
  }

  /// Variance along dimension `d`, divided by n − `correction`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func variance(_ d: Int, keepDim: Bool = false, correction: Float = 1) throws -> Tensor {
    let size = Float(shape[try layout.dimension(d, "var")])
    let centered = try sub(mean(d, keepDim: true))
    return try centered.square().sum(d, keepDim: keepDim).div(Tensor(size - correction))
  }

  /// Square root of the sum of squares of everything; the gradient at 0 is 0.
  public func norm() throws -> Tensor { try square().sum().rootWithZeroSlope() }

  /// Square root of the sum of squares along dimension `d`; the gradient at 0 is 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func norm(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    let d = try layout.dimension(d, "norm")
    return try square().sum(d, keepDim: keepDim).rootWithZeroSlope()
  }

  private func rootWithZeroSlope() throws -> Tensor {
    let result = try Kernels.map(self) { $0.each { $0.squareRoot() } }
    let value = result.detach()
    return result.recorded("norm", from: [self]) { g in
      [try g.mul(Kernels.map(value) { $0.each { $0 > 0 ? 0.5 / $0 : 0 } })]
    }
  }

  /// Index of the largest element along `d`, the first of equals; NaN counts as the largest.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func argmax(_ d: Int, keepDim: Bool = false) throws -> IntTensor {
    try extreme(d, keepDim: keepDim, "argmax") { $0 > $1 }
  }

  /// Index of the smallest element along `d`, the first of equals; NaN counts as the smallest.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func argmin(_ d: Int, keepDim: Bool = false) throws -> IntTensor {
    try extreme(d, keepDim: keepDim, "argmin") { $0 < $1 }
  }

  /// Index of the largest of all elements in row-major order.
  /// - Throws: `EngineError` if there are none.
  public func argmax() throws -> IntTensor { try reshape([-1]).argmax(0) }

  /// Index of the smallest of all elements in row-major order.
  /// - Throws: `EngineError` if there are none.
  public func argmin() throws -> IntTensor { try reshape([-1]).argmin(0) }

  @inline(__always)
  private func extreme(
    _ d: Int, keepDim: Bool, _ operation: String, _ beats: @escaping (Float, Float) -> Bool
  ) throws -> IntTensor {
    let r = try Reduction(self, d, keepDim: keepDim, operation)
    try r.needElements(operation)
    let source = try detach().contiguous()
    let result = try IntTensor(shape: r.shape)
    let (x, out) = (source.pointer, result.pointer)
    withExtendedLifetime(source) {
      Parallel.ranges(r.outer, grain: Swift.max(1, Kernels.grain / Swift.max(r.size * r.inner, 1)))
      { range in
        for o in range {
          for i in 0..<r.inner {
            let from = x + o * r.size * r.inner + i
            var best = from[0]
            var place = 0
            for k in 1..<Swift.max(r.size, 1) {
              let value = from[k &* r.inner]
              if beats(value, best) || (value != value && best == best) {
                best = value
                place = k
              }
            }
            out[o * r.inner + i] = Int32(truncatingIfNeeded: place)
          }
        }
      }
    }
    return result
  }

  /// Largest element along `d`; the gradient goes to the first of equals.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func max(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    try picked(extreme(d, keepDim: true, "max") { $0 > $1 }, d, keepDim)
  }

  /// Smallest element along `d`; the gradient goes to the first of equals.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func min(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    try picked(extreme(d, keepDim: true, "min") { $0 < $1 }, d, keepDim)
  }

  /// Largest of all elements.
  /// - Throws: `EngineError` if there are none.
  public func max() throws -> Tensor { try reshape([-1]).max(0) }

  /// Smallest of all elements.
  /// - Throws: `EngineError` if there are none.
  public func min() throws -> Tensor { try reshape([-1]).min(0) }

  private func picked(_ places: IntTensor, _ d: Int, _ keepDim: Bool) throws -> Tensor {
    let values = try gather(d, places)
    if keepDim { return values }
    var shape = shape
    shape.remove(at: try layout.dimension(d, "max"))
    return try values.reshape(shape)
  }
}
