// Strings that keep bytes that are no UTF-8.
//
// Names of files, arguments and Lua's strings are bytes of any value; Swift's strings are Unicode.
// A byte from 0x80 on that is no part of a character stands in a string as the character
// U+10FF00 + byte, one of the last that Unicode leaves to private use; where bytes spell one of
// those 128 characters, each of them stands for itself in the same way. So every sequence of bytes
// has a string of its own and comes back from it, and text is text. Python's surrogateescape does
// the same with characters that Swift's strings cannot hold.

extension String {
  /// The string that stands for these bytes.
  public init(bytes: UnsafeRawBufferPointer) {
    let bytes = bytes.bindMemory(to: UInt8.self)
    let text = bytes.contains(firstOfStandIn) ? nil : String(validating: bytes, as: UTF8.self)
    self = text ?? String(String.scalars(of: bytes))
  }

  /// The string that stands for these bytes.
  public init(bytes: [UInt8]) { self = bytes.withUnsafeBytes { String(bytes: $0) } }

  /// The string that stands for the bytes up to a zero.
  public init(cBytes: UnsafePointer<CChar>) {
    var count = 0
    while cBytes[count] != 0 { count += 1 }
    self.init(bytes: UnsafeRawBufferPointer(start: cBytes, count: count))
  }

  private static func scalars(of bytes: UnsafeBufferPointer<UInt8>) -> UnicodeScalarView {
    var scalars = UnicodeScalarView()
    var rest = bytes[...]
    while !rest.isEmpty {
      var parser = Unicode.UTF8.ForwardParser()
      var iterator = rest.makeIterator()
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded) where Unicode.UTF8.decode(encoded).byte == nil:
        scalars.append(Unicode.UTF8.decode(encoded))
        rest = rest.dropFirst(encoded.count)
      case .valid, .error, .emptyInput:
        // The rest of what was no character is looked at anew.
        if let byte = rest.popFirst() { scalars.append(Unicode.Scalar(standingFor: byte)) }
      }
    }
    return scalars
  }

  /// The bytes that it stands for.
  public var bytes: [UInt8] {
    if !utf8.contains(firstOfStandIn) { return Array(utf8) }
    return unicodeScalars.flatMap { $0.byte.map { [$0] } ?? Array($0.utf8) }
  }

  /// Calls `body` with the bytes that it stands for.
  public func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
    if utf8.contains(firstOfStandIn) { return try bytes.withUnsafeBufferPointer(body) }
    var text = self
    return try text.withUTF8(body)
  }

  /// Calls `body` with the bytes that it stands for, and a zero behind them, as the system takes
  /// paths.
  public func withCBytes<R>(_ body: (UnsafePointer<CChar>) throws -> R) rethrows -> R {
    if !utf8.contains(firstOfStandIn) { return try withCString(body) }
    return try (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
      // An array with an element has an address.
      try body($0.baseAddress.unsafelyUnwrapped)
    }
  }
}

/// The first byte of the characters that stand for bytes.
private let firstOfStandIn: UInt8 = 0xF4

extension Unicode.Scalar {
  private static let standIns: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

  /// - Parameter byte: from 0x80 on; what is less is a character.
  fileprivate init(standingFor byte: UInt8) {
    self = Unicode.Scalar(0x10FF00 + UInt32(byte)) ?? "\u{FFFD}"
  }

  /// The byte that it stands for; nil for what is a character.
  public var byte: UInt8? {
    Self.standIns.contains(value) ? UInt8(truncatingIfNeeded: value) : nil
  }
}
