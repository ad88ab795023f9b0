// Numbers of 16 bits to Float32 and back, in loops that become the processor's conversions.

extension CPU {
  /// Widens `count` numbers that lie side by side, on the calling thread.
  @inline(__always)
  static func widen(
    _ count: Int, _ source: UnsafeRawPointer, _ dtype: DType, to out: UnsafeMutablePointer<Float>
  ) {
    switch dtype {
    case .float16:
      let x = source.assumingMemoryBound(to: Float16.self)
      for i in 0..<count { out[i] = Float(x[i]) }
    case .bfloat16:
      let x = source.assumingMemoryBound(to: BFloat16.self)
      for i in 0..<count { out[i] = Float(x[i]) }
    default:
      precondition(dtype == .float32, "no number type to compute with")
      out.update(from: source.assumingMemoryBound(to: Float.self), count: count)
    }
  }

  public func widen(
    _ source: UnsafeRawPointer, _ dtype: DType, _ from: Layout,
    to out: UnsafeMutablePointer<Float>
  ) {
    guard dtype != .float32 else {
      copy(
        source.assumingMemoryBound(to: Float.self), from, to: out, Layout(shape: from.shape))
      return
    }
    Parallel.ranges(from.count, grain: Self.grain) { range in
      if from.isContiguous {
        let first = source + (from.offset + range.lowerBound) * dtype.size
        Self.widen(range.count, first, dtype, to: out + range.lowerBound)
      } else if dtype == .float16 {
        let x = source.assumingMemoryBound(to: Float16.self)
        from.forEachPosition(in: range) { out[$0] = Float(x[$1]) }
      } else {
        let x = source.assumingMemoryBound(to: BFloat16.self)
        from.forEachPosition(in: range) { out[$0] = Float(x[$1]) }
      }
    }
  }

  public func narrow(
    _ count: Int, _ x: UnsafePointer<Float>, to target: UnsafeMutableRawPointer, _ dtype: DType
  ) {
    Parallel.ranges(count, grain: Self.grain) { range in
      switch dtype {
      case .float16:
        let out = target.assumingMemoryBound(to: Float16.self)
        for i in range { out[i] = Float16(x[i]) }
      case .bfloat16:
        let out = target.assumingMemoryBound(to: BFloat16.self)
        for i in range { out[i] = BFloat16(x[i]) }
      default:
        precondition(dtype == .float32, "no number type to compute with")
        let out = target.assumingMemoryBound(to: Float.self)
        (out + range.lowerBound).update(from: x + range.lowerBound, count: range.count)
      }
    }
  }
}
