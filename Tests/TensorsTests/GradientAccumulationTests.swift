import Synchronization
import Tensors
import TestSupport
import Testing

/// Losses summed over parts: values, gradients, and that the order is that of the parts.
struct GradientAccumulationTests {
  /// Σ_p Σ_i (p + 1)·a_i·b_i over five parts.
  @Test func isTheSumOverParts() throws {
    let a = try Tensor([1, 2, 3]).requireGrad()
    let b = try Tensor([4, 5, 6])
    let loss = try GradientAccumulation.sum(over: [a, b], parts: 5) { inputs, part in
      try inputs[0].mul(inputs[1]).sum().mul(Tensor(Float(part + 1)))
    }
    #expect(try loss.item() == 15 * 32)
    try loss.mul(Tensor(2)).backward()
    #expect(a.grad?.elements() == [120, 150, 180])
    #expect(b.grad == nil)
  }

  @Test func nothingIsRecordedWhereNothingIsTrained() throws {
    let x = try Tensor([2]).requireGrad()
    let wasRecorded = Mutex(false)
    func loss() throws -> Tensor {
      try GradientAccumulation.sum(over: [x], parts: 4) { inputs, _ in
        let value = try inputs[0].sum()
        if value.requiresGrad { wasRecorded.withLock { $0 = true } }
        return value
      }
    }
    let value = try noGrad(loss)
    #expect(try !value.requiresGrad && value.item() == 8)
    #expect(wasRecorded.withLock { !$0 })
    try x.requireGrad(false)
    #expect(try !loss().requiresGrad)
  }

  @Test func theFirstPartsErrorIsTheOne() throws {
    for _ in 0..<10 {
      expectError("test: part 3 fails") {
        try GradientAccumulation.sum(over: [Tensor(1)], parts: 30) { _, part in
          if part >= 3 { throw EngineError("test", "part \(part) fails") }
          return Tensor(0)
        }
      }
    }
  }

  @Test func assembledRows() throws {
    let rows = [0, 3, 3, 4]
    let whole = try Tensor.assembled([6, 2], parts: 4) { part in
      try Tensor(full: [[3, 0, 1, 2][part], 2], Float(part))
    } firstRow: {
      rows[$0]
    }
    #expect(whole.elements() == [0, 0, 0, 0, 0, 0, 2, 2, 3, 3, 3, 3])
    expectError("test: no rows") {
      try Tensor.assembled([2, 2], parts: 2) { part in
        guard part == 0 else { throw EngineError("test", "no rows") }
        return try Tensor(full: [1, 2], 0)
      } firstRow: {
        $0
      }
    }
  }
}
