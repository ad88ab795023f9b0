import Tensors

/// A token that is matched as a whole before the rest of a text is cut into words.
struct AddedToken {
  /// In UTF-8.
  var text: [UInt8]
  var id: Int
  /// Whether it takes the whitespace before it, and after it.
  var takesSpaceBefore = false
  var takesSpaceAfter = false
  /// Whether it is looked for after normalization, itself normalized.
  var isNormalized = false
}

/// Finds added tokens: the leftmost first, and of those that begin there the longest.
struct AddedTokens {
  /// A stretch of a text.
  enum Piece {
    case token(Int)
    /// What is between tokens, not empty.
    case text(Range<Int>)
  }

  /// A prefix of tokens: its last byte, and where longer ones and others of its length are.
  private struct Node {
    var byte: UInt8
    var firstLonger: Int32 = -1
    var nextOther: Int32 = -1
    /// The place of the token that ends here.
    var token: Int32 = -1
  }

  private var tokens: [AddedToken] = []
  private var nodes: [Node] = []
  /// The node of each first byte.
  private var roots = [Int32](repeating: -1, count: 256)

  /// - Parameter tokens: none of them empty; of two of the same text the later counts.
  init(_ tokens: [AddedToken]) {
    for token in tokens { add(token) }
  }

  private mutating func add(_ token: AddedToken) {
    var last: Int32 = -1
    for byte in token.text {
      var node = child(of: last, byte)
      if node < 0 {
        node = Int32(nodes.count)
        if last < 0 {
          nodes.append(Node(byte: byte))
          roots[Int(byte)] = node
        } else {
          nodes.append(Node(byte: byte, nextOther: nodes[Int(last)].firstLonger))
          nodes[Int(last)].firstLonger = node
        }
      }
      last = node
    }
    nodes[Int(last)].token = Int32(tokens.count)
    tokens.append(token)
  }

  /// The node that adds a byte to a prefix, −1 if there is none; −1 is also the empty prefix.
  private func child(of node: Int32, _ byte: UInt8) -> Int32 {
    if node < 0 { return roots[Int(byte)] }
    var child = nodes[Int(node)].firstLonger
    while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextOther }
    return child
  }

  /// Calls `body` with the tokens in a range of a text and with what is between them.
  /// - Throws: What `body` throws, or `Stopped`.
  func split(
    _ text: [UInt8], _ range: Range<Int>, _ body: (Piece) throws -> Void
  ) throws {
    var (start, position) = (range.lowerBound, range.lowerBound)
    var steps = 0
    while !tokens.isEmpty, position < range.upperBound {
      steps += 1
      if steps & 0xFFF == 0 { try StopToken.checkpoint() }
      guard roots[Int(text[position])] >= 0,
        let (token, matchEnd) = longest(in: text, position..<range.upperBound)
      else {
        position += 1
        continue
      }
      var (first, end) = (position, matchEnd)
      // What the token before has taken is gone, and may reach beyond this one's beginning.
      if token.takesSpaceBefore { first = first > start ? spaceStart(text, start..<first) : start }
      if token.takesSpaceAfter { end = spaceEnd(text, end..<range.upperBound) }
      if start < first { try body(.text(start..<first)) }
      try body(.token(token.id))
      (start, position) = (end, matchEnd)
    }
    if start < range.upperBound { try body(.text(start..<range.upperBound)) }
  }

  /// The longest token that a range of a text begins with, and where it ends.
  private func longest(in text: [UInt8], _ range: Range<Int>) -> (AddedToken, end: Int)? {
    var (node, found, end) = (Int32(-1), Int32(-1), 0)
    for i in range {
      node = child(of: node, text[i])
      if node < 0 { break }
      if nodes[Int(node)].token >= 0 { (found, end) = (nodes[Int(node)].token, i + 1) }
    }
    return found < 0 ? nil : (tokens[Int(found)], end)
  }

  /// Where the whitespace that ends a range of a text begins.
  private func spaceStart(_ text: [UInt8], _ range: Range<Int>) -> Int {
    var start = range.upperBound
    var parser = Unicode.UTF8.ReverseParser()
    var bytes = text[range].reversed().makeIterator()
    while case .valid(let character) = parser.parseScalar(from: &bytes),
      Unicode.UTF8.decode(character).properties.isWhitespace
    {
      start -= character.count
    }
    return start
  }

  /// Where the whitespace that begins a range of a text ends.
  private func spaceEnd(_ text: [UInt8], _ range: Range<Int>) -> Int {
    var end = range.lowerBound
    var parser = Unicode.UTF8.ForwardParser()
    var bytes = text[range].makeIterator()
    while case .valid(let character) = parser.parseScalar(from: &bytes),
      Unicode.UTF8.decode(character).properties.isWhitespace
    {
      end += character.count
    }
    return end
  }
}
