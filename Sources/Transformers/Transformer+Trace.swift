import Tensors

// The same model with attention as plain formulas: every intermediate is a tensor that can be
// looked at or replaced, scores and attention of size B×H×T×T among them.

extension Transformer {
  public func observedForward(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    var x = try trace.visit("embeddings", embeddings(tokens))
    for layer in 0..<layerCount {
      let attended = try observedAttention(attentionInput(x, layer, trace), layer, trace)
      x = try afterLayer(layer, x, attended, trace)
    }
    if configuration.norm == .pre { x = try trace.visit("norm", normalized(x, "norm")) }
    return try x.linear(parameters.outputWeight())
  }

  /// W_O Σ_u β_tu v_u of all heads, [B, T, D].
  private func observedAttention(
    _ x: Tensor, _ layer: Int, _ trace: Trace
  ) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let queries = try trace.visit("\(prefix).queries", projected(x, "wq", layer))
    let keys = try trace.visit("\(prefix).keys", projected(x, "wk", layer))
    let values = try trace.visit("\(prefix).values", projected(x, "wv", layer))
    let summed = try trace.attention(
      queries: queries, keys: keys, values: values, heads: configuration.heads, scale: scale,
      prefix)
    let heads = try trace.visit("\(prefix).heads", summed)
    return try trace.visit("\(prefix).attention_output", projected(heads, "wo", layer))
  }
}
