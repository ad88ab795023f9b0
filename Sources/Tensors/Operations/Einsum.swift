// Sums of products, named by letters: "ij,jk->ik" is a matrix product.
//
// Two operands at a time are multiplied. Letters that nothing behind needs are summed as soon as
// possible: those of one operand alone before, those of both by a matrix product, batch × m × k by
// batch × k × n, which reads the operands where they are if their strides allow it. Every step is
// an operation with a gradient.

extension Tensor {
  /// The sum over all letters that the output does not name of the products of the operands'
  /// elements.
  ///
  /// "ik" of "ij,jk->ik" is Σ_j a_ij b_jk. Every dimension of an operand has a letter; one that
  /// stands twice in an operand means its diagonal. Without "->" the output has the letters that
  /// stand once in all, in alphabetical order, capital ones first. Up to six operands are
  /// multiplied in the order that takes the fewest multiplications, more from left to right. What
  /// only rearranges an operand is a view of it.
  /// - Throws: `EngineError` if the equation is none or does not fit the operands.
  public static func einsum(_ equation: String, _ operands: [Tensor]) throws -> Tensor {
    let equation = try EinsumEquation(equation)
    let sizes = try equation.sizes(operands.map(\.shape))
    let factors = try zip(equation.terms, operands).map {
      try EinsumFactor(letters: $0, tensor: $1).withoutRepetitions()
    }
    let product = EinsumProduct(factors: factors)
    let order = EinsumOrder.cheapest(factors.map(\.set), equation.outputSet, sizes)
    let result = try product.value(order, keeping: equation.outputSet).arranged(equation.output)
    // A tensor of its own even where nothing is to be done.
    return operands.contains { $0 === result } ? try result.expand(result.shape) : result
  }
}

/// A letter, as ASCII has it.
private typealias Letter = UInt8

/// A set of letters, a bit for each.
private struct LetterSet: OptionSet {
  let rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(_ letters: [Letter]) {
    // "A" is 65 and "z" 122.
    rawValue = letters.reduce(0) { $0 | 1 << UInt64($1 - 65) }
  }

  func has(_ letter: Letter) -> Bool { !isDisjoint(with: LetterSet([letter])) }
}

private func quoted(_ letter: Letter) -> String { "'\(Character(Unicode.Scalar(letter)))'" }

/// What an equation says: the letters of every operand and of the output.
private struct EinsumEquation {
  let text: String
  var terms: [[Letter]]
  var output: [Letter]

  var outputSet: LetterSet { LetterSet(output) }

  init(_ text: String) throws {
    self.text = text
    let compact = text.filter { !$0.isWhitespace }
    guard !compact.contains("...") else {
      throw EngineError(
        "einsum", "\"...\" in \"\(text)\" is not known here; name every dimension by a letter")
    }
    let sides = compact.split(separator: "->", omittingEmptySubsequences: false)
    guard sides.count <= 2 else {
      throw EngineError("einsum", "\"->\" stands more than once in \"\(text)\"")
    }
    terms = try sides[0].split(separator: ",", omittingEmptySubsequences: false).map {
      try Self.letters($0, text)
    }
    guard sides.count == 2 else {
      let all = terms.joined().sorted()
      output = all.filter { letter in all.count { $0 == letter } == 1 }
      return
    }
    output = try Self.letters(sides[1], text)
    let known = LetterSet(Array(terms.joined()))
    for (place, letter) in output.enumerated() {
      guard known.has(letter) else {
        throw EngineError(
          "einsum", "the output's letter \(quoted(letter)) in \"\(text)\" is in no operand")
      }
      guard !output[..<place].contains(letter) else {
        throw EngineError(
          "einsum", "the output's letter \(quoted(letter)) stands twice in \"\(text)\"")
      }
    }
  }

  private static func letters(_ side: Substring, _ text: String) throws -> [Letter] {
    try side.map { character in
      guard let letter = character.asciiValue, character.isLetter else {
        throw EngineError(
          "einsum", "'\(character)' in \"\(text)\" (allowed: letters, \",\" and \"->\")")
      }
      return letter
    }
  }

  /// The size that each letter stands for.
  /// - Throws: `EngineError` if the equation does not fit operands of these shapes.
  func sizes(_ shapes: [[Int]]) throws -> [Letter: Int] {
    guard shapes.count == terms.count else {
      throw EngineError(
        "einsum", "terms in \"\(text)\": \(terms.count), operands: \(shapes.count)")
    }
    var sizes: [Letter: (size: Int, operand: Int)] = [:]
    for (i, (term, shape)) in zip(terms, shapes).enumerated() {
      guard term.count == shape.count else {
        throw EngineError(
          "einsum",
          "operand \(i + 1) has shape \(shape), and its term in \"\(text)\" \(term.count) letters")
      }
      for (letter, size) in zip(term, shape) {
        let first = sizes[letter] ?? (size, i)
        guard first.size == size else {
          throw EngineError(
            "einsum",
            "\(quoted(letter)) in \"\(text)\" is \(first.size) in operand \(first.operand + 1) and "
              + "\(size) in operand \(i + 1)")
        }
        sizes[letter] = first
      }
    }
    return sizes.mapValues(\.size)
  }
}

/// A tensor whose dimensions have letters.
private struct EinsumFactor {
  let letters: [Letter]
  let tensor: Tensor

  var set: LetterSet { LetterSet(letters) }

  /// Where some letters stand.
  private func places(_ chosen: [Letter]) -> [Int] {
    chosen.compactMap { letters.firstIndex(of: $0) }
  }

  /// The diagonal, a view, for a letter that stands twice.
  func withoutRepetitions() throws -> EinsumFactor {
    for (place, letter) in letters.enumerated() {
      guard let first = letters[..<place].firstIndex(of: letter) else { continue }
      var rest = letters
      rest.remove(at: place)
      return try EinsumFactor(letters: rest, tensor: tensor.diagonalView(first, place))
        .withoutRepetitions()
    }
    return self
  }

  /// The sum over all letters but some.
  func summed(keeping wanted: LetterSet) throws -> EinsumFactor {
    let gone = letters.filter { !wanted.has($0) }
    if gone.isEmpty { return self }
    return EinsumFactor(
      letters: letters.filter { wanted.has($0) }, tensor: try tensor.sum(over: places(gone)))
  }

  /// The letters in this order.
  func arranged(_ order: [Letter]) throws -> Tensor { try tensor.permute(places(order)) }

  /// The product with another factor, summed over all letters but some; those that only one of
  /// both has are wanted.
  func times(_ other: EinsumFactor, keeping wanted: LetterSet) throws -> EinsumFactor {
    let shared = letters.filter { other.set.has($0) }
    let (batch, summed) = (
      shared.filter { wanted.has($0) }, shared.filter { !wanted.has($0) }
    )
    let rows = letters.filter { !shared.contains($0) }
    let columns = other.letters.filter { !shared.contains($0) }
    let result = batch + rows + columns
    let sizes =
      places(batch + rows).map { tensor.shape[$0] }
      + other.places(columns).map { other.tensor.shape[$0] }
    _ = try Layout.checkedCount(sizes, "einsum")
    func grouped(_ groups: [Letter]...) throws -> Tensor {
      try tensor.grouped(groups.map(places))
    }
    func otherGrouped(_ groups: [Letter]...) throws -> Tensor {
      try other.tensor.grouped(groups.map(other.places))
    }
    let product: Tensor
    if summed.isEmpty {
      product = try grouped(batch, rows, []).mul(otherGrouped(batch, [], columns))
    } else if batch.isEmpty {
      product = try grouped(rows, summed).matmul(otherGrouped(summed, columns))
    } else if rows.isEmpty, columns.isEmpty {
      product = try grouped(batch, summed).mul(otherGrouped(batch, summed)).sum(1)
    } else {
      product = try grouped(batch, rows, summed)
        .batchProduct(otherGrouped(batch, summed, columns))
    }
    return EinsumFactor(letters: result, tensor: try product.reshape(sizes))
  }
}

extension Tensor {
  /// The elements whose indices along two dimensions of one size are equal: a view, in which `a`
  /// stands for both.
  fileprivate func diagonalView(_ a: Int, _ b: Int) -> Tensor {
    @Sendable func diagonal(_ layout: Layout) -> Layout {
      var result = layout
      result.strides[a] &+= result.strides[b]
      result.shape.remove(at: b)
      result.strides.remove(at: b)
      return result
    }
    let shape = shape
    return Tensor(storage: storage, layout: diagonal(layout))
      .recorded(
        "einsum", from: [self],
        .view { g in
          let result = try Tensor(full: shape, 0)
          Tensor(storage: result.storage, layout: diagonal(result.layout)).write(g)
          return result
        })
  }
}

/// Factors, and the product of all or some of them.
private struct EinsumProduct {
  let factors: [EinsumFactor]

  /// The product of some factors, summed over all letters but some.
  func value(_ order: EinsumOrder, keeping wanted: LetterSet) throws -> EinsumFactor {
    switch order {
    case .factor(let i): return try factors[i].summed(keeping: wanted)
    case .pair(let left, let right):
      // What both have is summed by their product, not before.
      let first = try value(left, keeping: wanted.union(letters(right)))
      let second = try value(right, keeping: wanted.union(letters(left)))
      return try first.times(second, keeping: wanted)
    }
  }

  private func letters(_ order: EinsumOrder) -> LetterSet {
    switch order {
    case .factor(let i): factors[i].set
    case .pair(let left, let right): letters(left).union(letters(right))
    }
  }
}

/// Which factors are multiplied first.
private indirect enum EinsumOrder {
  case factor(Int)
  case pair(EinsumOrder, EinsumOrder)

  /// The order with the fewest multiplications for up to six factors, of equal ones the first from
  /// left to right; for more, from left to right.
  static func cheapest(
    _ sets: [LetterSet], _ output: LetterSet, _ sizes: [Letter: Int]
  ) -> EinsumOrder {
    guard (3...6).contains(sets.count) else {
      return (1..<max(sets.count, 1)).reduce(.factor(0)) { .pair($0, .factor($1)) }
    }
    let all = 1 << sets.count
    func union(_ chosen: Int) -> LetterSet {
      sets.indices.reduce(into: []) { if chosen >> $1 & 1 == 1 { $0.formUnion(sets[$1]) } }
    }
    /// The letters that the product of some factors is left with.
    func left(_ chosen: Int) -> LetterSet {
      union(chosen).intersection(union(all - 1 - chosen).union(output))
    }
    func multiplications(_ a: Int, _ b: Int) -> Double {
      let letters = left(a).union(left(b))
      return sizes.reduce(1.0) { letters.has($1.key) ? $0 * Double($1.value) : $0 }
    }
    var best = [(cost: Double, order: EinsumOrder)?](repeating: nil, count: all)
    for i in sets.indices { best[1 << i] = (0, .factor(i)) }
    for chosen in 1..<all where chosen & (chosen - 1) != 0 {
      // The last factor is in the second part, so that each cut is met once.
      let last = 1 << (Int.bitWidth - 1 - chosen.leadingZeroBitCount)
      let others = chosen - last
      var first = others
      while first != 0 {
        let second = chosen - first
        if let a = best[first], let b = best[second] {
          let cost = a.cost + b.cost + multiplications(first, second)
          if cost < best[chosen]?.cost ?? .infinity {
            best[chosen] = (cost, .pair(a.order, b.order))
          }
        }
        first = (first - 1) & others
      }
    }
    return best[all - 1]?.order ?? .factor(0)
  }
}
