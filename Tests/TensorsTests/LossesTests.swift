import Glibc
import Tensors
import TestSupport
import Testing

@Suite struct LossesTests {
  static let shapes = [[], [0], [7], [3, 1, 4]]

  @Test(arguments: shapes)
  func squaredErrors(_ shape: [Int]) throws {
    try check([Sample(shape), Sample(shape)]) {
      try $0[0].squaredErrors($0[1])
    } equals: {
      Reference.combine($0[0], $0[1]) { ($0 - $1) * ($0 - $1) }
    }
  }

  @Test(arguments: shapes)
  func divergences(_ shape: [Int]) throws {
    try check([Sample(shape, -4...0), Sample(shape, 0.05...1)]) {
      try $0[0].divergences($0[1])
    } equals: {
      Reference.combine($0[0], $0[1]) { $1 * (log($1) - $0) }
    }
  }

  @Test(arguments: shapes)
  func binaryCrossEntropies(_ shape: [Int]) throws {
    try check([Sample(shape, 0.05...0.95), Sample(shape, 0...1)]) {
      try $0[0].binaryCrossEntropies($0[1])
    } equals: {
      Reference.combine($0[0], $0[1]) { -($1 * log($0) + (1 - $1) * log1p(-$0)) }
    }
  }

  @Test(arguments: shapes)
  func binaryCrossEntropiesOfLogits(_ shape: [Int]) throws {
    try check([Sample(shape, -6...6), Sample(shape, 0...1)]) {
      try $0[0].binaryCrossEntropiesOfLogits($0[1])
    } equals: {
      Reference.combine($0[0], $0[1]) { max($0, 0) - $0 * $1 + log1p(exp(-abs($0))) }
    }
  }

  /// Small losses are as exact as large ones, relative to themselves.
  @Test func lossesNearZero() throws {
    let p: [Float] = [1e-9, 3e-5, 0.01, 0.4]
    let losses = try Tensor(p).binaryCrossEntropies(.zeros([4])).elements()
    for (loss, p) in zip(losses, p) {
      #expect(abs(Double(loss) + log1p(-Double(p))) < 3e-7 * Double(loss), "p = \(p)")
    }
    let x: [Float] = [-30, -10, -4, 0]
    let ofLogits = try Tensor(x).binaryCrossEntropiesOfLogits(.zeros([4])).elements()
    for (loss, x) in zip(ofLogits, x) {
      #expect(abs(Double(loss) - log1p(exp(Double(x)))) < 3e-7 * Double(loss), "x = \(x)")
    }
  }

  static let rowShapes: [(shape: [Int], ids: [Int32])] = [
    ([4], [2]), ([0, 4], []), ([3, 5], [4, 0, 2]), ([2, 2, 3], [0, 2, 1, 1]),
  ]

  private func targets(_ shape: [Int], _ ids: [Int32]) throws -> IntTensor {
    try IntTensor(ids, shape: Array(shape.dropLast()))
  }

  @Test(arguments: rowShapes)
  func negativeLogLikelihoods(_ shape: [Int], _ ids: [Int32]) throws {
    let targets = try targets(shape, ids)
    try check([Sample(shape)]) {
      try $0[0].negativeLogLikelihoods(targets)
    } equals: { x in
      let n = shape[shape.count - 1]
      return Reference(
        shape: targets.shape,
        elements: ids.enumerated().map { -x[0].elements[$0.offset * n + Int($0.element)] })
    }
  }

  @Test(arguments: rowShapes, LossReduction.allCases)
  func crossEntropy(_ rows: (shape: [Int], ids: [Int32]), _ reduction: LossReduction) throws {
    // The mean of nothing is NaN.
    if rows.ids.isEmpty && reduction == .mean { return }
    let (shape, ids) = rows
    let targets = try targets(shape, ids)
    let weights = ids.indices.map { [0.5, 0, 2, 1][$0] }
    let mask = try Tensor(weights.map { Float($0) }, shape: targets.shape)
    for (smoothing, mask) in [(0.0, nil), (0.0, mask), (0.25, nil), (0.25, mask), (1.0, nil)] {
      try check([Sample(shape)]) {
        try $0[0].crossEntropy(
          targets, mask: mask, reduction: reduction, labelSmoothing: Float(smoothing))
      } equals: { x in
        let n = shape[shape.count - 1]
        let own = mask == nil ? ids.map { _ in 1.0 } : weights
        let losses = ids.indices.map { row -> Double in
          let logits = Array(x[0].elements[row * n..<(row + 1) * n])
          let expected = logits.enumerated().reduce(0.0) {
            let share = smoothing / Double(n) + ($1.offset == Int(ids[row]) ? 1 - smoothing : 0)
            return $0 + share * $1.element
          }
          return own[row] * (logSumExp(logits) - expected)
        }
        let sum = losses.reduce(0, +)
        return switch reduction {
        case .none: Reference(shape: targets.shape, elements: losses)
        case .sum: Reference(sum)
        case .mean: Reference(sum / own.reduce(0, +))
        }
      }
    }
  }

  @Test func reductions() throws {
    let x = try Tensor([1, 2, 6], shape: [3, 1])
    #expect(try x.reduced(.mean).item() == 3)
    #expect(try x.reduced(.sum).item() == 9)
    #expect(try x.reduced(.none) === x)
    #expect(try Tensor.zeros([0]).reduced(.mean).item().isNaN)
  }

  /// A row of weight 0 counts for nothing, whatever its loss.
  @Test func crossEntropyLeavesInfiniteRowsOut() throws {
    let logits = try Tensor([-.infinity, 0, 1, 1], shape: [2, 2]).requireGrad()
    let loss = try logits.crossEntropy(
      IntTensor([0, 0]), mask: Tensor([0, 1]), reduction: .none, labelSmoothing: 0.5)
    expectClose(loss, Reference(shape: [2], elements: [0, log(2)]))
    try loss.sum().backward()
    expectClose(
      try #require(logits.grad), Reference(shape: [2, 2], elements: [0, 0, -0.25, 0.25]))
  }

  @Test func errors() throws {
    let x = try Tensor.zeros([2, 3])
    let misfit = "the input has shape [2, 3], the target [3]; they must be equal"
    let other = try Tensor.zeros([3])
    expectError("mse_loss: \(misfit)") { try x.squaredErrors(other) }
    expectError("kl_div: \(misfit)") { try x.divergences(other) }
    expectError("binary_cross_entropy: \(misfit)") { try x.binaryCrossEntropies(other) }
    expectError("binary_cross_entropy_with_logits: \(misfit)") {
      try x.binaryCrossEntropiesOfLogits(other)
    }
    for (wrong, text) in [(1.5, "1.5"), (-0.25, "-0.25"), (Float.nan, "nan")] {
      expectError(
        "binary_cross_entropy: probabilities lie in 0…1, got \(text); logits are for "
          + "binary_cross_entropy_with_logits"
      ) { try Tensor([0.5, wrong]).binaryCrossEntropies(.zeros([2])) }
    }
    expectError(
      "nll_loss: log-probabilities of shape [2, 3] need targets of shape [2], got [3]"
    ) { try x.negativeLogLikelihoods(IntTensor([0, 0, 0])) }
    expectError("nll_loss: target 4 is outside 1…3") {
      try x.negativeLogLikelihoods(IntTensor([0, 3]))
    }
    for (wrong, text) in [(1.5, "1.5"), (-1, "-1.0"), (Float.nan, "nan")] {
      expectError("cross_entropy: label smoothing lies in 0…1, got \(text)") {
        try x.crossEntropy(IntTensor([0, 0]), labelSmoothing: wrong)
      }
    }
  }
}
