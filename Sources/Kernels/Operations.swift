// The operations that backends know by name. They are cases rather than functions, so that they can
// be sent to a device, or over the border of a library.

/// A function of one number.
public enum UnaryOp: Equatable, Sendable {
  /// −x.
  case neg
  /// e^x.
  case exp
  /// Natural logarithm.
  case log
  /// e^x − 1, exact where x is small.
  case expm1
  /// Natural logarithm, 0 where x is not positive: the slope of a power by its exponent.
  case logOrZero
  /// Logarithm to the base 2.
  case log2
  /// Logarithm to the base 10.
  case log10
  /// log(1 + x), exact where x is small.
  case log1p
  /// Square root.
  case sqrt
  /// Square root with the slope 0 at 0: what a norm is made of.
  case norm
  /// 1 / √x.
  case rsqrt
  /// 1 / x.
  case reciprocal
  /// |x|, with the slope 0 at 0.
  case abs
  /// 1 above 0, −1 below, 0 at 0 and of NaN; with the slope 0.
  case sign
  /// The largest integer that is not above x, with the slope 0.
  case floor
  /// The smallest integer that is not below x, with the slope 0.
  case ceil
  /// The integer nearest to x, of two as near the even one; with the slope 0.
  case round
  /// Sine.
  case sin
  /// Cosine.
  case cos
  /// Hyperbolic tangent.
  case tanh
  /// The error function, 2/√π · ∫ e^−t² dt from 0 to x.
  case erf
  /// 1 / (1 + e^−x).
  case sigmoid
  /// x / (1 + e^−x), 0 at −∞.
  case silu
  /// log(1 + e^x).
  case softplus
  /// max(x, 0), with the slope 0 at 0; NaN stays.
  case relu
  /// x·Φ(x), Φ the standard normal distribution function; 0 at −∞.
  case gelu
  /// x².
  case square
  /// x limited to [low, high]; the slope is 1 inside and at both ends.
  case clamp(low: Float, high: Float)
}

/// A function of two numbers.
public enum BinaryOp: Equatable, Sendable {
  /// x + y.
  case add
  /// x − y.
  case sub
  /// x · y.
  case mul
  /// x / y.
  case div
  /// x ^ y.
  case pow
  /// y · x^(y − 1), 0 where y is 0: the slope of a power by its base.
  case powSlope
  /// x − y·⌊x / y⌋ without rounding on the way, which has the sign of y; NaN if y is 0.
  case remainder
  /// ⌊x / y⌋, so that it goes with the remainder; what x / y is where y is 0.
  case floorDivide
  /// The larger of both; NaN if one is.
  case maximum
  /// The smaller of both; NaN if one is.
  case minimum
  /// 1 where x is larger, ½ where both are equal, else 0: the slope of `maximum` by x.
  case maximumShare
  /// x + scale · y.
  case addScaled(scale: Float)
  /// 1 where the comparison holds, else 0.
  case compare(Comparison)
}

/// How two numbers are compared.
public enum Comparison: Equatable, Sendable {
  case equal
  case notEqual
  case less
  case lessOrEqual
  case greater
  case greaterOrEqual

  /// Whether it holds of two numbers.
  @inlinable
  public func holds<Number: Comparable>(_ x: Number, _ y: Number) -> Bool {
    switch self {
    case .equal: x == y
    case .notEqual: x != y
    case .less: x < y
    case .lessOrEqual: x <= y
    case .greater: x > y
    case .greaterOrEqual: x >= y
    }
  }
}

/// What becomes of the numbers along a dimension.
public enum ReduceOp: Equatable, Sendable {
  /// Their sum.
  case sum
}

/// Which of the numbers along a dimension is meant: the first of equals, and NaN before all others.
public enum PlaceOp: Equatable, Sendable {
  /// The largest.
  case largest
  /// The smallest.
  case smallest
}
