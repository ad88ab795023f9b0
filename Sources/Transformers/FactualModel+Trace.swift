import Tensors

// The same model as plain formulas: every matrix of M3 (docs/engine.md) as its own operation on the
// tokens of each sequence, every intermediate a tensor that can be looked at or replaced. Slower
// than `logits`, and what its tables are tested against.
//
// One position asks, so what is a position's own has no axis for it: queries and heads are
// [B, H, F], scores and attention [B, H, T].

extension FactualModel {
  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    guard let sizes = configuration.sizes else {
      return try observedLinearForward(tokens, trace)
    }
    let x = try trace.visit("embeddings", parameters.get("embed").rows(tokens))
    let o = try observedAttention(x, sizes, trace)
    let added = try mlp(o, parameters) { try trace.visit("layers.0.ff_hidden", $0) }
    let read = try added.map { try o.add(trace.visit("layers.0.ff_output", $0)) } ?? o
    return try trace.visit("layers.0.residual", read).linear(parameters.get("unembed"))
  }

  /// The heads' sums times O, [B, D].
  private func observedAttention(
    _ x: Tensor, _ sizes: FactualConfiguration.Sizes, _ trace: Trace
  ) throws -> Tensor {
    let (batch, length) = (x.shape[0], x.shape[1])
    let (heads, size) = (sizes.heads, sizes.headDim)
    func visit(_ name: String, _ tensor: Tensor) throws -> Tensor {
      try trace.visit("layers.0.\(name)", tensor)
    }
    func product(_ name: String, _ x: Tensor) throws -> Tensor {
      try x.matmul(Self.sideBySide(parameters.get(name)))
    }
    let queries = try visit(
      "queries", product("q", x.select(1, length - 1)).reshape([batch, heads, size]))
    let keys = try visit("keys", product("k", x).reshape([batch, length, heads, size]))
    let values = try visit("values", product("v", x).reshape([batch, length, heads, size]))
    let scores = try visit(
      "scores",
      keys.transpose(1, 2).matmul(queries.reshape([batch, heads, size, 1]))
        .reshape([batch, heads, length]).mul(Tensor(sizes.scale)))
    let attention = try visit("attention", scores.softmax(2))
    let sums = try visit(
      "heads",
      attention.reshape([batch, heads, 1, length]).matmul(values.transpose(1, 2))
        .reshape([batch, heads, size]))
    return try visit(
      "attention_output", sums.reshape([batch, sizes.width]).matmul(parameters.get("o")))
  }

  /// OVᵀ Σ_t QK[z_T, z_t] · 1[z_t]; the scores are what weighs, so they are the attention, [B, 1,
  /// T].
  private func observedLinearForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    let (batch, length) = (tokens.shape[0], tokens.shape[1])
    let scores = try parameters.get("qk").rows(tokens.select(1, length - 1)).gather(1, tokens)
    let attention = try trace.visit("layers.0.attention", scores.reshape([batch, 1, length]))
    let sums = try Tensor.zeros([batch, vocabSize])
      .scatterAdd(1, tokens, attention.reshape([batch, length]))
    return try trace.visit("layers.0.attention_output", sums).matmul(parameters.get("ov"))
  }
}
