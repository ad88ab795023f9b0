import Glibc
import Testing
import VectorKernels

/// Softmax and its kin down columns, and the search for what is beyond a limit.
struct ColumnKernelTests {
  @Test(arguments: KernelSets.names) func softmax(_ set: String) {
    let kernels = KernelSets[set]
    var numbers = Numbers(12)
    for (size, columns) in [(1, 1), (3, 16), (7, 17), (20, 64), (300, 45)] {
      let stride = columns + 3
      let x = numbers.fractions(size * stride).map { 20 * $0 }
      let g = numbers.fractions(size * stride)
      var (y, dx) = (x, g)
      var logs = [Float](repeating: 7, count: columns + 1)
      kernels.softmax_down(size, stride, Int32(columns), x, &y)
      kernels.softmax_slope_down(size, stride, Int32(columns), y, g, &dx)
      kernels.log_sum_exp_down(size, stride, Int32(columns), x, &logs)
      #expect(logs[columns] == 7)
      for c in 0..<stride {
        let places = (0..<size).map { $0 * stride + c }
        guard c < columns else {
          #expect(places.allSatisfy { y[$0] == x[$0] && dx[$0] == g[$0] })
          continue
        }
        let total = places.reduce(0.0) { $0 + exp(Double(x[$1])) }
        #expect(abs(Double(logs[c]) - log(total)) < 2e-6 * max(1, abs(log(total))))
        let inner = places.reduce(0.0) { $0 + Double(y[$1]) * Double(g[$1]) }
        for place in places {
          #expect(abs(Double(y[place]) - exp(Double(x[place])) / total) < 1e-6)
          #expect(abs(Double(dx[place]) - Double(y[place]) * (Double(g[place]) - inner)) < 1e-6)
        }
      }
    }
  }

  @Test(arguments: KernelSets.names) func extremes(_ set: String) {
    let inf = Float.infinity
    let columns: [[Float]] = [
      [1, 2], [-inf, -inf], [inf, 1], [.nan, 1], [1, .nan], [inf, .nan], [-inf, 0], [1000, 1000],
    ]
    let x = (0..<2).flatMap { row in columns.map { $0[row] } }
    var logs = [Float](repeating: 0, count: 8)
    KernelSets[set].log_sum_exp_down(2, 8, 8, x, &logs)
    #expect(abs(logs[0] - 2.313_261_7) < 1e-6 && logs[1] == -inf && logs[2] == inf)
    #expect(logs[3...5].allSatisfy(\.isNaN) && logs[6] == 0 && abs(logs[7] - 1000.6931) < 1e-3)
    KernelSets[set].log_sum_exp_down(0, 8, 8, x, &logs)
    #expect(logs.allSatisfy { $0 == -inf })
  }

  @Test(arguments: KernelSets.names) func whatIsBeyond(_ set: String) {
    let kernels = KernelSets[set]
    for n in [0, 1, 15, 16, 17, 40] {
      let level = [Float](repeating: 2, count: n + 1)
      #expect(kernels.first_beyond(n, level, 2, true) == n)
      #expect(kernels.first_beyond(n, level, 2, false) == n)
      for place in 0..<n {
        var x = level
        x[place] = 3
        #expect(kernels.first_beyond(n, x, 2, true) == place)
        #expect(kernels.first_beyond(n, x, 2, false) == n)
        x[place] = .nan
        #expect(kernels.first_beyond(n, x, 2, true) == place)
        #expect(kernels.first_beyond(n, x, 2, false) == place)
        x[place] = -.infinity
        #expect(kernels.first_beyond(n, x, 2, true) == n)
        #expect(kernels.first_beyond(n, x, 2, false) == place)
      }
      #expect(kernels.first_beyond(n, level, .nan, true) == 0)
    }
  }
}
