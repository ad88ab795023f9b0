/// The characters that stand for bytes in the vocabularies of byte-level tokenizers (GPT-2).
///
/// Bytes that are printable in Latin-1 stand for themselves, the other 68 in their order for the
/// characters from U+0100 on: a space is Ġ, a newline Ċ.
enum ByteAlphabet {
  /// The character of each byte.
  static let characters: [Unicode.Scalar] = {
    var others: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { others += 1 }
        return Unicode.Scalar(others) ?? "\u{FFFD}"
      }
    }
  }()

  /// The byte of each character; all of them are below U+0144.
  private static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: 0x144)
    for (byte, character) in characters.enumerated() {
      bytes[Int(character.value)] = UInt8(byte)
    }
    return bytes
  }()

  /// The bytes that a token stands for; one with another character stands for its own text.
  static func bytes(of token: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(token.count)
    for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
      guard scalar.value < 0x144, let byte = bytes[Int(scalar.value)] else { return token }
      result.append(byte)
    }
    return result
  }
}
