import Tensors
import TestSupport
import Testing

/// Updates of optimizers against loops over their elements; against PyTorch's in OptimizerTests.
struct UpdateTests {
  /// Below, at and above what one thread takes at a time.
  static let sizes = [0, 1, 7, 1 << 15, (1 << 15) + 1, 100_003]

  private func numbers(_ count: Int, _ seed: UInt64, from low: Float = -1) throws -> Tensor {
    var stream = RandomStream(seed: seed, purpose: .tensor)
    return try .uniform([count], low: low, high: 1, using: &stream)
  }

  private func expectSame(_ tensor: Tensor, _ expected: [Float], _ label: String) {
    let isSame = tensor.elements().map(\.bitPattern) == expected.map(\.bitPattern)
    #expect(isSame, "\(label) of \(expected.count)")
  }

  @Test(arguments: sizes) func adamW(_ count: Int) throws {
    let step = AdamWStep(
      betas: (0.9, 0.99), shrink: 0.999, stepSize: 0.01, rootCorrection: 0.3, epsilon: 1e-8)
    let p = try numbers(count, 1)
    let (g, m) = (try numbers(count, 2), try numbers(count, 3))
    let v = try numbers(count, 4, from: 0)
    var (ps, ms, vs) = (p.elements(), m.elements(), v.elements())
    let gradients = g.elements()
    for i in 0..<count {
      ms[i] = Float(0.9) * ms[i] + Float(1 - 0.9) * gradients[i]
      vs[i] = Float(0.99) * vs[i] + Float(1 - 0.99) * gradients[i] * gradients[i]
      let denominator = vs[i].squareRoot() / Float(0.3) + Float(1e-8)
      ps[i] = ps[i] * Float(0.999) - Float(0.01) * ms[i] / denominator
    }
    try p.updateAdamW(gradient: g, first: m, second: v, step)
    expectSame(p, ps, "parameters")
    expectSame(m, ms, "first moments")
    expectSame(v, vs, "second moments")
    expectSame(g, gradients, "gradients")
  }

  @Test(arguments: sizes) func sgd(_ count: Int) throws {
    let (p, g) = (try numbers(count, 1), try numbers(count, 2))
    let gradients = g.elements()
    let expected = zip(p.elements(), gradients).map { $0 - Float(0.1) * ($1 + Float(0.2) * $0) }
    try p.updateSGD(gradient: g, SGDStep(rate: 0.1, decay: 0.2))
    expectSame(p, expected, "parameters")
  }

  @Test(arguments: sizes) func sgdWithMomentum(_ count: Int) throws {
    for (isFirst, nesterov) in [(true, false), (false, false), (true, true), (false, true)] {
      let (p, g) = (try numbers(count, 1), try numbers(count, 2))
      // What a buffer holds before the first update does not matter.
      let b = isFirst ? try Tensor.full([count], .nan) : try numbers(count, 3)
      var (ps, bs) = (p.elements(), b.elements())
      for (i, gradient) in g.elements().enumerated() {
        let d = gradient + Float(0.2) * ps[i]
        bs[i] = isFirst ? d : Float(0.9) * bs[i] + d
        ps[i] -= Float(0.1) * (nesterov ? d + Float(0.9) * bs[i] : bs[i])
      }
      try p.updateSGD(
        gradient: g, buffer: b,
        SGDStep(rate: 0.1, decay: 0.2, momentum: 0.9, nesterov: nesterov, isFirst: isFirst))
      expectSame(p, ps, "parameters, first \(isFirst), nesterov \(nesterov)")
      expectSame(b, bs, "buffers, first \(isFirst), nesterov \(nesterov)")
    }
  }

  /// Gradients may be views; what is changed may not, and all have one shape.
  @Test func viewsAndShapes() throws {
    let whole = try Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    let p = try Tensor(full: [3, 2], 0)
    try p.updateSGD(gradient: whole.t(), SGDStep(rate: 1, decay: 0))
    #expect(p.elements() == [0, -3, -1, -4, -2, -5])
    for view in [try whole.t(), try whole.narrow(1, 0, 1).expand([2, 3])] {
      let text =
        "optimizer: a view of shape \(view.shape) does not lie side by side; "
        + "use clone() first"
      expectError(text) {
        try view.updateSGD(gradient: Tensor(full: view.shape, 1), SGDStep(rate: 1, decay: 0))
      }
    }
    #expect(whole.elements() == [0, 1, 2, 3, 4, 5])
    expectError("optimizer: a parameter of shape [3, 2] cannot be updated by [2, 3]") {
      try p.updateSGD(gradient: whole, SGDStep(rate: 1, decay: 0))
    }
  }
}
