import Glibc

/// How the numbers of one tensor are written, so that they can be compared: all as integers, with a
/// fixed number of decimals, such as parts of a common power of ten, or each with its own.
struct NumberFormat {
  private enum Style {
    /// With decimals; what they would show as zero, and is not, has a power of ten of its own.
    case fixed
    /// As parts of this power of ten.
    case scaled(Int)
    /// Each with its own power of ten.
    case scientific
  }

  private let style: Style
  private let digits: Int
  private let hidesSmall: Bool

  /// A format for all numbers of a tensor, of which some are shown: a scale must leave something of
  /// each of these.
  init(
    _ numbers: (_ body: (Float) -> Void) -> Void, shown: [Float], _ options: PrintOptions
  ) {
    // The scale is that of all elements, also of those left out.
    var (top, isWhole) = (Float(0), true)
    numbers { number in
      let size = abs(number)
      guard size.isFinite else { return }
      top = max(top, size)
      isWhole = isWhole && size == size.rounded()
    }
    hidesSmall = options.scientific == false
    guard options.scientific != true else {
      (style, digits) = (.scientific, options.precision)
      return
    }
    guard !isWhole || top >= 1e6 else {
      (style, digits) = (.fixed, 0)
      return
    }
    digits = options.precision
    guard top > 0, top >= 1e5 || top < 1e-3 else {
      style = .fixed
      return
    }
    let exponent = Int(floor(log10(Double(top))))
    let scale = pow(10, Double(exponent))
    let isLost = shown.contains { NumberFormat.vanishes(Double($0) / scale, options.precision) }
    style = isLost && !hidesSmall ? .scientific : .scaled(exponent)
  }

  /// What the heading says about all numbers: ` × 1e8`.
  var heading: String { if case .scaled(let exponent) = style { " × 1e\(exponent)" } else { "" } }

  /// A number as text.
  func text(_ number: Float) -> String {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number > 0 ? "inf" : "-inf" }
    let value = Double(number)
    switch style {
    case .fixed where !hidesSmall && NumberFormat.vanishes(value, digits):
      return NumberFormat.scientific(value, 0)
    case .fixed: return NumberFormat.fixed(value, digits)
    case .scaled(let exponent): return NumberFormat.fixed(value / pow(10, Double(exponent)), digits)
    case .scientific: return NumberFormat.scientific(value, digits)
    }
  }

  /// Whether a number that is not zero would be written as zero.
  private static func vanishes(_ value: Double, _ digits: Int) -> Bool {
    value != 0 && value.isFinite && (abs(value) * pow(10, Double(digits))).rounded() == 0
  }

  /// A number with a fixed number of decimals.
  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = pow(10, Double(digits))
    let whole = Int((abs(value) * scale).rounded())
    let sign = value < 0 && whole != 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let fraction = String(whole % Int(scale))
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(sign)\(whole / Int(scale)).\(zeros)\(fraction)"
  }

  /// A number as printf's `%e` writes it: `1.2346e+05`.
  private static func scientific(_ value: Double, _ digits: Int) -> String {
    var exponent = value == 0 ? 0 : Int(floor(log10(abs(value))))
    let scale = pow(10, Double(digits))
    let mantissa = abs(value) / pow(10, Double(exponent))
    // 9.99996 is 10.0000 with four decimals, and so 1.0000 of the next power.
    if (mantissa * scale).rounded() >= 10 * scale { exponent += 1 }
    let power = String(abs(exponent))
    return fixed(value / pow(10, Double(exponent)), digits) + (exponent < 0 ? "e-" : "e+")
      + (power.count < 2 ? "0" : "") + power
  }
}
