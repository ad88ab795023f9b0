/// The hash function SHA-256 (FIPS 180-4), by which files are told apart.
package enum SHA256 {
  /// The hash of some bytes, as 64 hexadecimal digits.
  package static func hexadecimal(of bytes: [UInt8]) -> String {
    var padded = bytes + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    let bits = UInt64(bytes.count) &* 8
    padded += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
    var state = start
    for block in stride(from: 0, to: padded.count, by: 64) {
      add(padded[block..<block + 64], to: &state)
    }
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private static func add(_ block: ArraySlice<UInt8>, to state: inout [UInt32]) {
    var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { place in
      block[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    for i in 16..<64 {
      let (a, b) = (words[i - 15], words[i - 2])
      let first = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
      let second = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
      words.append(words[i - 16] &+ first &+ words[i - 7] &+ second)
    }
    var s = state
    for i in 0..<64 {
      let first = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)
      let choice = s[4] & s[5] ^ ~s[4] & s[6]
      let added = s[7] &+ first &+ choice &+ constants[i] &+ words[i]
      let second = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)
      let majority = s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]
      s = [added &+ second &+ majority, s[0], s[1], s[2], s[3] &+ added, s[4], s[5], s[6]]
    }
    for i in 0..<8 { state[i] &+= s[i] }
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
