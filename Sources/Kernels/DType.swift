/// How the numbers of a tensor are stored, under the names of NumPy and PyTorch.
///
/// The engine computes in Float32, and counts in Int32. Numbers of 16 bits are read by products and
/// by look-ups of rows, block by block; the other types are those of files.
public enum DType: String, CaseIterable, Sendable {
  case float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool

  /// Bytes of a number.
  @inlinable
  public var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Whether these are numbers with a fraction.
  public var isFloat: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    case .int64, .int32, .int16, .int8, .uint8, .bool: false
    }
  }
}

/// A number of 16 bits with the exponent of a Float32 and the first 7 of its 23 binary digits.
@frozen
public struct BFloat16: BitwiseCopyable, Sendable {
  /// The first half of the Float32.
  public let bitPattern: UInt16

  /// The number of these bits.
  @inlinable
  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// The nearest number, of two as near the one whose last digit is 0; NaN stays NaN.
  @inlinable
  public init(_ number: Float) {
    let bits = number.bitPattern
    let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
    // What rounds a NaN up could end at infinity or at 0.
    bitPattern = UInt16(truncatingIfNeeded: number.isNaN ? bits >> 16 | 0x40 : rounded)
  }
}

extension Float {
  /// The same number.
  @inlinable
  public init(_ number: BFloat16) { self.init(bitPattern: UInt32(number.bitPattern) << 16) }
}
