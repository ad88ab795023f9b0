import Tensors
import TestSupport
import Testing

@Suite struct ShapeTests {
  @Test func reshape() throws {
    try check([[2, 3, 5]]) {
      try $0[0].reshape([6, 5])
    } equals: {
      $0[0].reshaped([6, 5])
    }
    try check([[2, 3, 5]]) {
      try $0[0].reshape([5, -1, 3])
    } equals: {
      $0[0].reshaped([5, 2, 3])
    }
    try check([[3, 5]]) {
      try $0[0].reshape([-1])
    } equals: {
      $0[0].reshaped([15])
    }
    try check([[1, 1]]) {
      try $0[0].reshape([])
    } equals: {
      $0[0].reshaped([])
    }
    try check([[]]) {
      try $0[0].reshape([1, -1, 1])
    } equals: {
      $0[0].reshaped([1, 1, 1])
    }
    try check([[0, 3]]) {
      try $0[0].reshape([7, 0])
    } equals: {
      $0[0].reshaped([7, 0])
    }
    try check([[0, 3]]) {
      try $0[0].reshape([-1, 3])
    } equals: {
      $0[0].reshaped([0, 3])
    }
  }

  @Test func contiguous() throws {
    for shape in [[], [1], [7], [3, 5], [2, 3, 5], [0, 3], [2, 0, 3]] {
      try check([Sample(shape)]) {
        try $0[0].contiguous()
      } equals: {
        $0[0]
      }
    }
  }

  /// Copies of strided matrices go tile by tile, 32 at a time.
  @Test(arguments: [[1, 1], [1, 67], [67, 1], [31, 33], [32, 32], [33, 97], [97, 1021]])
  func transposedCopies(_ shape: [Int]) throws {
    let x = try random(shape)
    expectClose(try x.t().contiguous(), Reference(x).transposed(0, 1), 0, "\(shape)")
    let part = try x.narrow(0, shape[0] / 2, 1).t().clone()
    #expect(part.layout.isContiguous)
    let row = Array(x.elements()[(shape[0] / 2) * shape[1]..<(shape[0] / 2 + 1) * shape[1]])
    #expect(part.elements() == row)
  }

  /// Views of three dimensions over several parallel ranges: read as a whole and one by one.
  @Test func largeViews() throws {
    let x = try random([41, 53, 67])
    for view in [try x.transpose(0, 2), try x.transpose(1, 2), try x.narrow(1, 3, 47)] {
      let elements = view.elements()
      #expect(try view.clone().elements() == elements)
      let (rows, columns) = (view.shape[1], view.shape[2])
      for (i, j, k) in [(0, 0, 0), (40, 46, 40), (17, 5, 31)] {
        let item = try view.select(0, i).select(0, j).select(0, k).item()
        #expect(elements[(i * rows + j) * columns + k] == item)
      }
    }
  }

  /// What changes in place may be read at the same time, in another order.
  @Test func inPlaceFromItself() throws {
    let x = try random([211, 211])
    let (before, mirrored) = (x.elements(), try x.t().elements())
    try x.addInPlace(x.t(), scale: 2)
    #expect(x.elements() == zip(before, mirrored).map { $0 + 2 * $1 })
    let line = try random([70_001])
    let first = line.elements()
    try line.narrow(0, 1, 70_000).copyInPlace(line.narrow(0, 0, 70_000))
    #expect(line.elements() == [first[0]] + first.dropLast())
    try line.narrow(0, 0, 3).mulInPlace(line.narrow(0, 1, 1))
    #expect(
      line.elements()[..<3] == [first[0] * first[0], first[0] * first[0], first[1] * first[0]])
    let held = try line.narrow(0, 69_998, 3).elements()
    try line.narrow(0, 0, 69_998).copyInPlace(Tensor(7))
    #expect(line.elements() == [Float](repeating: 7, count: 69_998) + held)
  }

  @Test func transpose() throws {
    try check([[3, 5]]) {
      try $0[0].t()
    } equals: {
      $0[0].transposed(0, 1)
    }
    try check([[2, 3, 5]]) {
      try $0[0].transpose(0, 1)
    } equals: {
      $0[0].transposed(0, 1)
    }
    try check([[2, 3, 5]]) {
      try $0[0].transpose(-1, 0)
    } equals: {
      $0[0].transposed(0, 2)
    }
    try check([[2, 3, 5]]) {
      try $0[0].transpose(1, 1)
    } equals: {
      $0[0]
    }
    try check([[0, 3]]) {
      try $0[0].t()
    } equals: {
      $0[0].transposed(0, 1)
    }
  }

  @Test func expand() throws {
    try check([[3, 1]]) {
      try $0[0].expand([3, 5])
    } equals: {
      $0[0].expanded([3, 5])
    }
    try check([[5]]) {
      try $0[0].expand([2, 3, 5])
    } equals: {
      $0[0].expanded([2, 3, 5])
    }
    try check([[]]) {
      try $0[0].expand([2, 3])
    } equals: {
      $0[0].expanded([2, 3])
    }
    try check([[3, 5]]) {
      try $0[0].expand([3, 5])
    } equals: {
      $0[0]
    }
    try check([[2, 1, 3]]) {
      try $0[0].expand([7, 2, 5, 3])
    } equals: {
      $0[0].expanded([7, 2, 5, 3])
    }
    try check([[2, 1, 3]]) {
      try $0[0].expand([7, -1, 5, -1])
    } equals: {
      $0[0].expanded([7, 2, 5, 3])
    }
    try check([[1, 3]]) {
      try $0[0].expand([0, 3])
    } equals: {
      $0[0].expanded([0, 3])
    }
  }

  @Test func narrowAndSelect() throws {
    try check([[2, 7, 5]]) {
      try $0[0].narrow(1, 2, 3)
    } equals: { x in
      Reference(shape: [2, 3, 5]) { x[0][$0[0], $0[1] + 2, $0[2]] }
    }
    try check([[7, 5]]) {
      try $0[0].narrow(-1, 4, 1)
    } equals: { x in
      Reference(shape: [7, 1]) { x[0][$0[0], 4] }
    }
    try check([[7, 5]]) {
      try $0[0].narrow(0, 7, 0)
    } equals: { _ in
      Reference(shape: [0, 5], elements: [])
    }
    try check([[2, 7, 5]]) {
      try $0[0].select(1, 6)
    } equals: { x in
      Reference(shape: [2, 5]) { x[0][$0[0], 6, $0[1]] }
    }
    try check([[7]]) {
      try $0[0].select(-1, 3)
    } equals: {
      Reference($0[0][3])
    }
  }

  @Test func cat() throws {
    for d in [0, 1, 2, -1] {
      let place = d < 0 ? d + 3 : d
      var shapes = [[2, 3, 5], [2, 3, 5], [2, 3, 5]]
      shapes[1][place] = 1
      shapes[2][place] = 4
      let sizes = shapes.map { $0[place] }
      try check(shapes.map { Sample($0) }) {
        try Tensor.cat($0, d)
      } equals: { x in
        Reference(shape: [2, 3, 5].replacing(place, by: sizes.reduce(0, +))) { index in
          var (i, which) = (index[place], 0)
          while i >= sizes[which] {
            i -= sizes[which]
            which += 1
          }
          return x[which][index.replacing(place, by: i)]
        }
      }
    }
    try check([[3]]) {
      try Tensor.cat($0, 0)
    } equals: {
      $0[0]
    }
    try check([[0, 3], [2, 3], [0, 3]]) {
      try Tensor.cat($0, 0)
    } equals: {
      $0[1]
    }
  }

  /// One tensor used twice gets both parts of the gradient.
  @Test func catOfOneTensorTwice() throws {
    try check([[2, 3]]) {
      try Tensor.cat([$0[0], $0[0]], 1)
    } equals: { x in
      Reference(shape: [2, 6]) { x[0][$0[0], $0[1] % 3] }
    }
  }

  @Test func stack() throws {
    for d in [0, 1, 2, -1, -3] {
      let place = d < 0 ? d + 3 : d
      try check([[3, 5], [3, 5]]) {
        try Tensor.stack($0, d)
      } equals: { x in
        var shape = [3, 5]
        shape.insert(2, at: place)
        return Reference(shape: shape) { index in
          var index = index
          let which = index.remove(at: place)
          return x[which][index]
        }
      }
    }
    try check([[], []]) {
      try Tensor.stack($0, 0)
    } equals: {
      Reference(shape: [2], elements: [$0[0][[]], $0[1][[]]])
    }
  }

  @Test func viewsShareTheirStorage() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    let views = try [
      x.t(), x.narrow(1, 1, 1), x.select(0, 1), x.reshape([3, 2]), x.detach(),
      x.expand([2, 2, 3]), x.contiguous(),
    ]
    let copies = try [x.clone(), x.t().contiguous(), x.t().reshape([6])]
    try x.copyInPlace(Tensor(9))
    for view in views { #expect(view.elements().allSatisfy { $0 == 9 }) }
    for copy in copies { #expect(copy.elements().allSatisfy { $0 < 9 }) }
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    expectError("reshape: [2, 3] has 6 elements and cannot become [4, 2]") {
      try x.reshape([4, 2])
    }
    expectError("reshape: [2, 3] has 6 elements and cannot become [4, -1]") {
      try x.reshape([4, -1])
    }
    expectError("reshape: [2, 3] has 6 elements and cannot become [-1, -1]") {
      try x.reshape([-1, -1])
    }
    expectError("reshape: [2, 3] has 6 elements and cannot become [-2, -3]") {
      try x.reshape([-2, -3])
    }
    expectError("reshape: [2, 3] has 6 elements and cannot become [0, -1]") {
      try x.reshape([0, -1])
    }
    expectError("reshape: a tensor of shape [4611686018427387904, 4] is too large") {
      try x.reshape([1 << 62, 4])
    }
    expectError("transpose: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try x.transpose(0, 2)
    }
    expectError("transpose: dimension -3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try x.transpose(-3, 0)
    }
    expectError("select: a 0-dimensional tensor has no dimensions to choose from") {
      try Tensor(1).select(0, 0)
    }
    expectError("t: needs a matrix, got shape [3]") { try Tensor.zeros([3]).t() }
    expectError("expand: shape [2, 3] does not broadcast to [3]") { try x.expand([3]) }
    expectError("expand: shape [2, 3] does not broadcast to [4, 3]") { try x.expand([4, 3]) }
    expectError("expand: sizes must not be negative, got [-2, 3]") { try x.expand([-2, 3]) }
    expectError("expand: dimension 1 of [-1, 2, 3] is new: shape [2, 3] has no size to keep there")
    {
      try x.expand([-1, 2, 3])
    }
    expectError("expand: a tensor of shape [1099511627776, 2, 3] is too large") {
      try x.expand([1 << 40, 2, 3])
    }
    expectError("narrow: 3 elements from index 2 do not fit in dimension 2 of shape [2, 3]") {
      try x.narrow(1, 1, 3)
    }
    expectError("narrow: 1 elements from index 0 do not fit in dimension 1 of shape [2, 3]") {
      try x.narrow(0, -1, 1)
    }
    expectError("narrow: -1 elements from index 1 do not fit in dimension 1 of shape [2, 3]") {
      try x.narrow(0, 0, -1)
    }
    expectError("narrow: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try x.narrow(2, 0, 1)
    }
    expectError("select: index 3 in dimension 1 of shape [2, 3] (allowed: 1…2)") {
      try x.select(0, 2)
    }
    expectError("select: index 0 in dimension 2 of shape [2, 3] (allowed: 1…3)") {
      try x.select(-1, -1)
    }
    expectError("cat: the list is empty") { try Tensor.cat([], 0) }
    expectError("cat: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try Tensor.cat([x], 2)
    }
    expectError("cat: tensor 2 has shape [3], the first [2, 3]") {
      try Tensor.cat([x, Tensor.zeros([3])], 0)
    }
    expectError(
      "cat: tensor 3 has shape [2, 2], the first [2, 3]: only dimension 1 may differ"
    ) {
      try Tensor.cat([x, x, Tensor.zeros([2, 2])], 0)
    }
    expectError("stack: the list is empty") { try Tensor.stack([], 0) }
    expectError("stack: dimension 4 (allowed: 1…3)") { try Tensor.stack([x, x], 3) }
    expectError("stack: dimension -4 (allowed: 1…3)") { try Tensor.stack([x, x], -4) }
    expectError("stack: shapes [2, 3] and [3, 2] differ") { try Tensor.stack([x, x.t()], 0) }
  }
}
