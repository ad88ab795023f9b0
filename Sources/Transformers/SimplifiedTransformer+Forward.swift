import Tensors

// The forward pass as it is cheapest. Plain, it is in SimplifiedTransformer+Trace.swift, and tests
// hold the two against each other. What is done differently, and why:
//
// - Layer 0 reads only embeddings, so its scores and values come from tables of N + T rows
//   (EmbeddingAttention), unless there are more rows than the batch has use for. Without
//   cross-talk the rows that a table must not read are 0.
// - Where the loss counts, and only there, layer 1 needs queries, outputs and logits
//   (RowSelection).
// - x_tᵀ W_K multiplies the needed queries, not all keys; values are summed before W_O W_V.
// - W_U W_O W_V is one matrix if the vocabulary is narrower than the model.

extension SimplifiedTransformer {
  /// Names of tensors computed from the parameters.
  private enum Derived {
    static let embeddings = "tables.embeddings"
    static let scores = "tables.scores"
    static let values = "tables.values"
    static func outputValue(_ layer: Int) -> String { "layers.\(layer).attention.ov" }
    static let logitValue = "output.ov"
  }

  /// Whether layer 0 reads tables for a batch of `batch` sequences: if they stay in a core's cache
  /// and making them costs less than the products that they replace.
  func readsTables(batch: Int, length: Int) -> Bool {
    guard configuration.positional != .rope else { return false }
    let (rows, dim) = (configuration.vocab + length, configuration.dim)
    return rows <= 1 << 10
      && rows * (2 * dim + rows) < batch * length * (2 * dim + length / 2)
  }

  /// Whether the logits are W_U x + (W_U W_O W_V) o: two narrow products instead of a square one.
  private var foldsOutput: Bool {
    configuration.ffn[1] == .none && configuration.vocab < configuration.dim
  }

  public func weights(_ tokens: IntTensor) throws -> Parameters {
    let (batch, length) = (tokens.shape[0], tokens.shape[1])
    var weights = parameters
    func get(_ layer: Int, _ name: String) throws -> Tensor {
      try parameters.get("layers.\(layer).attention.\(name).weight")
    }
    let value = try get(0, "wo").matmul(get(0, "wv"))
    if readsTables(batch: batch, length: length) {
      let read = try tables(length: length)
      weights.add(Derived.embeddings, read.residual)
      weights.add(
        Derived.scores,
        try read.scores.matmul(get(0, "wk")).matmul(read.scores.t()).mul(Tensor(scale)))
      weights.add(Derived.values, try read.values.linear(value))
    } else {
      weights.add(Derived.outputValue(0), value)
    }
    if foldsOutput {
      weights.add(
        Derived.logitValue, try parameters.outputWeight().matmul(get(1, "wo")).matmul(get(1, "wv")))
    } else {
      weights.add(Derived.outputValue(1), try get(1, "wo").matmul(get(1, "wv")))
    }
    return weights
  }

  /// What layer 0 reads as scores and as values, and what passes it by.
  ///
  /// They are embeddings of tokens and, behind them, of positions, [N + T, D]. Without cross-talk
  /// scores are of positions alone, values of tokens alone, and nothing passes.
  private func tables(length: Int) throws -> (scores: Tensor, values: Tensor, residual: Tensor) {
    let tokens = try parameters.get("tok_embeddings.weight")
    let positions = try parameters.get("pe").narrow(0, 0, length)
    if configuration.crossTalk {
      let both = try Tensor.cat([tokens, positions], 0)
      return (both, both, both)
    }
    let noTokens = try Tensor.zeros(tokens.shape)
    let noPositions = try Tensor.zeros(positions.shape)
    return (
      try Tensor.cat([noTokens, positions], 0), try Tensor.cat([tokens, noPositions], 0),
      try Tensor.cat([noTokens, noPositions], 0)
    )
  }

  public func outputs(
    _ tokens: IntTensor, rows: RowSelection, weights: Parameters
  ) throws -> LinearOutputs {
    let unembedding = try weights.outputWeight()
    let wk = try weights.get("layers.1.attention.wk.weight")
    let x = try layerZero(tokens, weights)
    // Without cross-talk, every matrix reads only what is meant for it.
    let inputs = configuration.crossTalk ? x : try embeddings(tokens, weights).tokens
    let read = try rows.rows(of: inputs)
    let summed = try Attention.causal(
      queries: read.matmul(wk), keys: x, values: inputs, scale: scale, rows: rows)
    if foldsOutput {
      let attended = LinearOutputs.Term(summed, try weights.get(Derived.logitValue))
      return LinearOutputs(
        configuration.crossTalk ? [LinearOutputs.Term(read, unembedding), attended] : [attended])
    }
    var output = try summed.linear(weights.get(Derived.outputValue(1)))
    if configuration.crossTalk { output = try read.add(output) }
    output = try feedForward(output, layer: 1, weights)
    return LinearOutputs([LinearOutputs.Term(output, unembedding)])
  }

  /// The residual stream after layer 0; without cross-talk, that layer's attention output alone,
  /// [B, T, D].
  private func layerZero(_ tokens: IntTensor, _ weights: Parameters) throws -> Tensor {
    if let scores = weights[Derived.scores] {
      let attended = try EmbeddingAttention.causal(
        tokens: tokens, scores: scores, values: weights.get(Derived.values),
        residual: weights.get(Derived.embeddings))
      return try feedForward(attended, layer: 0, weights)
    }
    let inputs = try embeddings(tokens, weights)
    let all = RowSelection(everyPositionOf: tokens.shape[0], length: tokens.shape[1])
    let (queries, keys, values) = try layerZeroAttention(inputs, all, weights)
    let summed = try Attention.causal(
      queries: queries, keys: keys, values: values, scale: scale, rows: all)
    let attended = try summed.linear(weights.get(Derived.outputValue(0)))
      .reshape(inputs.tokens.shape)
    if !configuration.crossTalk { return attended }
    return try feedForward(inputs.sum().add(attended), layer: 0, weights)
  }

  private func layerZeroAttention(
    _ inputs: Embeddings, _ rows: RowSelection, _ weights: Parameters
  ) throws -> (queries: Tensor, keys: Tensor, values: Tensor) {
    let wk = try weights.get("layers.0.attention.wk.weight")
    if let positions = inputs.positions, !configuration.crossTalk {
      let keys = try positions.expand(inputs.tokens.shape)
      return (try rows.rows(of: keys).matmul(wk), keys, inputs.tokens)
    }
    let x = try inputs.sum()
    if configuration.positional == .rope {
      // Rotated are the keys W_K x, so they have to be projected, not the queries.
      return (
        try rows.rows(of: x.rotatedByPosition()), try x.linear(wk).rotatedByPosition(), x
      )
    }
    return (try rows.rows(of: x).matmul(wk), x, x)
  }

  /// x + F(x), or x itself without a feed-forward.
  private func feedForward(_ x: Tensor, layer: Int, _ weights: Parameters) throws -> Tensor {
    try feedForwardOutput(x, layer: layer, weights).map { try x.add($0) } ?? x
  }
}
