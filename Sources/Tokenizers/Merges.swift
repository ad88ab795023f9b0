import Tensors

/// Which two tokens beside each other become one, and which come first.
///
/// Found by the pair in a table with open addressing: merging asks for every pair of every word.
struct Merges {
  private struct Entry {
    var left: Int32
    var right: Int32
    var rank: Int32
  }

  /// Free where the rank is negative; a power of two of them, at most half of them taken.
  private var entries: [Entry]
  /// The token that each merge makes, by rank.
  private var made: [Int32] = []

  /// - Parameter count: how many merges will be added.
  init(count: Int) {
    var size = 16
    while size < 2 * count { size *= 2 }
    entries = [Entry](repeating: Entry(left: 0, right: 0, rank: -1), count: size)
    made.reserveCapacity(count)
  }

  /// Adds the next merge; of two for the same pair, the later one counts.
  mutating func add(_ left: Int32, _ right: Int32, makes token: Int32) {
    let place = place(of: left, right)
    entries[place] = Entry(left: left, right: right, rank: Int32(made.count))
    made.append(token)
  }

  /// How early a pair is merged; nil if it is not.
  func rank(_ left: Int32, _ right: Int32) -> Int32? {
    let rank = entries[place(of: left, right)].rank
    return rank < 0 ? nil : rank
  }

  /// The token that the merge of this rank makes.
  func token(rank: Int32) -> Int32 { made[Int(rank)] }

  /// Where the pair is, or would be.
  private func place(of left: Int32, _ right: Int32) -> Int {
    let mask = entries.count - 1
    var mixed = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    mixed = (mixed ^ mixed >> 32) &* 0x9E37_79B9_7F4A_7C15
    var place = Int(truncatingIfNeeded: mixed >> 32) & mask
    while entries[place].rank >= 0,
      entries[place].left != left || entries[place].right != right
    {
      place = (place + 1) & mask
    }
    return place
  }
}

/// Merges the tokens of words; keeps its memory from one word to the next.
struct Merger {
  /// A token of the word, and its neighbours' places; those merged into others have none.
  private struct Piece {
    var token: Int32
    var previous: Int32
    var next: Int32
    /// The rank of the merge with the next piece.
    var rank: Int32
  }

  private var pieces: [Piece] = []
  /// Merges that may be due, the least first: rank and place.
  private var queue = Heap()

  /// The tokens that remain when no merge applies.
  ///
  /// The earliest merge comes first, and of several of one kind the leftmost.
  /// - Parameters:
  ///   - word: a token for each byte.
  ///   - merges: what may be merged.
  ///   - result: where the tokens are appended.
  /// - Throws: `Stopped`.
  mutating func merge(_ word: [Int32], by merges: Merges, into result: inout [Int32]) throws {
    try start(word, merges)
    var steps = 0
    while let (rank, place) = queue.takeLeast() {
      steps += 1
      if steps & 0xFFFF == 0 { try StopToken.checkpoint() }
      // What was noted before a piece grew is not due any more.
      if pieces[place].rank == rank { join(place, merges) }
    }
    var place = 0
    while place >= 0, place < pieces.count {
      result.append(pieces[place].token)
      place = Int(pieces[place].next)
    }
  }

  private mutating func start(_ word: [Int32], _ merges: Merges) throws {
    pieces.removeAll(keepingCapacity: true)
    queue.removeAll()
    for (place, token) in word.enumerated() {
      let next = place + 1 < word.count ? Int32(place + 1) : -1
      pieces.append(Piece(token: token, previous: Int32(place) - 1, next: next, rank: -1))
    }
    for place in pieces.indices {
      if place & 0xFFFF == 0xFFFF { try StopToken.checkpoint() }
      rate(place, merges)
    }
  }

  /// Notes the merge of the piece at `place` with the next one.
  private mutating func rate(_ place: Int, _ merges: Merges) {
    let next = Int(pieces[place].next)
    guard next >= 0, let rank = merges.rank(pieces[place].token, pieces[next].token) else {
      pieces[place].rank = -1
      return
    }
    pieces[place].rank = rank
    queue.add(rank, place)
  }

  /// Merges the piece at `place` with the next one.
  private mutating func join(_ place: Int, _ merges: Merges) {
    let gone = Int(pieces[place].next)
    let next = pieces[gone].next
    pieces[gone].rank = -1
    pieces[place].token = merges.token(rank: pieces[place].rank)
    pieces[place].next = next
    if next >= 0 { pieces[Int(next)].previous = Int32(place) }
    rate(place, merges)
    let previous = Int(pieces[place].previous)
    if previous >= 0 { rate(previous, merges) }
  }
}

/// A binary heap of ranks with places, by rank and then by place.
private struct Heap {
  private var items: [UInt64] = []

  mutating func removeAll() { items.removeAll(keepingCapacity: true) }

  mutating func add(_ rank: Int32, _ place: Int) {
    let item = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(place))
    var child = items.count
    items.append(item)
    while child > 0, case let parent = (child - 1) / 2, items[parent] > item {
      items[child] = items[parent]
      child = parent
    }
    items[child] = item
  }

  mutating func takeLeast() -> (rank: Int32, place: Int)? {
    guard let least = items.first, let item = items.popLast() else { return nil }
    if !items.isEmpty { sink(item) }
    return (Int32(least >> 32), Int(least & 0xFFFF_FFFF))
  }

  /// Puts `item` in the place of the first.
  private mutating func sink(_ item: UInt64) {
    var parent = 0
    while case var child = 2 * parent + 1, child < items.count {
      if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
      guard items[child] < item else { break }
      items[parent] = items[child]
      parent = child
    }
    items[parent] = item
  }
}
