import Glibc
import Prompt
import Testing

/// Standard input as the prompt reads it, here from a pipe.
@Suite struct InputBufferTests {
  /// Calls `body` with a buffer and what writes into it; then the other end is closed.
  private func withPipe(_ body: (InputBuffer, (String) -> Void, () -> Void) throws -> Void) throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    var isOpen = true
    func finish() {
      if isOpen { close(ends[1]) }
      isOpen = false
    }
    defer {
      finish()
      close(ends[0])
    }
    try body(
      InputBuffer(ends[0]),
      { text in
        let bytes = Array(text.utf8)
        #expect(write(ends[1], bytes, bytes.count) == bytes.count)
      }, finish)
  }

  private func byte(_ buffer: InputBuffer) -> Character? {
    guard case .byte(let byte) = buffer.next() else { return nil }
    return Character(UnicodeScalar(byte))
  }

  @Test func bytesComeInOrderAndThenTheEnd() throws {
    try withPipe { buffer, write, finish in
      write("ab")
      #expect(byte(buffer) == "a" && buffer.waiting == 1 && buffer.hasMore)
      write("c")
      finish()
      #expect(byte(buffer) == "b" && byte(buffer) == "c" && !buffer.isAtEnd)
      #expect(byte(buffer) == nil && buffer.isAtEnd)
    }
  }

  @Test func aByteIsGivenBack() throws {
    try withPipe { buffer, write, _ in
      // Nothing was read yet: there is nothing to give back.
      buffer.giveBack(UInt8(ascii: "z"))
      write("ab")
      #expect(byte(buffer) == "a")
      buffer.giveBack(UInt8(ascii: "x"))
      #expect(byte(buffer) == "x" && byte(buffer) == "b")
    }
  }

  @Test func whatWasReadAheadIsDropped() throws {
    try withPipe { buffer, write, _ in
      write("abc")
      #expect(byte(buffer) == "a")
      buffer.drop()
      #expect(buffer.waiting == 0 && !buffer.hasMore)
      write("d")
      #expect(buffer.hasMore && byte(buffer) == "d")
    }
  }

  @Test func anEarlyEndIsAZero() throws {
    try withPipe { buffer, write, _ in
      #expect(!buffer.takeEarlyEnd())
      write("\u{0}a")
      #expect(buffer.takeEarlyEnd() && !buffer.takeEarlyEnd())
      #expect(byte(buffer) == "a")
    }
  }
}
