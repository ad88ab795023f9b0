import ByteStrings
import Tensors

/// Why a file is not read: the end of a sentence that begins with its path.
struct Refusal: Error {
  let words: String

  init(_ words: String) { self.words = words }
}

/// The bytes of a text from a file, as messages show them.
func quoted(_ text: [UInt8]) -> String {
  "\"\(String(decoding: text, as: UTF8.self).printable)\""
}
