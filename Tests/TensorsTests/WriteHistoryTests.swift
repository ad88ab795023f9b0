import Tensors
import TestSupport
import Testing

/// Gradients of what is written into tensors; refusals and loops stand in tensor_index_test.lua.
@Suite struct WriteHistoryTests {
  @Test func rowsOfConstants() throws {
    try check([[3, 5]]) { x in
      let y = try Tensor.zeros([4, 5])
      for i in 0..<3 { try y.select(0, i).copyInPlace(x[0].select(0, i).square()) }
      return y
    } equals: { x in
      Reference(shape: [4, 5]) { $0[0] == 3 ? 0 : x[0][$0] * x[0][$0] }
    }
  }

  @Test func partsOfResults() throws {
    try check([[3, 4], [3, 1]]) { x in
      let y = try x[0].mul(Tensor(3))
      // Broadcast, through a view that was taken before another write.
      let part = try y.slice([.all, .range(first: 0, count: 2, step: 3)])
      try y.select(0, 1).copyInPlace(Tensor(7))
      try part.copyInPlace(x[1])
      return y
    } equals: { x in
      Reference(shape: [3, 4]) { index in
        if index[1] % 3 == 0 { return x[1][index[0], 0] }
        return index[0] == 1 ? 7 : 3 * x[0][index]
      }
    }
  }

  @Test func maskedPartsAndRows() throws {
    let mask = try Tensor([1, 0, 1])
    let ids = try IntTensor([2, 0, 2])
    try check([[3, 4], [2, 4]]) { x in
      let y = try x[0].mul(Tensor(3))
      try y.write(x[1], where: mask)
      return y
    } equals: { x in
      Reference(shape: [3, 4]) { $0[0] == 1 ? 3 * x[0][$0] : x[1][$0[0] / 2, $0[1]] }
    }
    try check([[3, 4], [3, 4]]) { x in
      let y = try x[0].mul(Tensor(3))
      try y.write(x[1], rows: ids)
      return y
    } equals: { x in
      Reference(shape: [3, 4]) { $0[0] == 1 ? 3 * x[0][$0] : x[1][$0[0] == 0 ? 1 : 2, $0[1]] }
    }
  }

  @Test func updates() throws {
    try check([[3, 4], [4]]) { x in
      let y = try x[0].mul(Tensor(3))
      try y.addInPlace(x[1], scale: -2)
      try y.t().narrow(0, 0, 2).mulInPlace(x[1].slice([.range(first: 1, count: 1, step: 1)]))
      try y.select(0, 0).mulInPlace(y.select(0, 0))
      return y
    } equals: { x in
      Reference(shape: [3, 4]) { index in
        let sum = 3 * x[0][index] - 2 * x[1][index[1]]
        let product = index[1] < 2 ? sum * x[1][1] : sum
        return index[0] == 0 ? product * product : product
      }
    }
  }

  @Test func clones() throws {
    try check([[2, 3]]) { x in
      let y = try Tensor.zeros([2, 3])
      try y.copyInPlace(x[0])
      let before = try y.t().clone()
      try y.select(0, 0).copyInPlace(before.t().select(0, 1))
      return try Tensor.cat([before, y.clone().t()], 0)
    } equals: { x in
      Reference(shape: [6, 2]) { $0[0] < 3 ? x[0][$0[1], $0[0]] : x[0][1, $0[0] - 3] }
    }
  }

  @Test func firstOfTwoSourcesGetsNothing() throws {
    let (a, b) = (try Tensor([1, 2]).requireGrad(), try Tensor([3, 4]).requireGrad())
    let y = try Tensor.zeros([2])
    try y.copyInPlace(a.square())
    try y.narrow(0, 0, 1).copyInPlace(b.narrow(0, 1, 1))
    try y.sum().backward()
    #expect(a.grad?.elements() == [0, 4])
    #expect(b.grad?.elements() == [0, 1])
    // What is overwritten whole is no part of the graph any more.
    let z = try Tensor.zeros([2])
    try z.copyInPlace(a)
    try z.copyInPlace(Tensor(1))
    #expect(!z.requiresGrad)
  }

  @Test func nothingIsRecordedInside() throws {
    let w = try Tensor([1, 2]).requireGrad()
    let y = try Tensor.zeros([2])
    try noGrad { try y.copyInPlace(w) }
    #expect(!y.requiresGrad)
    try y.copyInPlace(w.detach())
    #expect(!y.requiresGrad)
    #expect(try !w.copied().requiresGrad)
  }
}
