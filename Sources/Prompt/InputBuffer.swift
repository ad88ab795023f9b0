import Glibc
import LuaBridge

/// Standard input, read as it comes: signals that arrive while it waits are part of it.
package final class InputBuffer {
  /// What came next.
  package enum Event {
    case byte(UInt8)
    /// Ctrl-C was pressed; what was typed before it is gone.
    case interrupted
    /// The window has another size.
    case resized
    case end
  }

  /// Whether standard input has ended.
  package private(set) var isAtEnd = false
  /// The signal that asked the process to end; 0 if none did.
  var signal: Int32 = 0

  private let descriptor: Int32
  private var bytes: [UInt8] = []
  private var position = 0

  private let takesInterrupt: () -> Bool

  /// What comes from a descriptor.
  /// - Parameters:
  ///   - descriptor: by default standard input.
  ///   - takesInterrupt: whether an interrupt waits, which counts as taken then.
  package init(
    _ descriptor: Int32 = STDIN_FILENO, takesInterrupt: @escaping () -> Bool = { false }
  ) {
    (self.descriptor, self.takesInterrupt) = (descriptor, takesInterrupt)
  }

  /// Waits for the next event.
  package func next() -> Event {
    if position < bytes.count {
      defer { position += 1 }
      return .byte(bytes[position])
    }
    while true {
      if takesInterrupt() { return .interrupted }
      if let event = heldEvent() { return event }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // poll(2) is never restarted after a signal; a signal just before it waits a quarter second.
      let ready = poll(&waiting, 1, 250)
      if ready > 0 {
        guard fill() else {
          isAtEnd = true
          return .end
        }
        defer { position += 1 }
        return .byte(bytes[position])
      }
      if ready < 0 && errno != EINTR {
        isAtEnd = true
        return .end
      }
    }
  }

  /// Puts back the byte that was read last.
  package func giveBack(_ byte: UInt8) {
    guard position > 0 else { return }
    position -= 1
    bytes[position] = byte
  }

  /// Whether a byte is there already.
  package var hasMore: Bool {
    if position < bytes.count { return true }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, 0) > 0 && waiting.revents & Int16(POLLIN) != 0
  }

  /// How many bytes were read ahead.
  package var waiting: Int { bytes.count - position }

  /// Whether a Ctrl-D was pressed while lines were the terminal's: it then comes as a zero.
  package func takeEarlyEnd() -> Bool {
    guard hasMore, position < bytes.count || fill(), bytes[position] == 0 else { return false }
    position += 1
    return true
  }

  /// Drops what was read ahead.
  package func drop() { position = bytes.count }

  private func fill() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return false }
    bytes = Array(buffer[..<count])
    position = 0
    return true
  }

  private func heldEvent() -> Event? {
    if HeldSignals.windowChanged != 0 {
      HeldSignals.windowChanged = 0
      return .resized
    }
    if HeldSignals.ending != 0 {
      signal = HeldSignals.ending
      HeldSignals.ending = 0
      isAtEnd = true
      return .end
    }
    if HeldSignals.stopping != 0 {
      HeldSignals.stopping = 0
      HeldSignals.stop()
      return .resized
    }
    return nil
  }
}
