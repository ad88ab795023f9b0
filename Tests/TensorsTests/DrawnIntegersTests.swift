import Tensors
import TestSupport
import Testing

/// Integers drawn at random: from a range, in an order, by weights.
@Suite struct DrawnIntegersTests {
  private func stream(_ seed: UInt64 = 1) -> RandomStream {
    RandomStream(seed: seed, purpose: .tensor)
  }

  @Test func rangesAreUniform() throws {
    var stream = stream()
    var counts = [Int](repeating: 0, count: 7)
    for i in try IntTensor.uniform([100, 700], low: -3, high: 3, using: &stream).elements() {
      counts[Int(i) + 3] += 1
    }
    expectFit(counts, [Double](repeating: 1, count: 7))
  }

  /// The stream's words as they are.
  @Test func allIntegers() throws {
    var (stream, words) = (stream(), stream())
    let low = Int(Int32.min)
    let drawn = try IntTensor.uniform([5], low: low, high: Int(Int32.max), using: &stream)
    #expect(
      drawn.elements() == (0..<5).map { _ in Int32.min &+ Int32(bitPattern: words.nextWord()) })
  }

  @Test func everyOrderIsAsLikely() throws {
    var stream = stream()
    var counts: [[Int32]: Int] = [:]
    for _ in 0..<24_000 {
      counts[try IntTensor.permutation(4, using: &stream).elements(), default: 0] += 1
    }
    #expect(counts.count == 24)
    expectFit(Array(counts.values), [Double](repeating: 1, count: 24))
    let long = try IntTensor.permutation(100_000, using: &stream).elements()
    #expect(long.sorted() == (0..<100_000).map { Int32($0) })
  }

  @Test func drawsByWeights() throws {
    var stream = stream()
    let weights: [Float] = [1, 0, 4, 2, 0.5, 3]
    let x = try Tensor(weights + weights.reversed(), shape: [2, 6])
    let drawn = try x.t().contiguous().t().multinomial(60_000, replacement: true, using: &stream)
    for (row, weights) in [weights, weights.reversed()].enumerated() {
      var counts = [Int](repeating: 0, count: 6)
      for i in try drawn.select(0, row).elements() { counts[Int(i)] += 1 }
      expectFit(counts, weights.map(Double.init))
      #expect(counts[row == 0 ? 1 : 4] == 0)
    }
  }

  /// Pairs without replacement: w_i / W for the first, w_j / (W − w_i) for the second.
  @Test func drawsWithoutReplacement() throws {
    var stream = stream()
    let weights: [Float] = [1, 4, 2, 3]
    var counts: [Int] = Array(repeating: 0, count: 16)
    let drawn = try Tensor(weights).expand([40_000, 4]).multinomial(2, using: &stream)
    let ids = drawn.elements().map(Int.init)
    for r in 0..<40_000 { counts[ids[2 * r] * 4 + ids[2 * r + 1]] += 1 }
    let pairs = (0..<16).map { pair in
      let (i, j) = (Double(weights[pair / 4]), Double(weights[pair % 4]))
      return pair / 4 == pair % 4 ? 0 : i / 10 * j / (10 - i)
    }
    expectFit(counts, pairs)
  }
}
