import Tensors
import TestSupport
import Testing

@Suite struct EinsumTests {
  static let sizes: [Character: Int] = [
    "a": 2, "b": 3, "c": 1, "d": 4, "e": 5, "f": 2, "A": 3, "z": 0,
  ]

  /// The formula itself: every element of the result is a sum over all values of all letters.
  static func byHand(_ terms: [String], _ output: String, _ x: [Reference]) -> Reference {
    let summed = Set(terms.joined()).subtracting(output).sorted()
    func size(_ letter: Character) -> Int { sizes[letter] ?? 0 }
    return Reference(shape: output.map(size)) { index in
      var values = Dictionary(uniqueKeysWithValues: zip(output, index))
      func sum(_ rest: ArraySlice<Character>) -> Double {
        guard let letter = rest.first else {
          return zip(terms, x).reduce(1) { $0 * $1.1[$1.0.map { values[$0] ?? 0 }] }
        }
        return (0..<size(letter)).reduce(0) { total, value in
          values[letter] = value
          return total + sum(rest.dropFirst())
        }
      }
      return sum(summed[...])
    }
  }

  @Test(arguments: [
    // One operand.
    "ab->ba", "abd->dab", "abd->", "abd->b", "afb->bf", "aaf->f", "aa->a", "dede->ed", "->",
    // Two: products of matrices, batches of them, products without sums.
    "ab,bd->ad", "ab,bd->da", "ba,bd->ad", "ab,db->ad", "ba,db->da", "bad,bde->bae",
    "abd,bed->bae", "dab,bde->eab", "abde,abfe->abdf", "adbe,afbe->abdf", "abd,bd->a", "abd,abd->a",
    "ab,ab->ab", "ab,b->ab", "a,b->ab", "a,b->", "abe,deA->bA", "abde,dbe->a", "aab,bcc->c",
    "aba,db->da", ",ab->ba", "ab,z->az", "zb,bz->", "az,zb->ab",
    // More.
    "ab,bd,de->ae", "de,bd,ab->ea", "ab,ab,ab->b", "a,b,d->dba", "ab,bd,de,ef,fa->",
    "ab,bd,de,ef,fa,ad,db->be",
  ])
  func equations(_ equation: String) throws {
    let sides = equation.split(separator: "->", omittingEmptySubsequences: false).map(String.init)
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let inputs = terms.map { Sample($0.map { Self.sizes[$0] ?? 0 }) }
    try check(inputs, tolerance: 5e-6, probes: 4) {
      try Tensor.einsum(equation, $0)
    } equals: {
      Self.byHand(terms, sides[1], $0)
    }
  }

  /// Letters in alphabetical order, capital ones first, of those that stand once.
  @Test func outputsThatAreNotNamed() throws {
    let (x, y) = try (random([4, 3, 2], seed: 1), random([4, 3], seed: 2))
    for (short, long) in [("dAa,dA", "dAa,dA->a"), ("dba", "dba->abd"), ("dAa", "dAa->Aad")] {
      let operands = short.contains(",") ? [x, y] : [x]
      #expect(
        try Tensor.einsum(short, operands).elements()
          == Tensor.einsum(long, operands).elements())
    }
  }

  @Test func errors() throws {
    let (x, y) = try (Tensor.zeros([2, 3]), Tensor.zeros([3, 4]))
    expectError("einsum: 'j' in \"ij,kj->\" is 3 in operand 1 and 4 in operand 2") {
      try Tensor.einsum("ij,kj->", [x, y])
    }
    expectError("einsum: terms in \"ij,jk\": 2, operands: 3") {
      try Tensor.einsum("ij,jk", [x, y, y])
    }
    expectError("einsum: terms in \"\": 1, operands: 0") { try Tensor.einsum("", []) }
    expectError("einsum: operand 2 has shape [3, 4], and its term in \"ij,j\" 1 letters") {
      try Tensor.einsum("ij,j", [x, y])
    }
    expectError("einsum: '…' in \"i…\" (allowed: letters, \",\" and \"->\")") {
      try Tensor.einsum("i…", [x])
    }
  }
}
