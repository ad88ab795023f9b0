import Glibc
import Testing
import VectorKernels

/// e^x of every set of kernels.
struct ExponentialTests {
  private func exponentials(_ x: [Float], _ name: String) -> [Float] {
    var out = x
    KernelSets[name].exponentials(x.count, x, &out)
    return out
  }

  /// About one unit in the last place, over the whole range of normal results.
  @Test(arguments: KernelSets.names) func exponentialIsAccurate(_ name: String) {
    var places: [Float] = []
    func measure(_ x: Float) { places.append(x) }
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
    var worst = (error: 0.0, at: Float(0))
    for (x, value) in zip(places, exponentials(places, name)) {
      let expected = exp(Double(x))
      let error = abs(Double(value) - expected) / expected
      if !(error <= worst.error) { worst = (error, x) }
    }
    #expect(worst.error <= 1.5e-7, "at \(worst.at)")
  }

  @Test(arguments: KernelSets.names) func exponentialAtTheEnds(_ name: String) {
    func exponential(_ x: Float) -> Float { exponentials([x], name)[0] }
    #expect(exponential(0) == 1)
    #expect(exponential(-0.0) == 1)
    for x in [-Float.infinity, -Float.greatestFiniteMagnitude, -1000, -104, -88] {
      #expect(exponential(x) == 0, "\(x)")
    }
    for x in [Float.infinity, Float.greatestFiniteMagnitude, 1000, 89, 88.73] {
      #expect(exponential(x) == .infinity, "\(x)")
    }
    #expect(exponential(.nan).isNaN)
    #expect(exponential(-Float.nan).isNaN)
    #expect(exponential(88.72).isFinite)
    #expect(exponential(.leastNonzeroMagnitude) == 1)
  }

  /// No step backwards that softmax or a search could see, beyond rounding.
  @Test(arguments: KernelSets.names) func exponentialGrows(_ name: String) {
    let values = exponentials((0...200_000).map { -88 + Float($0) * 9e-4 }, name)
    let steps = zip(values, values.dropFirst())
    #expect(steps.allSatisfy { last, value in value >= last * (1 - 2e-7) })
  }
}
