import Tensors
import TestSupport
import Testing

/// Values and errors are checked from Lua; here, all layouts and gradients.
@Suite struct DiagonalsTests {
  @Test(arguments: [-9, -3, -1, 0, 1, 2, 5, .min, .max])
  func triangles(_ k: Int) throws {
    let near = min(max(k, -9), 9)
    for shape in [[3, 5], [5, 3], [2, 3, 4], [1, 1], [0, 3], [2, 0]] {
      try check([Sample(shape)]) {
        try $0[0].tril(k)
      } equals: { x in
        Reference(shape: shape) { i in
          i[i.count - 1] <= i[i.count - 2] + near ? x[0][i] : 0
        }
      }
      try check([Sample(shape)]) {
        try $0[0].triu(k)
      } equals: { x in
        Reference(shape: shape) { i in
          i[i.count - 1] >= i[i.count - 2] + near ? x[0][i] : 0
        }
      }
    }
  }

  /// Rows go in parts, on several threads.
  @Test func largeTriangles() throws {
    let x = try random([2, 300, 257])
    let (lower, upper) = (try x.tril(-7), try x.triu(-6))
    #expect(try lower.add(upper).elements() == x.elements())
    #expect(try lower.select(0, 1).diagonal(-6).abs().sum().item() == 0)
    #expect(
      try lower.select(0, 1).diagonal(-7).elements() == x.select(0, 1).diagonal(-7).elements())
  }

  @Test(arguments: [-4, -2, -1, 0, 1, 3, 9])
  func diagonals(_ k: Int) throws {
    let (down, across) = (max(-k, 0), max(k, 0))
    try check([[3, 5]]) {
      try $0[0].diagonal(k)
    } equals: { x in
      Reference(shape: [max(0, min(3 - down, 5 - across))]) { x[0][$0[0] + down, $0[0] + across] }
    }
    try check([[4, 2, 3]]) {
      try $0[0].diagonal(k, -1, 0)
    } equals: { x in
      Reference(shape: [2, max(0, min(3 - down, 4 - across))]) {
        x[0][$0[1] + across, $0[0], $0[1] + down]
      }
    }
    try check([[3, 3]]) {
      try $0[0].diag(k)
    } equals: { x in
      Reference(shape: [max(0, 3 - abs(k))]) { x[0][$0[0] + down, $0[0] + across] }
    }
    try check([[3]]) {
      try $0[0].diag(k)
    } equals: { x in
      Reference(shape: [3 + abs(k), 3 + abs(k)]) {
        $0[1] - $0[0] == k ? x[0][min($0[0], $0[1])] : 0
      }
    }
  }

  @Test func trace() throws {
    try check([[3, 5]]) {
      try $0[0].trace()
    } equals: {
      Reference($0[0][0, 0] + $0[0][1, 1] + $0[0][2, 2])
    }
  }
}
