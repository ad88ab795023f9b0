import Glibc
import Tensors
import TestSupport
import Testing

@Suite struct RotaryPositionsTests {
  private func rotated(_ x: Reference, base: Double) -> Reference {
    let width = x.shape[2]
    return Reference(shape: x.shape) { index in
      let (b, t, j) = (index[0], index[1], index[2])
      let angle = Double(t) * pow(base, -Double(j / 2 * 2) / Double(width))
      let (even, odd) = (x[b, t, j / 2 * 2], x[b, t, j / 2 * 2 + 1])
      return j % 2 == 0
        ? even * cos(angle) - odd * sin(angle) : even * sin(angle) + odd * cos(angle)
    }
  }

  @Test(arguments: [
    [2, 3, 4], [1, 1, 2], [3, 7, 10], [2, 131, 6], [0, 3, 4], [2, 0, 4], [2, 3, 0],
  ])
  func againstDoublePrecision(_ shape: [Int]) throws {
    try check([Sample(shape)]) {
      try $0[0].rotatedByPosition()
    } equals: {
      rotated($0[0], base: 10000)
    }
    try check([Sample(shape)]) {
      try $0[0].rotatedByPosition(base: 7)
    } equals: {
      rotated($0[0], base: 7)
    }
  }

  /// More rows than one range of the loop.
  @Test func manyRows() throws {
    try check([[5, 131, 62]], arrangements: Arrangement.distinct, probes: 1) {
      try $0[0].rotatedByPosition()
    } equals: {
      rotated($0[0], base: 10000)
    }
  }

  /// What it is for: products depend on the distance of positions alone.
  @Test func productsDependOnDistance() throws {
    let (t, d) = (40, 6)
    let q = try random([d], seed: 1).expand([1, t, d]).rotatedByPosition()
    let k = try random([d], seed: 2).expand([1, t, d]).rotatedByPosition()
    let products = Reference(try q.matmul(k.transpose(1, 2)))
    let shifted = Reference(shape: [1, t, t]) { index in
      let (i, j) = (index[1], index[2])
      return i >= j ? products[0, i - j, 0] : products[0, 0, j - i]
    }
    expectClose(try q.matmul(k.transpose(1, 2)), shifted, 1e-6)
  }

  @Test func errors() throws {
    expectError("rope: needs a tensor [B, T, D] with an even D, got shape [2, 3, 5]") {
      try Tensor.zeros([2, 3, 5]).rotatedByPosition()
    }
    expectError("rope: needs a tensor [B, T, D] with an even D, got shape [3, 4]") {
      try Tensor.zeros([3, 4]).rotatedByPosition()
    }
  }
}
