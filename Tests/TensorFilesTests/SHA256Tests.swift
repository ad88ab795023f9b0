import Foundation
import TensorFiles
import TestSupport
import Testing

/// The examples of FIPS 180-4, and lengths about a block and about what is read at a time.
@Suite struct SHA256Tests {
  private func hash(_ text: String) -> String { SHA256.hexadecimal(of: Array(text.utf8)) }

  @Test func hashesAreThoseOfTheStandard() {
    #expect(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      hash(String(repeating: "a", count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test(arguments: [0, 55, 56, 63, 64, 65, 1 << 20, 1 << 20 + 1])
  func filesHaveTheHashOfTheirBytes(_ count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).bin")
    defer { try? FileManager.default.removeItem(at: url) }
    try Data(bytes).write(to: url)
    #expect(SHA256.hexadecimal(ofFile: url.path) == SHA256.hexadecimal(of: bytes))
  }

  @Test func whatCannotBeReadHasNone() {
    #expect(SHA256.hexadecimal(ofFile: "/nowhere") == nil)
    #expect(SHA256.hexadecimal(ofFile: "/tmp") == nil)
  }
}
