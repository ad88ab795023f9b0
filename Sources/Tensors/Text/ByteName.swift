import Glibc

/// A name that is the same as another if its bytes are.
///
/// Swift's strings are equal if they look alike: "é" as one character and as "e" with an accent. In
/// Lua and in files those are two names.
public struct ByteName: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name.
  public let text: String

  /// A name.
  public init(_ text: String) { self.text = text }

  /// A name written as itself.
  public init(stringLiteral text: String) { self.text = text }

  public static func == (a: ByteName, b: ByteName) -> Bool {
    var (a, b) = (a.text, b.text)
    return a.withUTF8 { a in
      b.withUTF8 { b in
        guard a.count == b.count else { return false }
        guard let x = a.baseAddress, let y = b.baseAddress else { return true }
        return memcmp(x, y, a.count) == 0
      }
    }
  }

  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
