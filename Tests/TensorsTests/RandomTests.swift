import Tensors
import TestSupport
import Testing

@Suite struct PhiloxTests {
  /// The known answers of Random123 (`kat_vectors`, philox4x32-10).
  @Test func knownAnswers() {
    #expect(
      Philox.block(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
        == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    #expect(
      Philox.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    #expect(
      Philox.block(
        counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
        key: SIMD2(0xA409_3822, 0x299F_31D0))
        == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }
}

@Suite struct RandomStreamTests {
  @Test func wordsAreThoseOfPhilox() {
    var stream = RandomStream(
      seed: 0x0123_4567_89AB_CDEF, purpose: .evaluation, index: 0x1111_2222_3333_4444)
    for block in UInt32(0)..<3 {
      let words = Philox.block(
        counter: SIMD4(block, RandomPurpose.evaluation.rawValue, 0x3333_4444, 0x1111_2222),
        key: SIMD2(0x89AB_CDEF, 0x0123_4567))
      for i in 0..<4 { #expect(stream.nextWord() == words[i]) }
    }
  }

  @Test func next64BitsAreTwoWords() {
    var words = RandomStream(seed: 7, purpose: .data)
    var stream = words
    let (low, high) = (words.nextWord(), words.nextWord())
    #expect(stream.next() == UInt64(low) | UInt64(high) << 32)
    #expect(stream.nextWord() == words.nextWord())
  }

  /// Many at a time are those of one after the other, wherever in a block they begin.
  @Test func tensorsTakeWhatTheStreamGives() throws {
    for before in 0..<6 {
      for n in [0, 1, 2, 3, 5, 64, 4097, 9001] {
        var one = RandomStream(seed: 3, purpose: .tensor)
        for _ in 0..<before { _ = one.nextWord() }
        var (many, normals) = (one, one)
        let uniform = try Tensor.uniform([n], low: -1, high: 2, using: &many).elements()
        #expect(uniform == (0..<n).map { _ in -1 + 3 * one.uniform() })
        #expect(many.nextWord() == one.nextWord())
        var pairs = normals
        let drawn = try Tensor.normal(
          [n], mean: 1, standardDeviation: 2, using: &normals
        ).elements()
        let expected = (0..<(n + 1) / 2).flatMap { _ -> [Float] in
          let (first, second) = pairs.normalPair()
          return [1 + 2 * first, 1 + 2 * second]
        }
        #expect(drawn == Array(expected[..<n]))
        #expect(normals.nextWord() == pairs.nextWord())
      }
    }
  }

  @Test func streamsOfOtherSeedsPurposesAndIndicesDiffer() {
    var seen = Set<UInt64>()
    var streams = 0
    let far = UInt64(1) << 32
    for seed in [0, 1, far] {
      for purpose: RandomPurpose in [.initialization, .data, .evaluation, .tensor, .generation] {
        for index in [0, 1, 2, far, far + 1] {
          var stream = RandomStream(seed: seed, purpose: purpose, index: index)
          seen.insert(stream.next())
          streams += 1
        }
      }
    }
    #expect(seen.count == streams)
  }

  @Test func uniformNumbersAreUniformMultiplesOfTheirGrain() {
    var stream = RandomStream(seed: 1, purpose: .tensor)
    var (singles, doubles) = ([Int](repeating: 0, count: 64), [Int](repeating: 0, count: 64))
    for _ in 0..<100_000 {
      let single = stream.uniform()
      let double = stream.uniformDouble()
      guard single >= 0, single < 1, double >= 0, double < 1 else {
        Issue.record("\(single) or \(double) is outside [0, 1)")
        return
      }
      guard (single * 0x1p24).rounded() == single * 0x1p24,
        (double * 0x1p53).rounded() == double * 0x1p53
      else {
        Issue.record("\(single) or \(double) is no multiple of its grain")
        return
      }
      singles[Int(single * 64)] += 1
      doubles[Int(double * 64)] += 1
    }
    expectFit(singles, [Double](repeating: 1, count: 64))
    expectFit(doubles, [Double](repeating: 1, count: 64))
  }

  @Test(arguments: [UInt32(1), 2, 3, 7, 65, 1000])
  func boundedIntegersAreUniform(bound: UInt32) {
    var stream = RandomStream(seed: 2, purpose: .tensor)
    var counts = [Int](repeating: 0, count: Int(bound))
    for _ in 0..<100_000 { counts[Int(stream.below(bound))] += 1 }
    expectFit(counts, [Double](repeating: 1, count: Int(bound)))
  }

  /// Without rejection one remainder in three would come half of the time.
  @Test func largeBoundsHaveNoBias() {
    var stream = RandomStream(seed: 3, purpose: .tensor)
    let bound: UInt32 = 3 << 30
    var counts = [0, 0, 0]
    for _ in 0..<30_000 {
      let drawn = stream.below(bound)
      #expect(drawn < bound)
      counts[Int(drawn % 3)] += 1
    }
    expectFit(counts, [1, 1, 1])
  }

  @Test func normalPairsAreStandardAndIndependent() {
    var stream = RandomStream(seed: 4, purpose: .tensor)
    // Quartiles of the standard normal distribution: ±0.6745.
    func quarter(_ x: Float) -> Int {
      x < 0 ? (x < -0.674_489_75 ? 0 : 1) : x < 0.674_489_75 ? 2 : 3
    }
    let n = 100_000
    var counts = [Int](repeating: 0, count: 16)
    var (sum, squares, fourth, tail) = (0.0, 0.0, 0.0, 0)
    for _ in 0..<n {
      let (a, b) = stream.normalPair()
      counts[4 * quarter(a) + quarter(b)] += 1
      for x in [Double(a), Double(b)] {
        sum += x
        squares += x * x
        fourth += x * x * x * x
        if abs(x) > 3 { tail += 1 }
      }
    }
    expectFit(counts, [Double](repeating: 1, count: 16))
    let m = Double(2 * n)
    // Four standard deviations of each mean: 1, √2, √96 and √p(1−p) over √m.
    let root = m.squareRoot()
    #expect(abs(sum / m) < 4 / root)
    #expect(abs(squares / m - 1) < 4 * 2.0.squareRoot() / root)
    #expect(abs(fourth / m - 3) < 4 * 96.0.squareRoot() / root)
    #expect(abs(Double(tail) / m - 0.002_699_8) < 4 * 0.0519 / root)
  }
}

@Suite struct AliasTableTests {
  @Test(
    arguments: [
      [1], [1, 1], [3, 1], [0, 1, 0, 3, 0], [1e-300, 2e-300], [1e300, 3e300], [5, 4, 3, 2, 1],
      (1...100).map { 1 / Double($0) }, [0.1, 0.2, 0.3, 0.4], [1e6, 1, 1, 1],
    ] as [[Double]])
  func drawsFollowTheWeights(weights: [Double]) throws {
    let table = try AliasTable(weights: weights)
    #expect(table.count == weights.count)
    var stream = RandomStream(seed: 5, purpose: .tensor)
    var counts = [Int](repeating: 0, count: weights.count)
    for _ in 0..<100_000 { counts[table.sample(using: &stream)] += 1 }
    expectFit(counts, weights)
    for (count, weight) in zip(counts, weights) where weight == 0 { #expect(count == 0) }
  }

  @Test(
    arguments: [
      [], [0, 0], [1, -1], [.nan, 1], [.infinity, 1], [1e308, 1e308, 1e308],
    ] as [[Double]])
  func badWeightsAreRefused(weights: [Double]) {
    #expect(
      throws: EngineError(
        "categorical", "weights must be finite, not negative and not all zero")
    ) { try AliasTable(weights: weights) }
  }
}
