/// Logits that are not computed yet: x Wᵀ, or a sum of such products.
///
/// What a model hands to its loss. Cross-entropy needs logits only to turn them into probabilities
/// and those into gradients, so it makes them in blocks of rows that stay in cache, and never all
/// R×V of them: the memory of a vocabulary of 50,000 is that of a few rows. Two terms say that a
/// product of weights was taken first: W_U (x + M o) = W_U x + (W_U M) o costs 2·D·V for each row
/// instead of D² + D·V.
///
/// Legend: *R* rows, *D* width of a term, *V* vocabulary.
public struct LinearOutputs {
  /// One product x Wᵀ of the sum.
  public struct Term {
    /// x, [R, D].
    public let inputs: Tensor
    /// W, [V, D].
    public let weight: Tensor

    public init(_ inputs: Tensor, _ weight: Tensor) {
      (self.inputs, self.weight) = (inputs, weight)
    }
  }

  /// The products, at least one, of one R and V.
  public let terms: [Term]

  /// The sum of these products.
  public init(_ terms: [Term]) { self.terms = terms }

  /// Σ x Wᵀ, [R, V].
  /// - Throws: `EngineError` if the terms' shapes do not agree.
  public func logits() throws -> Tensor {
    let (rows, vocab) = try checkedSizes("logits")
    var sum = try terms[0].inputs.linear(terms[0].weight)
    for term in terms.dropFirst() { sum = try sum.add(term.inputs.linear(term.weight)) }
    return try sum.reshape([rows, vocab])
  }

  /// R and V.
  private func checkedSizes(_ operation: String) throws -> (rows: Int, vocab: Int) {
    guard let first = terms.first, first.inputs.rank == 2, first.weight.rank == 2 else {
      throw EngineError(operation, "needs terms of inputs [R, D] and a weight [V, D]")
    }
    let (rows, vocab) = (first.inputs.shape[0], first.weight.shape[0])
    for term in terms {
      let (x, w) = (term.inputs.shape, term.weight.shape)
      guard x.count == 2, w.count == 2, x[0] == rows, w[0] == vocab, x[1] == w[1] else {
        throw EngineError(
          operation, "inputs \(x) and weight \(w) do not make logits of shape \([rows, vocab])")
      }
    }
    return (rows, vocab)
  }

  /// Weighted sum of the rows' cross-entropies, in nats, divided by `total`.
  ///
  /// loss = Σ_r m_r (log Σ_j e^l_rj − l_r,y_r) / total, l = Σ x Wᵀ
  /// - Parameters:
  ///   - targets: ids y, [R], counted from 0.
  ///   - weights: m, [R].
  ///   - total: what the sum is divided by; Σ m for a mean.
  /// - Returns: a 0-dimensional tensor.
  /// - Throws: `EngineError` if shapes do not agree or a target is out of range.
  /// - Complexity: where gradients are recorded they are computed at once, three times the work.
  public func crossEntropy(_ targets: IntTensor, weights: Tensor, total: Float) throws -> Tensor {
    let (rows, vocab) = try checkedSizes("cross_entropy")
    guard targets.shape == [rows], weights.shape == [rows] else {
      throw EngineError(
        "cross_entropy",
        "logits of shape \([rows, vocab]) need targets and weights of shape \([rows]), got "
          + "\(targets.shape) and \(weights.shape)")
    }
    try targets.check(below: vocab, "cross_entropy", "target")
    let needsGradients =
      Gradients.areRecorded
      && terms.contains { $0.inputs.requiresGrad || $0.weight.requiresGrad }
    let products = try terms.map { try Product($0, needsGradients: needsGradients) }
    let (ids, m) = (try targets.contiguous(), try weights.detach().operand())
    let losses = try Tensor(uninitialized: [rows])
    try withExtendedLifetime((ids, m, products)) {
      try Backends.current.linearCrossEntropy(
        rows, vocab: vocab, products.map(\.operands), ids.pointer, weights: m.pointer,
        total: total, wantsSlopes: needsGradients, losses: losses.pointer)
    }
    let sum = Tensor(try losses.sum().item() / total)
    guard needsGradients else { return sum }
    return sum.recorded(
      "cross_entropy", from: products.flatMap { [$0.term.inputs, $0.term.weight] },
      gradients: products.flatMap { [$0.dInputs, $0.dWeight] })
  }

  /// One term with the gradients collected for it.
  private struct Product {
    let term: Term
    let dInputs: Tensor?
    let dWeight: Tensor?
    private let x: Tensor
    private let w: Tensor

    init(_ term: Term, needsGradients: Bool) throws {
      self.term = term
      (x, w) = (try term.inputs.detach().operand(), try term.weight.detach().operand())
      dInputs =
        needsGradients && term.inputs.requiresGrad ? try Tensor(uninitialized: x.shape) : nil
      dWeight = needsGradients && term.weight.requiresGrad ? try Tensor(full: w.shape, 0) : nil
    }

    /// The same as a backend takes it; valid while this is.
    var operands: LinearTerm {
      LinearTerm(
        width: w.shape[1], x: x.pointer, w: w.pointer, dx: dInputs?.pointer, dw: dWeight?.pointer)
    }
  }
}
