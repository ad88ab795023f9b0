// Foundation composes characters by the same part of the standard library, but its Essentials, the
// part that does not need ICU, offer it to nobody.
@_spi(_Unicode) import Swift
import Tensors

/// The text in Unicode's normalization form C: e and a combining accent become é.
///
/// Characters are composed as in the version of Unicode that the standard library knows. The one of
/// the Python package tokenizers is older: of several marks on one letter, it leaves those that
/// came after Unicode 9 where they are.
/// - Parameter text: valid UTF-8.
/// - Returns: nil if the text is its own composition, which all that is below U+0300 is.
/// - Throws: `Stopped`.
func composed(_ text: ArraySlice<UInt8>) throws -> [UInt8]? {
  // From U+0300 on, characters begin with a byte from 0xCC on.
  guard text.contains(where: { $0 >= 0xCC }) else { return nil }
  var result: [UInt8] = []
  result.reserveCapacity(text.count)
  var count = 0
  for scalar in String(decoding: text, as: UTF8.self)._nfc {
    count += 1
    if count & 0xFFFF == 0 { try StopToken.checkpoint() }
    result += scalar.utf8
  }
  return result
}
