import Glibc
import Testing
import VectorKernels

/// Functions of one number in every set of kernels, against Float64 over their whole range.
struct FunctionTests {
  typealias Kernel =
    @convention(c) (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void

  struct Function: Sendable, CustomTestStringConvertible {
    let name: String
    let kernel: @Sendable (vector_kernels) -> Kernel
    let reference: @Sendable (Double) -> Double
    /// Where it is looked at closely; elsewhere numbers of all sizes are tried.
    let range: ClosedRange<Float>
    /// The largest error, in units of the last place of normal results.
    let ulps: Double
    var testDescription: String { name }
  }

  static let functions: [Function] = [
    Function(
      name: "e^x", kernel: \.exponentials, reference: { exp($0) }, range: -87...89, ulps: 1.25),
    Function(
      name: "e^x - 1", kernel: \.exponentials_less_one, reference: { expm1($0) },
      range: -20...89, ulps: 2),
    Function(name: "log", kernel: \.logarithms, reference: { log($0) }, range: 0...3, ulps: 1),
    Function(
      name: "log2", kernel: \.binary_logarithms, reference: { log2($0) }, range: 0...3, ulps: 2),
    Function(
      name: "log10", kernel: \.decimal_logarithms, reference: { log10($0) }, range: 0...3, ulps: 2),
    Function(
      name: "log(1 + x)", kernel: \.logarithms_of_one_more, reference: { log1p($0) },
      range: -1...3, ulps: 2),
    Function(
      name: "sqrt", kernel: \.square_roots, reference: { $0.squareRoot() }, range: 0...9,
      ulps: 0.5),
    Function(
      name: "1/sqrt", kernel: \.inverse_roots, reference: { 1 / $0.squareRoot() }, range: 0...9,
      ulps: 1.5),
    Function(name: "floor", kernel: \.floors, reference: { floor($0) }, range: -9...9, ulps: 0),
    Function(name: "ceil", kernel: \.ceilings, reference: { ceil($0) }, range: -9...9, ulps: 0),
    Function(
      name: "round", kernel: \.roundings, reference: { $0.rounded(.toNearestOrEven) },
      range: -9...9, ulps: 0),
    Function(name: "sin", kernel: \.sines, reference: { sin($0) }, range: -100...100, ulps: 2),
    Function(
      name: "cos", kernel: \.cosines, reference: { cos($0) }, range: -100...100,
      ulps: 7),  // "portable", near a zero of many turns; the others 2.
    Function(name: "tanh", kernel: \.tangents, reference: { tanh($0) }, range: -10...10, ulps: 3),
    Function(
      name: "erf", kernel: \.error_functions, reference: { erf($0) }, range: -5...5, ulps: 2),
    Function(
      name: "sigmoid", kernel: \.sigmoids, reference: { 1 / (1 + exp(-$0)) }, range: -80...20,
      ulps: 3),
    Function(
      name: "softplus", kernel: \.soft_pluses,
      reference: { max($0, 0) + log1p(exp(-abs($0))) }, range: -80...20, ulps: 2),
    Function(
      name: "silu", kernel: \.sigmoid_linears,
      reference: { $0 == -.infinity ? 0 : $0 / (1 + exp(-$0)) }, range: -80...20, ulps: 3),
    Function(
      name: "gelu", kernel: \.gaussian_linears,
      reference: { $0 == -.infinity ? 0 : $0 * 0.5 * erfc(-$0 * 0.5.squareRoot()) },
      range: -13...13, ulps: 9),
    Function(
      name: "slope of gelu", kernel: \.gaussian_linear_slopes,
      reference: {
        let density = exp(-0.5 * $0 * $0) / (2 * Double.pi).squareRoot()
        return 0.5 * erfc(-$0 * 0.5.squareRoot()) + (abs($0) < 40 ? $0 * density : 0)
      }, range: -0.4...13, ulps: 8),
  ]

  /// A million numbers of the range, then a million of all sizes and signs, infinities among them.
  private func places(_ range: ClosedRange<Float>) -> [Float] {
    let step = (range.upperBound - range.lowerBound) / 1_000_000
    let near = (0...1_000_000).map { range.lowerBound + Float($0) * step }
    let all = (0..<UInt32(1_000_000)).map { Float(bitPattern: $0 &* 4_294_967) }
    return near + all.filter { !$0.isNaN } + [-.infinity, .infinity, -0.0, 0, 1e30, -1e30]
  }

  /// Close wherever results are normal numbers; infinite where they are; small where they leave
  /// the normal range.
  @Test(arguments: KernelSets.names, functions)
  func isAccurate(_ set: String, _ function: Function) {
    let x = places(function.range)
    var y = x
    function.kernel(KernelSets[set])(x.count, x, &y)
    var worst = (ulps: 0.0, at: Float(0))
    for (x, y) in zip(x, y) {
      let exact = function.reference(Double(x))
      let rounded = Float(exact)
      let error: Double
      if exact.isNaN || !rounded.isFinite {
        let isRight = exact.isNaN ? y.isNaN : y == rounded || y == .greatestFiniteMagnitude
        error = isRight ? 0 : .infinity
      } else if abs(rounded) < .leastNormalMagnitude {
        error = abs(Double(y) - exact) <= 0x1p-126 ? 0 : .infinity
      } else {
        // The slope of gelu passes 0, where the last place is smaller than its error.
        let least: Float = function.name == "slope of gelu" ? 0x1p-25 : 0
        let unit = Double(max(rounded.ulp, least))
        error = abs(Double(y) - exact) / unit
      }
      if !(error <= worst.ulps) { worst = (error, x) }
    }
    #expect(worst.ulps <= function.ulps, "at \(worst.at)")
  }

  @Test(arguments: KernelSets.names, functions)
  func keepsNaN(_ set: String, _ function: Function) {
    let x: [Float] = [.nan, -.nan, Float(bitPattern: 0x7F80_0001), .signalingNaN, 1]
    var y = x
    function.kernel(KernelSets[set])(5, x, &y)
    #expect(y[..<4].allSatisfy(\.isNaN) && !y[4].isNaN)
  }

  /// Odd functions keep the sign of zero.
  @Test(arguments: KernelSets.names) func zeros(_ set: String) {
    let odd: Set = [
      "e^x - 1", "log(1 + x)", "sqrt", "floor", "ceil", "round", "sin", "tanh", "erf",
    ]
    for function in Self.functions where odd.contains(function.name) {
      var y: [Float] = [1, 1]
      function.kernel(KernelSets[set])(2, [0, -0.0], &y)
      #expect(y[0].bitPattern == 0 && y[1].bitPattern == (-Float(0)).bitPattern, "\(function.name)")
    }
  }

  @Test(arguments: KernelSets.names) func wholeLogarithms(_ set: String) {
    let powers = (-149...127).map { Float(sign: .plus, exponent: $0, significand: 1) }
    var y = powers
    KernelSets[set].binary_logarithms(powers.count, powers, &y)
    #expect(y == (-149...127).map(Float.init))
    let tens: [Float] = [1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]
    y = tens
    KernelSets[set].decimal_logarithms(tens.count, tens, &y)
    #expect(y == (0...10).map(Float.init))
  }

  /// Nothing beside the numbers is written, whatever their count; and a number's result does not
  /// depend on where it stands.
  @Test(arguments: KernelSets.names) func anyCount(_ set: String) {
    var numbers = Numbers(11)
    for function in Self.functions {
      for n in RowKernelTests.lengths {
        let x = numbers.fractions(n)
        var (y, single) = ([Float](repeating: 7, count: n + 1), [Float](repeating: 7, count: 1))
        function.kernel(KernelSets[set])(n, x, &y)
        #expect(y[n] == 7)
        function.kernel(KernelSets[set])(1, [x[n - 1]], &single)
        #expect(single[0].bitPattern == y[n - 1].bitPattern, "\(function.name), \(n)")
      }
    }
  }

  @Test func setsAgree() {
    for function in Self.functions {
      let x = places(function.range) + [.nan]
      let results = KernelSets.alike.map { name in
        var y = x
        function.kernel(KernelSets[name])(x.count, x, &y)
        return y.map { $0.isNaN ? 0 : $0.bitPattern }
      }
      for result in results { #expect(result == results[0], "\(function.name)") }
    }
  }
}
