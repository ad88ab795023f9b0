import Glibc
import Kernels
import Testing

@Suite struct ExponentialTests {
  /// About one unit in the last place, over the whole range of normal results.
  @Test func exponentialIsAccurate() {
    var worst = (error: 0.0, at: Float(0))
    func measure(_ x: Float) {
      let expected = exp(Double(x))
      let error = abs(Double(CPU.exponential(x)) - expected) / expected
      if !(error <= worst.error) { worst = (error, x) }
    }
    // A step that is no simple fraction of ln 2, then the neighbourhood of 0, then the edges
    // where the reduction changes its integer.
    for i in 0...1_000_000 { measure(-87 + Float(i) * 175e-6) }
    for i in -126...0 {
      measure(Float(sign: .plus, exponent: i, significand: 1.1))
      measure(Float(sign: .minus, exponent: i, significand: 1.7))
    }
    for n in -125...126 {
      let edge = Float((Double(n) + 0.5) * log(2))
      for x in [edge.nextDown, edge, edge.nextUp] { measure(x) }
    }
    #expect(worst.error <= 1.5e-7, "at \(worst.at)")
  }

  @Test func exponentialAtTheEnds() {
    #expect(CPU.exponential(0) == 1)
    #expect(CPU.exponential(-0.0) == 1)
    for x in [-Float.infinity, -Float.greatestFiniteMagnitude, -1000, -104, -88] {
      #expect(CPU.exponential(x) == 0, "\(x)")
    }
    for x in [Float.infinity, Float.greatestFiniteMagnitude, 1000, 89, 88.73] {
      #expect(CPU.exponential(x) == .infinity, "\(x)")
    }
    #expect(CPU.exponential(.nan).isNaN)
    #expect(CPU.exponential(-Float.nan).isNaN)
    #expect(CPU.exponential(88.72).isFinite)
    #expect(CPU.exponential(.leastNonzeroMagnitude) == 1)
  }

  /// No step backwards that softmax or a search could see, beyond rounding.
  @Test func exponentialGrows() {
    var last: Float = 0
    for i in 0...200_000 {
      let value = CPU.exponential(-88 + Float(i) * 9e-4)
      #expect(value >= last * (1 - 2e-7))
      last = value
    }
  }
}
