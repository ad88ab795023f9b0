// Loops over one row of numbers that the compiler does not turn into vector instructions by itself,
// because they change the order of additions or depend on what a NaN does.

extension CPU {
  @inline(__always)
  private static func load(_ x: UnsafePointer<Float>, _ i: Int) -> SIMD16<Float> {
    UnsafeRawPointer(x + i).loadUnaligned(as: SIMD16<Float>.self)
  }

  /// The sum of the lanes, in halves: `sum()` adds them one after another.
  @inline(__always)
  static func total(_ x: SIMD16<Float>) -> Float {
    let eight = x.lowHalf + x.highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
  }

  /// The largest lane, in halves.
  @inline(__always)
  private static func largest(_ x: SIMD16<Float>) -> Float {
    let eight = x.lowHalf.replacing(with: x.highHalf, where: x.highHalf .> x.lowHalf)
    let four = eight.lowHalf.replacing(with: eight.highHalf, where: eight.highHalf .> eight.lowHalf)
    let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
    return two[1] > two[0] ? two[1] : two[0]
  }

  /// Σ x_i in vectors of 16 running sums.
  @inline(__always)
  static func sum(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    var sums = SIMD16<Float>()
    var i = 0
    while i &+ 16 <= n {
      sums += load(x, i)
      i &+= 16
    }
    var result = total(sums)
    while i < n {
      result += x[i]
      i &+= 1
    }
    return result
  }

  /// Σ x_i y_i.
  @inline(__always)
  static func dot(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ n: Int
  ) -> Float {
    var sums = SIMD16<Float>()
    var i = 0
    while i &+ 16 <= n {
      sums += load(x, i) * load(y, i)
      i &+= 16
    }
    var result = total(sums)
    while i < n {
      result += x[i] * y[i]
      i &+= 1
    }
    return result
  }

  /// The largest of `n` ≥ 1 numbers; a NaN among them may be passed over.
  @inline(__always)
  static func maximum(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    var top = x[0]
    var i = 0
    if n >= 16 {
      var tops = load(x, 0)
      i = 16
      while i &+ 16 <= n {
        let next = load(x, i)
        tops.replace(with: next, where: next .> tops)
        i &+= 16
      }
      top = largest(tops)
    }
    while i < n {
      top = x[i] > top ? x[i] : top
      i &+= 1
    }
    return top
  }
}
