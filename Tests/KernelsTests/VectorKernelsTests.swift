import Glibc
import Testing
import VectorKernels

/// The sets of kernels that this processor can do, each against plain loops and against the others.
enum KernelSets {
  static let names = ["portable", "avx2", "avx512"].filter { (name: String) in
    vector_kernels_named(name) != nil
  }
  /// Those that multiply and add in one rounding, and so agree to the bit.
  static let alike = names.filter { $0 != "portable" }

  static subscript(name: String) -> VectorKernels.vector_kernels {
    guard let set = vector_kernels_named(name) else { fatalError("no kernels \(name)") }
    return set.pointee
  }
}

/// Numbers from a fixed seed.
struct Numbers {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next(below bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }

  /// Whole numbers from −4 to 4, whose products are summed without rounding.
  mutating func whole(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float(next(below: 9) - 4) }
  }

  /// Numbers between −1 and 1.
  mutating func fractions(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float(next(below: 1 << 24)) / Float(1 << 23) - 1 }
  }
}

struct ProductKernelTests {
  /// What no product of small whole numbers is.
  private static let mark: Float = -12345

  typealias ProductKernel =
    @convention(c) (
      Int, Int, Int, Float, UnsafePointer<Float>, Int, Bool, UnsafePointer<Float>, Int, Bool, Float,
      UnsafeMutablePointer<Float>, Int
    ) -> Void

  /// Every shape up to 70×70×70, each operand as it is or turned, rows farther apart than they
  /// are long: exactly the sum of products, and nothing written beside it.
  @Test(arguments: KernelSets.names) func everySmallShape(_ name: String) {
    let (product, most) = (KernelSets[name].product, 70)
    var numbers = Numbers(1)
    let (a, b) = (numbers.whole(most * most), numbers.whole(most * most))
    func turned(_ x: [Float]) -> [Float] {
      (0..<most * most).map { x[$0 % most * most + $0 / most] }
    }
    let (at, bt) = (turned(a), turned(b))
    let stride = most + 1
    var sums = [Float](repeating: 0, count: most * most)
    var c = [Float](repeating: Self.mark, count: (most + 1) * stride)
    var wrong: [String] = []
    for k in 1...most {
      for i in 0..<most {
        for j in 0..<most { sums[i * most + j] += a[i * most + k - 1] * b[(k - 1) * most + j] }
      }
      for m in 1...most {
        for n in 1...most {
          // All four at the corners of each block of shapes, else one after the other.
          let kinds = (m + n + k) % 11 == 0 ? Array(0..<4) : [(m + n + k) % 4]
          for kind in kinds {
            let (left, right) = (kind & 1 == 1, kind & 2 == 2)
            product(
              m, n, k, 1, left ? at : a, most, left, right ? bt : b, most, right, 0, &c, stride)
            if !isExact(m, n, sums, &c) { wrong.append("\(m)×\(n)×\(k), kind \(kind)") }
          }
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5)) and \(wrong.count) in all")
  }

  /// Whether the first m rows and n columns of `c` [71, 71] are those of `sums` [70, 70], and what
  /// is right and below of them has not been written; forgets them.
  private func isExact(
    _ m: Int, _ n: Int, _ sums: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) -> Bool {
    var isExact = (0..<n).allSatisfy { c[m * 71 + $0] == Self.mark }
    for i in 0..<m {
      let row = c + i * 71
      isExact = isExact && memcmp(row, sums + i * 70, n * 4) == 0 && row[n] == Self.mark
      row.update(repeating: Self.mark, count: n)
    }
    return isExact
  }

  /// Larger ones with any stride, offset, alpha and beta, against sums in Float64.
  @Test(arguments: KernelSets.names) func randomShapes(_ name: String) {
    let product = KernelSets[name].product
    var numbers = Numbers(2)
    for _ in 0..<150 {
      let shape = Product(&numbers)
      let result = shape.run(product)
      let worst = shape.worstError(of: result)
      #expect(worst < 2e-6, "\(shape.label): \(worst)")
    }
  }

  /// The sets that multiply and add in one rounding give the same bits.
  @Test func setsAgree() {
    guard let first = KernelSets.alike.first else { return }
    var numbers = Numbers(3)
    for _ in 0..<150 {
      let shape = Product(&numbers)
      let expected = shape.run(KernelSets[first].product).map(\.bitPattern)
      for other in KernelSets.alike.dropFirst() {
        let isSame = shape.run(KernelSets[other].product).map(\.bitPattern) == expected
        #expect(isSame, "\(other), \(shape.label)")
      }
    }
  }

  /// One product with everything that may vary.
  private struct Product {
    let (m, n, k): (Int, Int, Int)
    let (lda, ldb, ldc): (Int, Int, Int)
    let (turnsA, turnsB): (Bool, Bool)
    let (alpha, beta): (Float, Float)
    let offset: Int
    let a: [Float]
    let b: [Float]
    let c: [Float]

    init(_ numbers: inout Numbers) {
      let most = numbers.next(below: 8) == 0 ? 400 : 120
      (m, n) = (1 + numbers.next(below: most), 1 + numbers.next(below: most))
      k = numbers.next(below: 2 * most)
      (turnsA, turnsB) = (numbers.next(below: 2) == 1, numbers.next(below: 2) == 1)
      // Rows far apart are copied first.
      let gap = numbers.next(below: 4) == 0 ? 600 : numbers.next(below: 20)
      lda = (turnsA ? m : k) + gap
      ldb = (turnsB ? k : n) + gap
      ldc = n + numbers.next(below: 20)
      alpha = [1, -0.5, 3, 0][numbers.next(below: 4)]
      beta = [0, 1, -2.5][numbers.next(below: 3)]
      offset = numbers.next(below: 4)
      a = numbers.fractions((turnsA ? k : m) * lda + offset)
      b = numbers.fractions((turnsB ? n : k) * ldb + offset)
      c = numbers.fractions(m * ldc + offset)
    }

    var label: String {
      "\(m)×\(n)×\(k), turned \(turnsA) \(turnsB), apart \(lda) \(ldb) \(ldc), \(alpha) \(beta)"
    }

    func run(_ product: ProductKernel) -> [Float] {
      // Addresses that are no multiples of a vector.
      func run(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
      ) {
        product(
          m, n, k, alpha, a + offset, lda, turnsA, b + offset, ldb, turnsB, beta, c + offset, ldc)
      }
      var result = c
      run(a, b, &result)
      return result
    }

    /// The largest difference to a sum in Float64, as a share of the sum of magnitudes; infinite if
    /// anything beside the result was written.
    func worstError(of result: [Float]) -> Double {
      var worst = 0.0
      for i in 0..<m {
        var (sums, sizes) = ([Double](repeating: 0, count: n), [Double](repeating: 1, count: n))
        for p in 0..<k {
          let left = Double(alpha) * Double(a[offset + (turnsA ? p * lda + i : i * lda + p)])
          for j in 0..<n {
            let term = left * Double(b[offset + (turnsB ? j * ldb + p : p * ldb + j)])
            (sums[j], sizes[j]) = (sums[j] + term, sizes[j] + abs(term))
          }
        }
        for j in 0..<n {
          let place = offset + i * ldc + j
          let before = beta == 0 ? 0 : Double(beta) * Double(c[place])
          worst = max(worst, abs(Double(result[place]) - sums[j] - before) / sizes[j])
        }
        for j in offset + i * ldc + n..<offset + (i + 1) * ldc where result[j] != c[j] {
          worst = .infinity
        }
      }
      return worst
    }
  }

  /// 0 times infinity and NaN are NaN wherever they meet; what beta = 0 replaces is not looked at.
  @Test(arguments: KernelSets.names) func whatIsNoNumber(_ name: String) {
    let product = KernelSets[name].product
    for (m, n) in [(1, 1), (3, 5), (14, 32), (15, 33), (40, 70)] {
      for k in [1, 17, 300] {
        var a = [Float](repeating: 0, count: m * k)
        var b = [Float](repeating: 1, count: k * n)
        a[(m - 1) * k] = .infinity
        b[n - 1] = .nan
        var c = [Float](repeating: .nan, count: m * n)
        product(m, n, k, 1, a, k, false, b, n, false, 0, &c, n)
        for i in 0..<m {
          for j in 0..<n {
            let value = c[i * n + j]
            if j == n - 1 {
              #expect(value.isNaN)
            } else {
              #expect(value == (i == m - 1 ? .infinity : 0))
            }
          }
        }
        // No terms: 0 without beta, C itself with it.
        product(m, n, 0, 1, a, k, false, b, n, false, 0, &c, n)
        #expect(c.allSatisfy { $0 == 0 })
        c[0] = 2
        product(m, n, 0, 1, a, k, false, b, n, false, -3, &c, n)
        #expect(c[0] == -6)
      }
    }
  }
}

struct LaneKernelTests {
  /// Softmax, its repetition and its slope down the lanes, against Float64.
  @Test(arguments: KernelSets.names, [16, 32]) func softmax(_ name: String, _ step: Int) {
    let set = KernelSets[name]
    var numbers = Numbers(4)
    for keys in [1, 2, 7, 16, 33, 130] {
      let last = (0..<16).map { _ in Int32(numbers.next(below: keys)) }
      let scores = numbers.fractions(keys * step).map { 20 * $0 }
      var (p, again) = (scores, scores)
      var logs = [Float](repeating: 0, count: 16)
      set.softmax_in_lanes(keys, last, &p, step, &logs)
      set.softmax_again(keys, last, &again, step, logs)
      let gradients = numbers.fractions(keys * step)
      var slopes = gradients
      set.softmax_slope_in_lanes(keys, 0.5, p, &slopes, step)
      for lane in 0..<16 {
        let seen = 0...Int(last[lane])
        let total = seen.reduce(0.0) { $0 + exp(Double(scores[$1 * step + lane])) }
        #expect(abs(Double(logs[lane]) - log(total)) < 1e-5)
        var expected = [Double](repeating: 0, count: keys)
        for u in seen { expected[u] = exp(Double(scores[u * step + lane])) / total }
        let inner = (0..<keys).reduce(0.0) {
          $0 + expected[$1] * Double(gradients[$1 * step + lane])
        }
        for u in 0..<keys {
          let place = u * step + lane
          #expect(abs(Double(p[place]) - expected[u]) < 1e-6)
          #expect(abs(Double(again[place]) - expected[u]) < 3e-6)
          let slope = 0.5 * expected[u] * (Double(gradients[place]) - inner)
          #expect(abs(Double(slopes[place]) - slope) < 1e-6)
        }
      }
      if step == 32 {
        for u in 0..<keys {
          let besides = u * 32 + 16..<u * 32 + 32
          #expect(p[besides] == scores[besides], "lanes beside were written")
        }
      }
    }
  }

  @Test(arguments: KernelSets.names) func rowsAreTurned(_ name: String) {
    let set = KernelSets[name]
    var numbers = Numbers(5)
    for rows in [1, 3, 15, 16] {
      for columns in [1, 4, 15, 16, 17, 40] {
        let stride = columns + 3
        let x = numbers.fractions(rows * stride)
        var out = [Float](repeating: 7, count: columns * 20)
        set.to_lanes(x, stride, Int32(rows), columns, &out, 20)
        for c in 0..<columns {
          let turned = (0..<rows).map { x[$0 * stride + c] }
          let others = [Float](repeating: 0, count: 16 - rows) + [7, 7, 7, 7]
          #expect(Array(out[c * 20..<(c + 1) * 20]) == turned + others)
        }
      }
    }
  }

  /// The logarithm of so many equal terms is known.
  @Test(arguments: KernelSets.names) func logarithms(_ name: String) {
    let set = KernelSets[name]
    var logs = [Float](repeating: 0, count: 16)
    for keys in Array(1...300) + [4095, 4096, 70_001] {
      let last = [Int32](repeating: Int32(keys - 1), count: 16)
      var scores = [Float](repeating: 0, count: keys * 16)
      set.softmax_in_lanes(keys, last, &scores, 16, &logs)
      let expected = Float(log(Double(keys)))
      #expect(logs.allSatisfy { abs($0 - expected) <= expected.ulp }, "\(keys) \(logs[0])")
    }
    var scores = [Float](repeating: 1, count: 16)
    (scores[1], scores[2]) = (.nan, .infinity)
    set.softmax_in_lanes(1, [Int32](repeating: 0, count: 16), &scores, 16, &logs)
    #expect(logs[0] == 1 && logs[1].isNaN && logs[2].isNaN)
  }

  /// Scores from a table, and the adjoint: Σ scores · slopes is linear in the table.
  @Test(arguments: KernelSets.names) func tables(_ name: String) {
    let set = KernelSets[name]
    var numbers = Numbers(6)
    for (vocab, length) in [(1, 1), (5, 20), (30, 33), (65, 48)] {
      let stride = vocab + length
      let table = numbers.whole(stride * stride)
      let tokens = (0..<length).map { _ in Int32(numbers.next(below: vocab)) }
      let t = max(0, length - 16)
      let (rows, keys) = (min(16, length - t), length)
      var columns = [Float](repeating: 0, count: stride * 16)
      var scores = [Float](repeating: 7, count: keys * 32)
      set.table_scores(t, Int32(rows), keys, vocab, tokens, table, stride, &columns, &scores, 32)
      let slopes = numbers.whole(keys * 32)
      let apart = (stride + 15) & ~15
      columns = [Float](repeating: .nan, count: apart * 16)
      var gradient = [Float](repeating: 1, count: stride * apart)
      var expected = gradient
      set.add_table_slopes(
        t, Int32(rows), keys, vocab, tokens, slopes, 32, &columns, &gradient, apart)
      for lane in 0..<rows {
        for u in 0..<keys {
          var sum: Float = 0
          for row in [Int(tokens[t + lane]), vocab + t + lane] {
            for column in [Int(tokens[u]), vocab + u] {
              sum += table[row * stride + column]
              expected[row * apart + column] += slopes[u * 32 + lane]
            }
          }
          #expect(scores[u * 32 + lane] == sum)
        }
      }
      #expect(gradient == expected, "\(vocab) \(length)")
      #expect((0..<keys).allSatisfy { u in scores[u * 32 + 16] == 7 })
    }
  }
}

struct RowKernelTests {
  /// Lengths around those of the vectors.
  static let lengths = [1, 2, 15, 16, 17, 31, 33, 70, 1000]

  @Test(arguments: KernelSets.names) func sums(_ name: String) {
    let set = KernelSets[name]
    var numbers = Numbers(7)
    #expect(set.sum(0, [0]) == 0)
    #expect(set.log_sum_exp(0, [0]) == -.infinity)
    for n in Self.lengths {
      let x = numbers.fractions(n).map { 30 * $0 }
      let plain = x.reduce(0.0) { $0 + Double($1) }
      #expect(abs(Double(set.sum(n, x)) - plain) < 3e-4 * Double(n))
      let total = x.reduce(0.0) { $0 + exp(Double($1)) }
      #expect(abs(Double(set.log_sum_exp(n, x)) - log(total)) < 1e-5)
      var (e, top) = (x, Float(0))
      let sum = set.exponentiate(n, x, &e, &top)
      #expect(top == x.max()!)
      #expect(abs(Double(sum) * exp(Double(top)) / total - 1) < 1e-5)
      #expect(zip(e, x).allSatisfy { abs(Double($0) - exp(Double($1 - top))) < 2e-7 })
      // Wherever it stands.
      for place in Set([0, n / 2, n - 1]) {
        var changed = x
        changed[place] = .nan
        #expect(set.log_sum_exp(n, changed).isNaN)
        changed[place] = .infinity
        #expect(set.log_sum_exp(n, changed) == .infinity)
      }
      #expect(set.log_sum_exp(n, [Float](repeating: -.infinity, count: n)) == -.infinity)
    }
  }

  @Test(arguments: KernelSets.names) func elements(_ name: String) {
    let set = KernelSets[name]
    var numbers = Numbers(8)
    for n in Self.lengths {
      let (x, y) = (numbers.fractions(n), numbers.fractions(n))
      // One place more, which is not to be written.
      func result(_ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
        var out = y + [7]
        body(&out)
        #expect(out[n] == 7)
        return Array(out[..<n])
      }
      #expect(result { set.add(n, x, $0) } == zip(x, y).map { $1 + $0 })
      #expect(result { set.add_pair(n, x, y, $0) } == zip(x, y).map { $0 + $1 })
      #expect(result { set.scale(n, 3, $0) } == y.map { 3 * $0 })
      #expect(result { set.relu(n, x, $0) } == x.map { max($0, 0) })
      #expect(result { set.relu_slope(n, x, y, $0) } == zip(x, y).map { $0 > 0 ? $1 : 0 })
      for (i, value) in result({ set.sigmoids(n, x, $0) }).enumerated() {
        #expect(abs(Double(value) - 1 / (1 + exp(-Double(x[i])))) < 2e-7)
      }
      for (i, value) in result({ set.exponentials_less(n, x, 0.5, -2, $0) }).enumerated() {
        #expect(abs(Double(value) + 2 * exp(Double(x[i]) - 0.5)) < 1e-6)
      }
      let inner = zip(x, y).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      for (i, value) in result({ set.softmax_slope(n, x, y, $0) }).enumerated() {
        #expect(abs(Double(value) - Double(x[i]) * (Double(y[i]) - inner)) < 1e-5)
      }
    }
    var out: [Float] = [0, 0, 0]
    set.relu(3, [.nan, -0.0, -.infinity], &out)
    #expect(out[0].isNaN && out[1] == 0 && out[2] == 0)
  }

  @Test(arguments: KernelSets.names) func layerNorm(_ name: String) {
    let set = KernelSets[name]
    var numbers = Numbers(9)
    for n in Self.lengths {
      let rows = 3
      let (x, g) = (numbers.fractions(rows * n), numbers.fractions(rows * n))
      let (weight, bias) = (numbers.fractions(n), numbers.fractions(n))
      var (y, dx) = ([Float](repeating: 0, count: rows * n), [Float](repeating: 0, count: rows * n))
      var statistics = [Float](repeating: 0, count: 2 * rows)
      var (dWeight, dBias) = ([Float](repeating: 1, count: n), [Float](repeating: 2, count: n))
      set.layer_norm(rows, n, x, weight, bias, 0.01, &y, &statistics)
      set.layer_norm_slope(rows, n, x, weight, statistics, g, &dx, &dWeight, &dBias)
      var sums = ([Double](repeating: 1, count: n), [Double](repeating: 2, count: n))
      for r in 0..<rows {
        let row = x[r * n..<(r + 1) * n].map(Double.init)
        let mean = row.reduce(0, +) / Double(n)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
        let inverse = 1 / (variance + 0.01).squareRoot()
        let h = row.map { ($0 - mean) * inverse }
        let u = (0..<n).map { Double(g[r * n + $0]) * Double(weight[$0]) }
        let along = u.reduce(0, +) / Double(n)
        let across = zip(u, h).reduce(0) { $0 + $1.0 * $1.1 } / Double(n)
        for i in 0..<n {
          let place = r * n + i
          #expect(abs(Double(y[place]) - h[i] * Double(weight[i]) - Double(bias[i])) < 1e-5)
          #expect(abs(Double(dx[place]) - inverse * (u[i] - along - h[i] * across)) < 1e-4)
          sums.0[i] += Double(g[place]) * h[i]
          sums.1[i] += Double(g[place])
        }
      }
      for i in 0..<n {
        #expect(abs(Double(dWeight[i]) - sums.0[i]) < 1e-5)
        #expect(abs(Double(dBias[i]) - sums.1[i]) < 1e-5)
      }
    }
  }

  /// Exponentials, softmax and layer norm give the same bits wherever numbers are multiplied and
  /// added in one rounding.
  @Test func setsAgree() {
    var numbers = Numbers(10)
    let (n, keys) = (1003, 77)
    let (x, scores) = (numbers.fractions(n), numbers.fractions(keys * 16))
    let results = KernelSets.alike.map { name in
      let set = KernelSets[name]
      var (e, y, p) = (x, x, scores)
      var (logs, statistics) = ([Float](repeating: 0, count: 16), [Float](repeating: 0, count: 2))
      set.exponentials(n, x, &e)
      set.layer_norm(1, n, x, x, x, 0.1, &y, &statistics)
      set.softmax_in_lanes(keys, (0..<16).map { Int32(60 + $0) }, &p, 16, &logs)
      set.softmax_slope_in_lanes(keys, 1, scores, &p, 16)
      return (e + y + p + logs + statistics + [set.sum(n, x), set.log_sum_exp(n, x)])
        .map(\.bitPattern)
    }
    for result in results { #expect(result == results[0]) }
  }
}
