import Tensors

/// One forward pass of the transformer: from weights and tokens to logits, observed or not.
///
/// The last layer computes what the selected rows need: keys and values at all positions, the rest
/// at those rows only. With an observer, attention is computed as plain formulas: every
/// intermediate is a tensor that can be looked at or replaced, scores and probabilities of size
/// B×H×T×T among them.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *H* heads, *V* vocab.
struct TransformerForward {
  private let configuration: TransformerConfiguration
  private let weights: Parameters
  private let trace: Trace?

  init(
    _ configuration: TransformerConfiguration, _ weights: Parameters, _ trace: Trace? = nil
  ) {
    (self.configuration, self.weights, self.trace) = (configuration, weights, trace)
  }

  /// The logits at the selected rows, as a product that is not computed yet.
  func outputs(_ tokens: IntTensor, rows: RowSelection) throws -> LinearOutputs {
    var x = try embeddings(tokens)
    let everything = RowSelection(everyPositionOf: tokens.shape[0], length: tokens.shape[1])
    for layer in 0..<configuration.layers {
      let isLast = layer == configuration.layers - 1
      let wanted = isLast ? rows : everything
      let attended = try attention(attentionInput(x, layer), layer, rows: wanted)
      let after = try afterLayer(layer, wanted.rows(of: x), attended)
      x = isLast ? after : try after.reshape(x.shape)
    }
    return LinearOutputs([
      LinearOutputs.Term(try normalized(x, "norm"), try weights.outputWeight())
    ])
  }

  /// The logits at every position, [B, T, V], each intermediate tensor shown to the observer.
  func observedLogits(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    var x = try visit("embeddings", embeddings(tokens))
    for layer in 0..<configuration.layers {
      let attended = try observedAttention(attentionInput(x, layer), layer, trace)
      x = try afterLayer(layer, x, attended)
    }
    if configuration.norm == .pre { x = try visit("norm", normalized(x, "norm")) }
    return try x.linear(weights.outputWeight())
  }

  private func visit(_ name: String, _ tensor: Tensor) throws -> Tensor {
    try trace?.visit(name, tensor) ?? tensor
  }

  /// E[z] + P, [B, T, D].
  private func embeddings(_ tokens: IntTensor) throws -> Tensor {
    let positions = try weights.get(configuration.positionName).narrow(0, 0, tokens.shape[1])
    return try weights.get("tok_embeddings.weight").rows(tokens).add(positions)
  }

  /// 1/√(d/H), the factor of the scores.
  private var scale: Float { 1 / Float(configuration.dim / configuration.heads).squareRoot() }

  /// The attention weight of that name; nil where an option leaves it out.
  private func attentionWeight(_ name: String, _ layer: Int) -> Tensor? {
    weights["layers.\(layer).attention.\(name).weight"]
  }

  /// What a layer's queries, keys and values are made of: norm x before attention, else x.
  private func attentionInput(_ x: Tensor, _ layer: Int) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let input =
      configuration.norm == .pre ? try normalized(x, "\(prefix).attention_norm") : x
    return try shown(input, "\(prefix).attention_input")
  }

  /// Shows what a part of a layer reads.
  private func shown(_ input: Tensor, _ name: String) throws -> Tensor {
    try trace?.visit(input: input, name) ?? input
  }

  /// W x for the attention weight W of that name, or x where there is none.
  private func projected(_ x: Tensor, _ name: String, _ layer: Int) throws -> Tensor {
    try attentionWeight(name, layer).map { try x.linear($0) } ?? x
  }

  /// W_O Σ_u β_tu v_u of all heads at the selected rows, [R, D], from attention's input [B, T, D].
  private func attention(_ x: Tensor, _ layer: Int, rows: RowSelection) throws -> Tensor {
    let summed = try Attention.causal(
      queries: projected(rows.rows(of: x), "wq", layer), keys: projected(x, "wk", layer),
      values: projected(x, "wv", layer), heads: configuration.heads, scale: scale, rows: rows)
    return try projected(summed, "wo", layer)
  }

  /// The residual stream after a layer, from what it was before and what attention adds, both
  /// [R, D] or [B, T, D].
  private func afterLayer(_ layer: Int, _ x: Tensor, _ attended: Tensor) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let isPost = configuration.norm == .post
    var sum = try x.add(attended)
    if isPost { sum = try normalized(sum, "\(prefix).attention_norm") }
    let feedForward = configuration.feedForward(ofLayer: layer)
    if feedForward != .none {
      let input = try shown(
        isPost ? sum : normalized(x, "\(prefix).ff_norm"), "\(prefix).ff_input")
      let output = try feedForward.output(input, weights, prefix: prefix, trace)
      sum = try output.map { try sum.add($0) } ?? sum
      if isPost { sum = try normalized(sum, "\(prefix).ff_norm") }
    }
    return try visit("\(prefix).residual", sum)
  }

  /// Layer normalisation with the weight and bias of that name, or x where there are none.
  private func normalized(_ x: Tensor, _ name: String) throws -> Tensor {
    guard let weight = weights["\(name).weight"] else { return x }
    return try x.layerNorm(weight: weight, bias: weights.get("\(name).bias"))
  }

  /// W_O Σ_u β_tu v_u of all heads, [B, T, D].
  private func observedAttention(
    _ x: Tensor, _ layer: Int, _ trace: Trace
  ) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let heads = configuration.heads
    func perHead(_ name: String, _ weight: String) throws -> Tensor {
      let slices = [x.shape[0], x.shape[1], heads, x.shape[2] / heads]
      return try trace.visit("\(prefix).\(name)", projected(x, weight, layer).reshape(slices))
    }
    let summed = try trace.attention(
      queries: perHead("queries", "wq"), keys: perHead("keys", "wk"),
      values: perHead("values", "wv"), scale: scale, prefix)
    let together = try trace.visit("\(prefix).heads", summed).reshape(x.shape)
    return try trace.visit("\(prefix).attention_output", projected(together, "wo", layer))
  }
}
