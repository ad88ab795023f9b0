import Tensors

/// The hash function SHA-256 (FIPS 180-4), by which files are told apart.
package enum SHA256 {
  /// The hash of some bytes, as 64 hexadecimal digits.
  package static func hexadecimal(of bytes: [UInt8]) -> String {
    var state = State()
    state.add(bytes)
    return state.finished()
  }

  /// The hash of a regular file, as 64 hexadecimal digits; nil if it cannot be read.
  package static func hexadecimal(ofFile path: String) -> String? {
    let failure = { EngineError("hash", $0) }
    guard let (file, size) = try? File.regular(path, failure) else { return nil }
    var state = State()
    for start in stride(from: 0, to: size, by: 1 << 20) {
      var part = [UInt8](repeating: 0, count: min(1 << 20, size - start))
      guard (try? part.withUnsafeMutableBytes { try file.read($0, at: start, failure) }) != nil
      else { return nil }
      state.add(part)
    }
    return state.finished()
  }

  /// What is known of the bytes so far.
  private struct State {
    private var hash = start
    private var words = [UInt32](repeating: 0, count: 64)
    /// Bytes that do not fill a block yet.
    private var rest: [UInt8] = []
    private var count: UInt64 = 0

    mutating func add(_ bytes: [UInt8]) {
      count &+= UInt64(bytes.count)
      let all = rest.isEmpty ? bytes : rest + bytes
      let whole = all.count / 64 * 64
      for block in stride(from: 0, to: whole, by: 64) { add(block: block, of: all) }
      rest = Array(all[whole...])
    }

    mutating func finished() -> String {
      let bits = count &* 8
      let zeros = (119 - rest.count) % 64
      let length = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
      add([0x80] + [UInt8](repeating: 0, count: zeros) + length)
      return hash.map { word in
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
      }.joined()
    }

    private mutating func add(block: Int, of bytes: [UInt8]) {
      for i in 0..<16 {
        words[i] = (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[block + 4 * i + $1]) }
      }
      for i in 16..<64 {
        let (a, b) = (words[i - 15], words[i - 2])
        let first = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
        let second = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
        words[i] = words[i - 16] &+ first &+ words[i - 7] &+ second
      }
      var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
      var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
      for i in 0..<64 {
        let first = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
        let added = h &+ first &+ (e & f ^ ~e & g) &+ constants[i] &+ words[i]
        let second = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
        let majority = a & b ^ a & c ^ b & c
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ added, c, b, a, added &+ second &+ majority)
      }
      for (i, word) in [a, b, c, d, e, f, g, h].enumerated() { hash[i] &+= word }
    }
  }

  private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word >> count | word << (32 - count)
  }

  private static let primes: [Int] = (2...311).filter { n in !(2..<n).contains { n % $0 == 0 } }

  /// The first 32 bits of the fractions of the square roots of the first 8 primes.
  private static let start = primes.prefix(8).map { fraction($0, power: 2) }
  /// The first 32 bits of the fractions of the cube roots of the first 64 primes.
  private static let constants = primes.map { fraction($0, power: 3) }

  /// The first 32 bits of the fraction of a prime's root, ⌊2³² · p^(1/k)⌋ mod 2³², found bit by
  /// bit.
  private static func fraction(_ prime: Int, power: Int) -> UInt32 {
    // The root is below 2⁵, so 2³² · root is below 2³⁷, and its third power below 2¹¹¹.
    var root: UInt128 = 0
    let limit = UInt128(prime) << UInt128(32 * power)
    for bit in (0..<37).reversed() {
      let candidate = root | UInt128(1) << UInt128(bit)
      let value = power == 2 ? candidate * candidate : candidate * candidate * candidate
      if value <= limit { root = candidate }
    }
    return UInt32(truncatingIfNeeded: root)
  }
}
