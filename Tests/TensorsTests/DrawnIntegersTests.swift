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
}
