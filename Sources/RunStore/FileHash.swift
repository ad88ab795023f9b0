import Foundation

/// What files are known again by: SHA-256 (FIPS 180-4).
public enum FileHash {
  /// The hash of a file in hexadecimal; nil if it cannot be read.
  public static func sha256(ofFile path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    var state = State()
    while let data = try? file.read(upToCount: 1 << 20), !data.isEmpty { state.add(Array(data)) }
    return state.finished()
  }

  /// The hash of bytes in hexadecimal.
  public static func sha256(_ bytes: [UInt8]) -> String {
    var state = State()
    state.add(bytes)
    return state.finished()
  }

  private struct State {
    private var words: [UInt32] = firstWords
    private var rest: [UInt8] = []
    private var length: UInt64 = 0

    mutating func add(_ bytes: [UInt8]) {
      length &+= UInt64(bytes.count)
      let all = rest + bytes
      let whole = all.count / 64 * 64
      for start in stride(from: 0, to: whole, by: 64) { mix(all, start) }
      rest = Array(all[whole...])
    }

    mutating func finished() -> String {
      let bits = length &* 8
      let zeros = (119 - rest.count % 64) % 64
      let end = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
      add([0x80] + [UInt8](repeating: 0, count: zeros) + end)
      return words.map { word in
        let text = String(word, radix: 16)
        return String(repeating: "0", count: 8 - text.count) + text
      }.joined()
    }

    private mutating func mix(_ bytes: [UInt8], _ start: Int) {
      var w = [UInt32](repeating: 0, count: 64)
      for i in 0..<16 {
        w[i] = (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[start + 4 * i + $1]) }
      }
      for i in 16..<64 {
        let a = w[i - 15].rotated(7) ^ w[i - 15].rotated(18) ^ (w[i - 15] >> 3)
        let b = w[i - 2].rotated(17) ^ w[i - 2].rotated(19) ^ (w[i - 2] >> 10)
        w[i] = w[i - 16] &+ a &+ w[i - 7] &+ b
      }
      var (a, b, c, d) = (words[0], words[1], words[2], words[3])
      var (e, f, g, h) = (words[4], words[5], words[6], words[7])
      for i in 0..<64 {
        let upper = e.rotated(6) ^ e.rotated(11) ^ e.rotated(25)
        let first = h &+ upper &+ ((e & f) ^ (~e & g)) &+ roundWords[i] &+ w[i]
        let lower = a.rotated(2) ^ a.rotated(13) ^ a.rotated(22)
        let second = lower &+ ((a & b) ^ (a & c) ^ (b & c))
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
      }
      for (i, word) in [a, b, c, d, e, f, g, h].enumerated() { words[i] &+= word }
    }
  }

  /// The first 32 bits after the point of the square roots of the first 8 primes.
  private static let firstWords = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
  /// And of the cube roots of the first 64.
  private static let roundWords = primes.map { fraction(cubeRoot($0)) }
  private static let primes = (2..<312).filter { n in (2..<n).allSatisfy { n % $0 != 0 } }

  private static func fraction(_ root: Double) -> UInt32 {
    UInt32((root - root.rounded(.down)) * 4_294_967_296)
  }

  private static func cubeRoot(_ n: Int) -> Double { Foundation.cbrt(Double(n)) }
}

extension UInt32 {
  fileprivate func rotated(_ count: UInt32) -> UInt32 { self >> count | self << (32 - count) }
}
