import Glibc

extension Duration {
  /// With three or four digits and the unit that fits: `1.50 ms`.
  package var text: String {
    let (whole, attoseconds) = components
    let value = Double(whole) + Double(attoseconds) * 1e-18
    func rounded(_ value: Double, _ digits: Int) -> String {
      let scale = pow(10, Double(digits))
      let scaled = Int((value * scale).rounded())
      let fraction = String(scaled % Int(scale))
      return "\(scaled / Int(scale))."
        + String(repeating: "0", count: digits - fraction.count) + fraction
    }
    if value < 0.001 { return rounded(value * 1e6, 1) + " µs" }
    if value < 0.1 { return rounded(value * 1e3, 2) + " ms" }
    return rounded(value, 2) + " s"
  }
}
