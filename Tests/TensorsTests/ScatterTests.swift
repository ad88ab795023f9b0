import Tensors
import TestSupport
import Testing

@Suite struct ScatterTests {
  @Test func slices() throws {
    try check([[4, 5, 3]]) {
      try $0[0].slice([.range(first: 1, count: 2, step: 2), .all, .index(2)])
    } equals: { x in
      Reference(shape: [2, 5]) { x[0][1 + 2 * $0[0], $0[1], 2] }
    }
    try check([[4, 5]]) {
      try $0[0].slice([.all, .range(first: 0, count: 2, step: 4)])
    } equals: { x in
      Reference(shape: [4, 2]) { x[0][$0[0], 4 * $0[1]] }
    }
    try check([[4, 5]]) {
      try $0[0].slice([.range(first: 4, count: 0, step: 1)])
    } equals: { _ in
      Reference(shape: [0, 5], elements: [])
    }
    let x = try Tensor.zeros([4, 5])
    expectError("slice: 3 entries for a tensor of shape [4, 5]") {
      try x.slice([.all, .all, .all])
    }
    for bad in [
      Slice.index(4), .index(-1), .range(first: 3, count: 2, step: 1),
      .range(first: 0, count: 2, step: .max), .range(first: 0, count: 2, step: 4),
    ] {
      #expect(throws: EngineError.self, "\(bad)") { try x.slice([bad]) }
    }
  }

  @Test func indexSelect() throws {
    let ids = try IntTensor([4, 0, 4])
    for d in 0..<3 {
      try check([[5, 6, 7]]) {
        try $0[0].indexSelect(d, ids)
      } equals: { x in
        let shape = [5, 6, 7].replacing(d, by: 3)
        return Reference(shape: shape) { x[0][$0.replacing(d, by: [4, 0, 4][$0[d]])] }
      }
    }
  }

  @Test func indexAdd() throws {
    let ids = try IntTensor([4, 0, 4])
    for d in 0..<3 {
      let shape = [5, 6, 7].replacing(d, by: 3)
      try check([[5, 6, 7], Sample(shape)]) {
        try $0[0].indexAdd(d, ids, $0[1])
      } equals: { x in
        Reference(shape: [5, 6, 7]) { index in
          [4, 0, 4].enumerated().reduce(x[0][index]) { sum, id in
            id.1 == index[d] ? sum + x[1][index.replacing(d, by: id.0)] : sum
          }
        }
      }
    }
  }

  /// Ids of which some name one place twice.
  private let ids: [[Int32]] = [[2, 2, 0], [1, 0, 1]]

  @Test func scatter() throws {
    let flat = try IntTensor(ids.flatMap { $0 }, shape: [2, 3])
    try check([[2, 4], [2, 3]]) {
      try $0[0].scatter(1, flat, $0[1])
    } equals: { x in
      Reference(shape: [2, 4]) { index in
        let last = ids[index[0]].lastIndex(of: Int32(index[1]))
        return last.map { x[1][index[0], $0] } ?? x[0][index]
      }
    }
    // One number for all, along the first dimension of a transposed tensor.
    try check([[4, 2], []]) {
      try $0[0].scatter(0, flat.t(), $0[1])
    } equals: { x in
      Reference(shape: [4, 2]) { index in
        ids[index[1]].contains(Int32(index[0])) ? x[1][[]] : x[0][index]
      }
    }
  }

  @Test func scatterAdd() throws {
    let flat = try IntTensor(ids.flatMap { $0 }, shape: [2, 3])
    try check([[2, 4], [2, 3]]) {
      try $0[0].scatterAdd(1, flat, $0[1])
    } equals: { x in
      Reference(shape: [2, 4]) { index in
        (0..<3).reduce(x[0][index]) { sum, j in
          ids[index[0]][j] == Int32(index[1]) ? sum + x[1][index[0], j] : sum
        }
      }
    }
  }

  @Test func masks() throws {
    let mask = try Tensor([1, 0, 1, 0, 1, 1], shape: [2, 3])
    try check([[2, 3], [3]]) {
      try $0[0].maskedFill(mask, $0[1])
    } equals: { x in
      Reference(shape: [2, 3]) { index in
        [1, 0, 1, 0, 1, 1][index[0] * 3 + index[1]] == 0 ? x[0][index] : x[1][index[1]]
      }
    }
    let places = [[0, 0], [0, 2], [1, 1], [1, 2]]
    try check([[2, 3, 5]]) {
      try $0[0].masked(by: mask)
    } equals: { x in
      Reference(shape: [4, 5]) { x[0][places[$0[0]] + [$0[1]]] }
    }
    #expect(try mask.nonzero().elements() == places.flatMap { $0.map(Int32.init) })
  }
}
