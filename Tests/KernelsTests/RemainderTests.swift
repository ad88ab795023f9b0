import Glibc
import Testing
import VectorKernels

/// Division with a rest, against that of the C library, which is exact.
struct RemainderTests {
  private func expected(_ x: Float, _ y: Float) -> (rest: Float, quotient: Double) {
    let rest = fmod(Double(x), Double(y))
    let isBeside = rest != 0 && (rest < 0) != (y < 0)
    let whole = ((Double(x) - rest) / Double(y)).rounded() - (isBeside ? 1 : 0)
    return (Float(rest) + (isBeside ? y : 0), whole)
  }

  /// Of numbers alike and far apart, of whole multiples and their neighbours, and of extremes.
  @Test(arguments: KernelSets.names) func isExact(_ set: String) {
    var numbers = Numbers(13)
    var (x, y) = (numbers.fractions(40_000), numbers.fractions(40_000))
    for i in x.indices {
      switch i % 4 {
      case 0: x[i] *= 1e6
      case 1: x[i] = (y[i] * Float(numbers.next(below: 3000) - 1500)).nextUp
      case 2: x[i] = (y[i] * Float(numbers.next(below: 3000) - 1500)).nextDown
      default: y[i] *= i % 8 == 3 ? 1e-9 : 3
      }
    }
    let extremes: [Float] = [0, -0.0, 1, -1, 1e38, -0x1p-130, 3, .infinity, -.infinity, .nan]
    for a in extremes {
      x += extremes.map { _ in a }
      y += extremes
    }
    var (rests, quotients) = (x, x)
    KernelSets[set].remainders(x.count, x, false, y, false, &rests)
    KernelSets[set].floor_quotients(x.count, x, false, y, false, &quotients)
    var wrong: [String] = []
    for i in x.indices {
      let (rest, quotient) = expected(x[i], y[i])
      let isRest = rests[i] == rest || (rests[i].isNaN && rest.isNaN)
      let whole = y[i] == 0 ? x[i] / y[i] : Float(quotient)
      let isQuotient =
        quotients[i] == whole || (quotients[i].isNaN && whole.isNaN)
        || abs(quotient) > 0x1p22 && abs(Double(quotients[i]) / quotient - 1) < 1e-6
      if !isRest || !isQuotient { wrong.append("\(x[i]) by \(y[i])") }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5)) and \(wrong.count) in all")
  }

  @Test(arguments: KernelSets.names) func oneNumberForMany(_ set: String) {
    let kernels = KernelSets[set]
    for n in RowKernelTests.lengths {
      let many = (0..<n).map { Float($0 - 5) }
      var out = [Float](repeating: 7, count: n + 1)
      kernels.remainders(n, many, false, [3], true, &out)
      #expect(out == many.map { $0 - 3 * ($0 / 3).rounded(.down) } + [7])
      kernels.floor_quotients(n, [7], true, many.map { $0 + 0.5 }, false, &out)
      #expect(out == many.map { (7 / ($0 + 0.5)).rounded(.down) } + [7])
    }
  }
}
