import Tensors
import TestSupport
import Testing

/// Values and errors are checked from Lua, for numbers and integers alike; here, all layouts and
/// gradients.
@Suite struct RearrangementTests {
  @Test func permute() throws {
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [-1, 1, 0], [0, -1, -2]] {
      let places = order.map { $0 < 0 ? $0 + 3 : $0 }
      let shape = [2, 3, 5]
      try check([[2, 3, 5]]) {
        try $0[0].permute(order)
      } equals: { x in
        Reference(shape: places.map { shape[$0] }) { index in
          var source = index
          for (i, place) in places.enumerated() { source[place] = index[i] }
          return x[0][source]
        }
      }
    }
    try check([[]]) {
      try $0[0].permute([])
    } equals: {
      $0[0]
    }
  }

  @Test func dimensionsOfSizeOne() throws {
    for (d, shape) in [(nil, [3, 5]), (0, [3, 1, 5]), (2, [1, 3, 5]), (-1, [1, 3, 1, 5])] {
      try check([[1, 3, 1, 5]]) {
        try $0[0].squeeze(d)
      } equals: {
        $0[0].reshaped(shape)
      }
    }
    for (d, shape) in [(0, [1, 3, 5]), (1, [3, 1, 5]), (2, [3, 5, 1]), (-1, [3, 5, 1])] {
      try check([[3, 5]]) {
        try $0[0].unsqueeze(d)
      } equals: {
        $0[0].reshaped(shape)
      }
    }
    try check([[]]) {
      try $0[0].unsqueeze(0)
    } equals: {
      $0[0].reshaped([1])
    }
  }

  @Test func joinedAndParted() throws {
    for (range, shape) in [((0, -1), [30]), ((1, 2), [2, 15]), ((-3, 1), [6, 5])] {
      try check([[2, 3, 5]]) {
        try $0[0].flatten(range.0, range.1)
      } equals: {
        $0[0].reshaped(shape)
      }
    }
    try check([[]]) {
      try $0[0].flatten()
    } equals: {
      $0[0].reshaped([1])
    }
    try check([[5, 6]]) {
      try $0[0].unflatten(1, [2, -1])
    } equals: {
      $0[0].reshaped([5, 2, 3])
    }
    try check([[6, 5]]) {
      try $0[0].unflatten(-2, [3, 1, 2])
    } equals: {
      $0[0].reshaped([3, 1, 2, 5])
    }
  }

  @Test func repetitions() throws {
    for (d, shape) in [(0, [6, 5]), (1, [2, 15])] {
      try check([[2, 5]]) {
        try $0[0].repeatInterleave(3, d)
      } equals: { x in
        Reference(shape: shape) { x[0][$0.replacing(d, by: $0[d] / 3)] }
      }
    }
    try check([[2, 5]]) {
      try $0[0].repeatInterleave(2)
    } equals: { x in
      Reference(shape: [20]) { x[0].elements[$0[0] / 2] }
    }
    let counts = try IntTensor([2, 0, 1, 3])
    let entries = [0, 0, 2, 3, 3, 3]
    try check([[3, 4, 2]]) {
      try $0[0].repeatInterleave(counts, 1)
    } equals: { x in
      Reference(shape: [3, 6, 2]) { x[0][$0[0], entries[$0[1]], $0[2]] }
    }
    try check([[2, 3]]) {
      try $0[0].tile([2, 1, 3])
    } equals: { x in
      Reference(shape: [2, 2, 9]) { x[0][$0[1], $0[2] % 3] }
    }
    try check([[2, 3, 5]]) {
      try $0[0].tile([2])
    } equals: { x in
      Reference(shape: [2, 3, 10]) { x[0][$0[0], $0[1], $0[2] % 5] }
    }
    try check([[2, 3]]) {
      try $0[0].tile([0, 1])
    } equals: { _ in
      Reference(shape: [0, 3], elements: [])
    }
  }

  /// The gradients of several pieces come together in one.
  @Test func pieces() throws {
    try check([[7, 2]]) {
      let parts = try $0[0].split(3)
      #expect(parts.map(\.shape) == [[3, 2], [3, 2], [1, 2]])
      return try parts[0].mul(parts[1]).add(parts[2])
    } equals: { x in
      Reference(shape: [3, 2]) { i in x[0][i] * x[0][i[0] + 3, i[1]] + x[0][6, i[1]] }
    }
    try check([[3, 6]]) {
      let parts = try $0[0].split([1, 2, 3], -1)
      return try Tensor.cat([parts[2], parts[0]], 1)
    } equals: { x in
      Reference(shape: [3, 4]) { x[0][$0[0], $0[1] < 3 ? $0[1] + 3 : 0] }
    }
    try check([[2, 6]]) {
      let parts = try $0[0].chunk(2, 1)
      return try parts[0].mul(parts[1])
    } equals: { x in
      Reference(shape: [2, 3]) { x[0][$0[0], $0[1]] * x[0][$0[0], $0[1] + 3] }
    }
    try check([[2, 3, 5]]) {
      let parts = try $0[0].unbind(1)
      return try parts[0].mul(parts[1]).add(parts[0])
    } equals: { x in
      Reference(shape: [2, 5]) { i in
        x[0][i[0], 0, i[1]] * (x[0][i[0], 1, i[1]] + 1)
      }
    }
  }

  @Test func moves() throws {
    for dimensions in [[], [0], [2], [0, -2], [2, 1, 0]] {
      let places = dimensions.map { $0 < 0 ? $0 + 3 : $0 }
      let shape = [2, 3, 5]
      try check([[2, 3, 5]]) {
        try $0[0].flip(dimensions)
      } equals: { x in
        Reference(shape: shape) { index in
          x[0][index.indices.map { places.contains($0) ? shape[$0] - 1 - index[$0] : index[$0] }]
        }
      }
    }
    for shift in [0, 2, -1, 12, -23, .min, .max] {
      let offset = (shift % 5 + 5) % 5
      try check([[3, 5]]) {
        try $0[0].roll(shift, 1)
      } equals: { x in
        Reference(shape: [3, 5]) { x[0][$0[0], ($0[1] + 5 - offset) % 5] }
      }
    }
    try check([[3, 5]]) {
      try $0[0].roll(4)
    } equals: { x in
      Reference(shape: [3, 5]) { x[0].elements[($0[0] * 5 + $0[1] + 11) % 15] }
    }
  }

  /// Lines that lie side by side are copied as a whole, in either direction, between views.
  @Test(arguments: [15, 16, 41]) func longLines(_ length: Int) throws {
    let x = try random([5, 3, length])
    let plain = Reference(x)
    for (copy, source) in try [
      (x.flip([2]), { length - 1 - $0 }), (x.flip([2]).flip([2]), { $0 }),
      (x.roll(4, 2), { ($0 + length - 4) % length }), (x.roll(-1, -1), { ($0 + 1) % length }),
    ] as [(Tensor, (Int) -> Int)] {
      expectClose(
        copy, Reference(shape: x.shape) { plain[$0[0], $0[1], source($0[2])] }, 0, "\(length)")
    }
    let part = try x.narrow(2, 1, length - 1).narrow(1, 1, 2)
    #expect(try part.clone().elements() == part.elements())
    let moved = try part.permute([1, 0, 2])
    #expect(try moved.clone().elements() == moved.elements())
  }

  /// Copies of large tensors from their ends go in parts, on several threads.
  @Test func largeFlips() throws {
    let x = try random([70_001])
    #expect(try x.flip([0]).elements() == x.elements().reversed())
    let ids = try IntTensor((0..<70_001).map { Int32($0) }).reshape([70_001, 1]).expand([70_001, 3])
    #expect(try ids.flip([0, 1]).elements() == ids.elements().reversed())
    #expect(
      try IntTensor.cat([ids.t(), ids.t()], 1).select(0, 2).narrow(0, 70_000, 2).elements()
        == [70_000, 0])
  }

  @Test func viewsShareTheirStorage() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3])
    let views =
      try [
        x.permute([2, 0, 1]), x.squeeze(), x.unsqueeze(1), x.flatten(1), x.unflatten(1, [1, 2]),
        x.squeeze().diagonal(1), x.squeeze().diag(),
      ] + x.split(2, 2) + x.chunk(2, 1) + x.unbind(2)
    let copies = try [
      x.flip([0]), x.roll(0, 1), x.tile([2]), x.repeatInterleave(2, 0), x.tril(9), x.triu(-9),
    ]
    try x.copyInPlace(Tensor(9))
    for view in views { #expect(view.elements().allSatisfy { $0 == 9 }) }
    for copy in copies { #expect(copy.elements().allSatisfy { $0 < 9 }) }
  }
}
