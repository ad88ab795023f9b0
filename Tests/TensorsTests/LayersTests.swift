import Tensors
import TestSupport
import Testing

/// Layers that are no operation of their own: linear, RMS norm, dropout.
@Suite struct LayersTests {
  @Test(arguments: [[4], [0, 4], [2, 3, 4]])
  func linear(_ shape: [Int]) throws {
    try check([Sample(shape), [5, 4], [5]]) {
      try $0[0].linear($0[1], bias: $0[2])
    } equals: {
      Reference.combine(Reference.matmul($0[0], $0[1].transposed(0, 1)), $0[2], +)
    }
  }

  @Test func linearErrors() throws {
    let weight = try Tensor.zeros([5, 4])
    func misfit(_ x: [Int], _ weight: [Int]) -> String {
      "linear: x [..., in] and weight [out, in] do not fit, got \(x) and \(weight)"
    }
    expectError(misfit([2, 5], [5, 4])) { try Tensor.zeros([2, 5]).linear(weight) }
    expectError(misfit([], [5, 4])) { try Tensor(1).linear(weight) }
    expectError(misfit([4], [4])) { try Tensor.zeros([4]).linear(.zeros([4])) }
    expectError("linear: a weight [5, 4] needs a bias [5], got [4]") {
      try Tensor.zeros([4]).linear(weight, bias: .zeros([4]))
    }
  }

  @Test(arguments: [[5], [0, 5], [3, 5], [2, 3, 1]], [Float(0x1p-23), 0.5])
  func rmsNorm(_ shape: [Int], _ eps: Float) throws {
    let n = shape[shape.count - 1]
    // Away from 0, where a row of one element jumps.
    try check([Sample(shape, 0.5...2), Sample([n])]) {
      try $0[0].rmsNorm(weight: $0[1], eps: eps)
    } equals: {
      let normalized = $0[0].mapLines(shape.count - 1) { row in
        let square = row.reduce(0) { $0 + $1 * $1 } / Double(n) + Double(eps)
        return row.map { $0 / square.squareRoot() }
      }
      return Reference.combine(normalized, $0[1], *)
    }
  }

  @Test func rmsNormDefaults() throws {
    let rows = try Tensor([3, 4, 0, 0], shape: [2, 2]).rmsNorm()
    let root = 12.5.squareRoot()
    expectClose(rows, Reference(shape: [2, 2], elements: [3 / root, 4 / root, 0, 0]))
    expectError("rms_norm: rows of 2 elements need a weight of shape [2], got [3]") {
      try rows.rmsNorm(weight: .zeros([3]))
    }
    expectError("rms_norm: eps must not be negative, got -1.0") { try rows.rmsNorm(eps: -1) }
    expectError("rms_norm: a 0-dimensional tensor has no rows to normalise") {
      try Tensor(1).rmsNorm()
    }
  }

  @Test(arguments: [Float(0), 0.25, 0.9])
  func dropout(_ p: Float) throws {
    var stream = RandomStream(seed: 1, purpose: .tensor)
    let x = try random([40000], seed: 2).requireGrad()
    let y = try x.dropout(p, using: &stream)
    try y.sum().backward()
    let factors = try #require(x.grad).elements()
    let kept = 1 / (1 - p)
    #expect(Set(factors) == (p == 0 ? [1] : [0, kept]))
    #expect(y.elements() == zip(x.elements(), factors).map(*))
    let share = Float(factors.count { $0 == 0 }) / 40000
    // Four standard deviations.
    #expect(abs(share - p) <= 4 * (p * (1 - p) / 40000).squareRoot())
  }

  @Test func dropoutErrors() throws {
    var stream = RandomStream(seed: 1, purpose: .tensor)
    for (p, text) in [(Float(1), "1.0"), (-0.5, "-0.5"), (.nan, "nan")] {
      expectError(
        "dropout: the probability must be at least 0 and below 1, got \(text)"
      ) { try Tensor.ones([2]).dropout(p, using: &stream) }
    }
  }
}
