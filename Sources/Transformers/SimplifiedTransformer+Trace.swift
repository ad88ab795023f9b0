import Tensors

// The same model as plain formulas: every matrix of M1 (docs/engine.md) as its own operation, every
// intermediate a tensor that can be looked at or replaced. Slower than `logits`, and what its fused
// operations are tested against.

extension SimplifiedTransformer {
  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    let inputs = try embeddings(tokens, parameters)
    let embedded = try trace.visit("embeddings", inputs.sum())
    if configuration.crossTalk {
      var x = embedded
      for layer in 0..<layerCount {
        let input = try trace.visit(input: x, "layers.\(layer).attention_input")
        let attended = try observedAttention(
          queries: input, keys: input, values: input, layer, trace)
        x = try observedFeedForward(x.add(attended), layer, trace)
      }
      return try x.linear(parameters.outputWeight())
    }
    // Every matrix reads only the embeddings meant for it, so attention has no one input.
    let positions = try (inputs.positions ?? inputs.tokens).expand(inputs.tokens.shape)
    let first = try observedAttention(
      queries: positions, keys: positions, values: inputs.tokens, 0, trace)
    let previous = try observedFeedForward(first, 0, trace)
    let second = try observedAttention(
      queries: inputs.tokens, keys: previous, values: inputs.tokens, 1, trace)
    return try observedFeedForward(second, 1, trace).linear(parameters.outputWeight())
  }

  /// W_O Σ_u β_tu W_V v_u, β = softmax over u ≤ t of q_tᵀ W_K k_u · scale, [B, T, D].
  private func observedAttention(
    queries: Tensor, keys: Tensor, values: Tensor, _ layer: Int, _ trace: Trace
  ) throws -> Tensor {
    let prefix = "layers.\(layer)"
    func weight(_ name: String) throws -> Tensor {
      try parameters.get("\(prefix).attention.\(name).weight")
    }
    // One head, with an axis of its own as in other models.
    let oneHead = [queries.shape[0], queries.shape[1], 1, queries.shape[2]]
    func visit(_ name: String, _ tensor: Tensor) throws -> Tensor {
      try trace.visit("\(prefix).\(name)", tensor.reshape(oneHead))
    }
    let rotates = layer == 0 && configuration.positional == .rope
    let projected = try keys.linear(weight("wk"))
    let summed = try trace.attention(
      queries: visit("queries", rotates ? queries.rotatedByPosition() : queries),
      keys: visit("keys", rotates ? projected.rotatedByPosition() : projected),
      values: visit("values", values.linear(weight("wv"))), scale: scale, prefix)
    let heads = try visit("heads", summed)
    return try trace.visit(
      "\(prefix).attention_output", heads.reshape(queries.shape).linear(weight("wo")))
  }

  /// x + F(x), the residual stream after the layer.
  private func observedFeedForward(_ x: Tensor, _ layer: Int, _ trace: Trace) throws -> Tensor {
    let prefix = "layers.\(layer)"
    var sum = x
    if configuration.ffn[layer] != .none {
      let input = try trace.visit(input: x, "\(prefix).ff_input")
      let output = try feedForwardOutput(input, layer: layer, parameters, trace)
      sum = try output.map { try x.add($0) } ?? x
    }
    return try trace.visit("\(prefix).residual", sum)
  }
}
