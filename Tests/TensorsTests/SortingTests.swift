import Tensors
import TestSupport
import Testing

@Suite struct SortingTests {
  static let shapes: [([Int], Int)] = [
    ([1], 0), ([7], 0), ([3, 5], 0), ([3, 5], -1), ([2, 3, 5], 0), ([2, 3, 5], 1), ([2, 3, 5], 2),
    ([2, 1, 3], 1), ([3, 67], 1), ([67, 3], -2), ([0, 3], 1), ([2, 0, 3], 1),
  ]

  @Test(arguments: shapes)
  func sort(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    for descending in [false, true] {
      try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
        try $0[0].sort(d, descending: descending).values
      } equals: {
        $0[0].mapLines(place) { descending ? $0.sorted(by: >) : $0.sorted() }
      }
    }
  }

  @Test(arguments: shapes)
  func topK(_ shape: [Int], _ d: Int) throws {
    let place = d < 0 ? d + shape.count : d
    for (k, largest) in [(0, true), (1, true), (shape[place] / 2, false), (shape[place], true)] {
      guard k <= shape[place] else { continue }
      try check([Sample(shape)], arrangements: Arrangement.distinct, tolerance: 0) {
        try $0[0].topK(k, d, largest: largest).values
      } equals: { x in
        let sorted = x[0].mapLines(place) { largest ? $0.sorted(by: >) : $0.sorted() }
        return Reference(shape: shape.replacing(place, by: k)) { sorted[$0] }
      }
    }
  }

  /// Where few of many are wanted: the order is that of sorting everything, for equals and NaN too.
  @Test(arguments: [[5, 300], [300, 21], [2, 130, 3], [1, 70_000]])
  func fewOfMany(_ shape: [Int]) throws {
    var elements = try random(shape).mul(Tensor(20)).round().elements()
    for (i, value) in [Float.nan, .infinity, -.infinity, .nan, -0.0].enumerated() {
      elements[i * 37] = value
    }
    let x = try Tensor(elements, shape: shape)
    for d in shape.indices {
      for largest in [true, false] {
        let sorted = try x.sort(d, descending: largest).indices
        for k in [1, 4, shape[d] / 4] where k >= 1 && k <= shape[d] {
          #expect(
            try x.topK(k, d, largest: largest).indices.elements()
              == sorted.narrow(d, 0, k).elements(), "\(shape), \(d), \(k)")
        }
      }
    }
  }

  @Test func indicesSayWhereTheValuesStood() throws {
    let x = try random([3, 5, 4]).transpose(0, 2)
    for d in 0..<3 {
      let (values, indices) = try x.sort(d, descending: true)
      #expect(try x.gather(d, indices).elements() == values.elements())
      let top = try x.topK(2, d)
      #expect(try top.indices.elements() == indices.narrow(d, 0, 2).elements())
    }
  }

  @Test func ties() throws {
    let x = try Tensor([2, 1, 2, -0.0, 1, 0])
    #expect(try x.sort().indices.elements() == [3, 5, 1, 4, 0, 2])
    #expect(try x.sort(descending: true).indices.elements() == [0, 2, 1, 4, 3, 5])
    #expect(try x.topK(3).indices.elements() == [0, 2, 1])
    #expect(try x.topK(3, largest: false).indices.elements() == [3, 5, 1])
  }

  @Test func extremes() throws {
    let least = Float.leastNonzeroMagnitude
    let x = try Tensor([1, .nan, -.infinity, .infinity, -.nan, -least, least])
    #expect(try x.sort().indices.elements() == [2, 5, 6, 0, 3, 1, 4])
    #expect(try x.sort(descending: true).indices.elements() == [1, 4, 3, 0, 6, 5, 2])
  }

  /// Lines that are sorted in blocks and merged: equal elements keep their order there too.
  @Test(arguments: [65_536, 65_537, 131_072, 200_003])
  func longLines(_ size: Int) throws {
    let x = try random([size, 2]).mul(Tensor(300)).sub(Tensor(0.5)).transpose(0, 1)
    for row in 0..<2 {
      let elements = try x.select(0, row).elements().map { $0.rounded() }
      let line = try Tensor.stack([Tensor(elements), Tensor(elements)], 1)
      let expected = elements.indices.sorted { (elements[$0], $0) < (elements[$1], $1) }
      let (values, indices) = try line.sort(0)
      #expect(try indices.select(1, 1).elements().map(Int.init) == expected)
      #expect(try values.select(1, 0).elements() == expected.map { elements[$0] })
      let falling = elements.indices.sorted { (-elements[$0], $0) < (-elements[$1], $1) }
      for k in [1, 9, 70_000] where k <= size {
        let top = try Tensor(elements).topK(k).indices.elements()
        #expect(top.map(Int.init) == Array(falling[..<k]), "k = \(k)")
      }
    }
  }

  /// The element taken twice gets both gradients, the others none.
  @Test func gradientOfTopK() throws {
    let x = try Tensor([3, 9, 5, 7]).requireGrad()
    try x.topK(2).values.add(x.topK(1).values).mul(Tensor([1, 10])).sum().backward()
    #expect(x.grad?.elements() == [0, 12, 0, 10])
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    expectError("sort: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") { try x.sort(2) }
    expectError("sort: a 0-dimensional tensor has no dimensions to choose from") {
      try Tensor(1).sort()
    }
    expectError("topk: 4 of the 3 elements in dimension 2 of shape [2, 3]") { try x.topK(4) }
    expectError("topk: -1 of the 2 elements in dimension 1 of shape [2, 3]") { try x.topK(-1, 0) }
  }

  /// Whether this machine has the memory that a tensor of so many elements may ask for.
  private static let countsBeyondPlaces = (try? Tensor(0).expand([1 << 31])) != nil

  @Test(.enabled(if: countsBeyondPlaces, "a tensor of 2³¹ elements is too large here"))
  func placesThatNoIdCanTell() throws {
    let x = try Tensor(0).expand([1 << 31])
    let sentence = "places are told among 2147483647 elements at the most, got 2147483648"
    expectError("sort: \(sentence)") { try x.sort() }
    expectError("topk: \(sentence)") { try x.topK(1) }
    expectError("argmax: \(sentence)") { try x.argmax() }
    expectError("argmin: \(sentence)") { try x.argmin(0) }
    expectError("max: \(sentence)") { try x.max(0) }
    expectError("masked_select: \(sentence)") { try x.maskedSelect(x) }
    expectError("matmul: sizes are at most 2147483647, got [2147483648] × [2147483648]") {
      try x.matmul(x)
    }
  }
}
