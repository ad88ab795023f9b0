import Glibc
import Testing
import VectorKernels

/// Philox, and numbers made of its words.
struct RandomKernelTests {
  private func words(_ set: String, _ counter: [UInt32], _ blocks: Int) -> [UInt32] {
    var out = [UInt32](repeating: 7, count: 4 * blocks + 1)
    KernelSets[set].random_words(0x299F_31D0_A409_3822, counter, blocks, &out)
    #expect(out[4 * blocks] == 7)
    return Array(out[..<(4 * blocks)])
  }

  /// The known answer of Random123, wherever it stands among blocks; the count begins again after
  /// its last number.
  @Test(arguments: KernelSets.names) func knownAnswer(_ set: String) {
    let known: [UInt32] = [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    for (before, blocks) in [(0, 1), (3, 5), (8, 9), (20, 30)] {
      let start: UInt32 = 0x243F_6A88 - UInt32(before)
      let drawn = words(set, [start, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], blocks)
      #expect(Array(drawn[(4 * before)..<(4 * before + 4)]) == known)
    }
    let over = words(set, [.max, 1, 2, 3], 2)
    #expect(Array(over[4...]) == words(set, [0, 1, 2, 3], 1))
  }

  /// Uniform numbers are the upper 24 bits; normal ones those of Box and Muller.
  @Test(arguments: KernelSets.names) func numbers(_ set: String) {
    for n in [2, 16, 18, 1000] {
      let drawn = words(set, [5, 6, 7, 8], (n + 3) / 4)
      let start = drawn[..<n].map { Float(bitPattern: $0) }
      var (uniform, normal) = (start + [7], start + [7])
      KernelSets[set].uniforms(n, -1, 3, &uniform)
      KernelSets[set].normals(n, 10, 2, &normal)
      #expect(uniform[n] == 7 && normal[n] == 7)
      for i in 0..<n { #expect(uniform[i] == -1 + 3 * (Float(drawn[i] >> 8) * 0x1p-24)) }
      for i in stride(from: 0, to: n, by: 2) {
        let (u, v) = (Double(drawn[i] >> 8) * 0x1p-24, Double(drawn[i + 1] >> 8) * 0x1p-24)
        let radius = (-2 * log(1 - u)).squareRoot()
        #expect(abs(Double(normal[i]) - 10 - 2 * radius * cos(2 * .pi * v)) < 4e-6)
        #expect(abs(Double(normal[i + 1]) - 10 - 2 * radius * sin(2 * .pi * v)) < 4e-6)
      }
    }
  }

  /// Every one of the 2²⁴ radii and angles there are: the tables that a random number is made with
  /// are those of the C library, whose results were recorded.
  @Test(arguments: KernelSets.alike) func everyRadiusAndAngle(_ set: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for block in 0..<(1 << 8) {
      var pairs = [Float](repeating: 0, count: 1 << 17)
      for i in 0..<(1 << 16) {
        let fraction = UInt32(block << 16 | i) << 8
        pairs[2 * i] = Float(bitPattern: fraction)
        pairs[2 * i + 1] = Float(bitPattern: fraction &* 2_654_435_769)
      }
      KernelSets[set].normals(1 << 17, 0, 1, &pairs)
      for x in pairs { hash = (hash ^ UInt64(x.bitPattern)) &* 0x100_0000_01B3 }
    }
    #expect(hash == 0xAB87_6FD6_9188_0348)
  }

  @Test func setsAgree() {
    let results = KernelSets.alike.map { name in
      var x = words(name, [1, 2, 3, 4], 1001).map { Float(bitPattern: $0) }
      KernelSets[name].normals(4004, 0, 1, &x)
      return x.map(\.bitPattern)
    }
    for result in results { #expect(result == results[0]) }
  }
}
