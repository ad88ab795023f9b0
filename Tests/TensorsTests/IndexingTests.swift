import Tensors
import TestSupport
import Testing

@Suite struct IndexingTests {
  @Test func rows() throws {
    // Repeated, out of order, and some rows not at all.
    let ids = try IntTensor([4, 0, 0, 2, 4, 4], shape: [2, 3])
    let places = ids.elements().map(Int.init)
    try check([[5, 7]]) {
      try $0[0].rows(ids)
    } equals: { x in
      Reference(shape: [2, 3, 7]) { x[0][places[$0[0] * 3 + $0[1]], $0[2]] }
    }
    try check([[5]]) {
      try $0[0].rows(ids.transpose(0, 1))
    } equals: { x in
      Reference(shape: [3, 2]) { x[0][places[$0[1] * 3 + $0[0]]] }
    }
    try check([[5, 2, 3]]) {
      try $0[0].rows(ids.select(0, 1).select(0, 0).reshape([]))
    } equals: { x in
      Reference(shape: [2, 3]) { x[0][2, $0[0], $0[1]] }
    }
    try check([[5, 3]]) {
      try $0[0].rows(IntTensor([]))
    } equals: { _ in
      Reference(shape: [0, 3], elements: [])
    }
    try check([[5, 0]]) {
      try $0[0].rows(ids)
    } equals: { _ in
      Reference(shape: [2, 3, 0], elements: [])
    }
  }

  /// More rows than one range of the loop.
  @Test func manyRows() throws {
    var stream = RandomStream(seed: 3, purpose: .tensor)
    let places = (0..<1301).map { _ in Int(stream.below(11)) }
    let ids = try IntTensor(places.map { Int32($0) })
    try check([[11, 53]], arrangements: Arrangement.distinct, probes: 3) {
      try $0[0].rows(ids)
    } equals: { x in
      Reference(shape: [1301, 53]) { x[0][places[$0[0]], $0[1]] }
    }
  }

  @Test(arguments: [0, 1, 2, -1])
  func gather(_ d: Int) throws {
    let place = d < 0 ? d + 3 : d
    let shape = [2, 3, 5]
    for size in [1, 4, 0] {
      var stream = RandomStream(seed: 5, purpose: .tensor)
      let wanted = shape.replacing(place, by: size)
      let elements = (0..<wanted.reduce(1, *)).map { _ in
        Int32(stream.below(UInt32(shape[place])))
      }
      let ids = try IntTensor(elements, shape: wanted)
      let places = Reference(shape: wanted, elements: elements.map(Double.init))
      try check([Sample(shape)]) {
        try $0[0].gather(d, ids)
      } equals: { x in
        Reference(shape: wanted) { x[0][$0.replacing(place, by: Int(places[$0]))] }
      }
    }
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    expectError("index: row 3 is outside 1…2") { try x.rows(IntTensor([0, 2, 5])) }
    expectError("index: row 0 is outside 1…2") { try x.rows(IntTensor([0, -1])) }
    expectError("index: a 0-dimensional tensor has no rows") { try Tensor(1).rows(IntTensor([0])) }
    expectError(
      "gather: indices of shape [2, 2] do not fit a tensor of shape [2, 3] "
        + "(only dimension 1 may differ)"
    ) {
      try x.gather(0, IntTensor(shape: [2, 2]))
    }
    expectError(
      "gather: indices of shape [3] do not fit a tensor of shape [2, 3] "
        + "(only dimension 2 may differ)"
    ) {
      try x.gather(1, IntTensor(shape: [3]))
    }
    expectError("gather: index 4 is outside 1…3") {
      try x.gather(1, IntTensor(shape: [2, 1], fill: 3))
    }
    expectError("gather: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try x.gather(2, IntTensor(shape: [2, 1]))
    }
  }
}
