import Tensors

// The forward pass as it is cheapest. Plain, it is in FactualModel+Trace.swift, and tests hold the
// two against each other. What is done differently, and why:
//
// - Scores and values depend on tokens, not on places: they are tables with a row for each token of
//   the vocabulary, made once for a batch (TokenAttention).
// - Only last tokens ask. Where they are all the same, as with EOS at the end, a single row of
//   scores serves every sequence.
// - With linear attention and one token that asks, logits are the counts of tokens times one
//   matrix.

extension FactualModel {
  /// Names of tensors computed from the parameters.
  private enum Derived {
    /// The ids of the tokens that ask, [A], as numbers, which are exact: there are 2²⁴ at the most.
    static let askers = "tables.askers"
    /// What each of them thinks of each token, [A, V, H]; of linear attention [A, V].
    static let scores = "tables.scores"
    /// [V, H, F].
    static let values = "tables.values"
    /// What each token adds to the logits, transposed, [answers, V].
    static let logits = "tables.logits"
  }

  public func weights(_ tokens: IntTensor) throws -> Parameters {
    var weights = parameters
    let last = try tokens.select(1, tokens.shape[1] - 1).elements()
    // Without a sequence nothing asks, but a table has a row.
    let asking = last.isEmpty ? [0] : Set(last).sorted()
    let ids = try IntTensor(asking)
    weights.add(Derived.askers, try Tensor(asking.map { Float($0) }, shape: [asking.count]))
    if let sizes = configuration.sizes {
      try addTables(of: ids, sizes, to: &weights)
    } else {
      try addLinearTables(of: ids, to: &weights)
    }
    return weights
  }

  private func addTables(
    of askers: IntTensor, _ sizes: FactualConfiguration.Sizes, to weights: inout Parameters
  ) throws {
    let embed = try parameters.get("embed")
    let each = [vocabSize, sizes.heads, sizes.headDim]
    func heads(_ name: String, _ x: Tensor) throws -> Tensor {
      try x.matmul(Self.sideBySide(parameters.get(name)))
    }
    let queries = try heads("q", embed.rows(askers))
      .reshape([askers.shape[0], sizes.heads, sizes.headDim]).permute([1, 2, 0])
    let keys = try heads("k", embed).reshape(each).permute([1, 0, 2])
    weights.add(
      Derived.scores,
      try keys.matmul(queries).permute([2, 1, 0]).mul(Tensor(sizes.scale)).contiguous())
    weights.add(Derived.values, try heads("v", embed).reshape(each))
  }

  private func addLinearTables(of askers: IntTensor, to weights: inout Parameters) throws {
    let scores = try parameters.get("qk").rows(askers)
    let values = try parameters.get("ov")
    guard askers.shape[0] == 1 else {
      weights.add(Derived.scores, scores)
      weights.add(Derived.logits, try values.t().contiguous())
      return
    }
    weights.add(
      Derived.logits, try values.mul(scores.reshape([vocabSize, 1])).t().contiguous())
  }

  /// Nothing but counting is done for each token, so parts have more of them.
  public func weight(ofSequence length: Int) -> Int { max(1, length / 4) }

  public func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs {
    let tokens = try sequences(of: rows, tokens)
    guard let sizes = configuration.sizes else { return try linearOutputs(tokens, weights) }
    let sums = try TokenAttention.weightedSums(
      tokens: tokens, askers: askers(of: tokens, weights), scores: weights.get(Derived.scores),
      values: weights.get(Derived.values))
    let o = try sums.reshape([tokens.shape[0], sizes.width]).matmul(weights.get("o"))
    let read = try mlp(o, weights).map { try o.add($0) } ?? o
    return LinearOutputs([LinearOutputs.Term(read, try weights.get("unembed"))])
  }

  private func linearOutputs(
    _ tokens: IntTensor, _ weights: Parameters
  ) throws -> LinearOutputs {
    var counts = try Tensor.zeros([tokens.shape[0], vocabSize])
      .scatterAdd(1, tokens, Tensor(full: tokens.shape, 1))
    if let scores = weights[Derived.scores] {
      counts = try counts.mul(scores.rows(askers(of: tokens, weights)))
    }
    return LinearOutputs([LinearOutputs.Term(counts, try weights.get(Derived.logits))])
  }

  /// The tokens of each row's sequence, [R, T].
  /// - Throws: `EngineError` unless every row is the last position of its sequence.
  private func sequences(of rows: RowSelection, _ tokens: IntTensor) throws -> IntTensor {
    let last = Int32(truncatingIfNeeded: tokens.shape[1] - 1)
    guard rows.positions.allSatisfy({ $0 == last }) else {
      throw EngineError("model.factual", "it answers at the last position of a sequence alone")
    }
    return try rows.ofSequences(tokens)
  }

  /// Which row of the tables each sequence's last token reads, [R].
  private func askers(of tokens: IntTensor, _ weights: Parameters) throws -> IntTensor {
    let rows = Dictionary(
      uniqueKeysWithValues: try weights.get(Derived.askers).elements().enumerated().map {
        (Int32($0.element), Int32($0.offset))
      })
    let last = try tokens.select(1, tokens.shape[1] - 1).elements()
    return try IntTensor(last.map { rows[$0] ?? 0 })
  }
}
