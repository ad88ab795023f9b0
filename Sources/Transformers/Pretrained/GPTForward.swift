import Tensors

/// One forward pass of GPT-2 or GPT-NeoX: from weights and tokens to logits, observed or not.
///
/// The last layer computes what the selected rows need: keys and values at all positions, the rest
/// at those rows only. With an observer, attention is computed as plain formulas. Queries and keys
/// that it is shown are turned by their positions already, as the scores have them.
///
/// Legend: *B* batch, *T* seq_len, *R* selected rows, *D* dim, *H* heads, *V* vocab.
struct GPTForward {
  private let configuration: any GPTConfiguration
  private let names: GPTNames
  private let weights: Parameters
  private let trace: Trace?

  init(_ configuration: any GPTConfiguration, _ weights: Parameters, _ trace: Trace? = nil) {
    (self.configuration, self.weights, self.trace) = (configuration, weights, trace)
    names = configuration.names
  }

  /// The logits at the selected rows, as a product that is not computed yet.
  ///
  /// With a cache, tokens [1, T] follow those that it holds, and it holds them afterwards; rows are
  /// then among them.
  func outputs(
    _ tokens: IntTensor, rows: RowSelection, cache: KeyValueCache? = nil
  ) throws -> LinearOutputs {
    let first = cache?.count ?? 0
    var x = try embeddings(tokens, from: first)
    let turns = try configuration.rotary?.turns(from: first, count: tokens.shape[1])
    let everything = RowSelection(everyPositionOf: tokens.shape[0], length: tokens.shape[1])
    for layer in 0..<configuration.layers {
      let isLast = layer == configuration.layers - 1
      let wanted = isLast ? rows : everything
      let attended = try attention(
        attentionInput(x, layer), layer, turns, rows: wanted, cache: cache)
      let after = try afterLayer(layer, wanted.rows(of: x), attended)
      x = isLast ? after : try after.reshape(x.shape)
    }
    cache?.advance(by: tokens.shape[1])
    return LinearOutputs([LinearOutputs.Term(try normalized(x, names.lastNorm), try outputWeight)])
  }

  /// The logits at every position, [B, T, V], each intermediate tensor shown to the observer.
  func observedLogits(_ tokens: IntTensor, _ trace: Trace) throws -> Tensor {
    var x = try visit("embeddings", embeddings(tokens, from: 0))
    let turns = try configuration.rotary?.turns(from: 0, count: tokens.shape[1])
    for layer in 0..<configuration.layers {
      let attended = try observedAttention(attentionInput(x, layer), layer, turns, trace)
      x = try afterLayer(layer, x, attended)
    }
    x = try visit("norm", normalized(x, names.lastNorm))
    return try x.linear(outputWeight)
  }

  private func visit(_ name: String, _ tensor: Tensor) throws -> Tensor {
    try trace?.visit(name, tensor) ?? tensor
  }

  /// Shows what a part of a layer reads.
  private func shown(_ input: Tensor, _ name: String) throws -> Tensor {
    try trace?.visit(input: input, name) ?? input
  }

  /// W_U, [V, D].
  private var outputWeight: Tensor {
    get throws {
      try weights.get(configuration.tieOutput ? names.embeddingWeight : names.output)
    }
  }

  /// E[z], and P where positions have embeddings, [B, T, D].
  private func embeddings(_ tokens: IntTensor, from first: Int) throws -> Tensor {
    let x = try weights.get(names.embeddingWeight).rows(tokens)
    guard let name = names.positionWeight else { return x }
    return try x.add(weights.get(name).narrow(0, first, tokens.shape[1]))
  }

  /// W x + b for the weight of that name in a layer.
  private func linear(_ x: Tensor, _ name: String, _ layer: Int) throws -> Tensor {
    let prefix = "\(names.layer(layer)).\(name)"
    let weight = try weights.get("\(prefix).weight")
    let matrix = type(of: configuration).storesInputsFirst ? try weight.t() : weight
    return try x.linear(matrix, bias: weights["\(prefix).bias"])
  }

  private func normalized(_ x: Tensor, _ name: String) throws -> Tensor {
    try x.layerNorm(
      weight: weights.get("\(name).weight"), bias: weights.get("\(name).bias"),
      eps: Float(configuration.normEps))
  }

  private func attentionInput(_ x: Tensor, _ layer: Int) throws -> Tensor {
    let input = try normalized(x, "\(names.layer(layer)).\(names.attentionNorm)")
    return try shown(input, "layers.\(layer).attention_input")
  }

  /// Queries, keys and values, [B, T, H, D/H] each.
  private func projected(
    _ x: Tensor, _ layer: Int, _ turns: RotaryPositions.Turns?
  ) throws -> (queries: Tensor, keys: Tensor, values: Tensor) {
    let parts = try configuration.split(linear(x, names.fused, layer))
    guard let turns, let rotary = configuration.rotary else {
      return (parts[0], parts[1], parts[2])
    }
    return (try rotary.turn(parts[0], by: turns), try rotary.turn(parts[1], by: turns), parts[2])
  }

  /// What attention adds at the selected rows, [R, D], from its input [B, T, D].
  private func attention(
    _ x: Tensor, _ layer: Int, _ turns: RotaryPositions.Turns?, rows: RowSelection,
    cache: KeyValueCache?
  ) throws -> Tensor {
    let (q, k, v) = try projected(x, layer, turns)
    var (keys, values) = (try k.reshape(x.shape), try v.reshape(x.shape))
    var places = rows
    if let cache {
      (keys, values) = try cache.add(keys, values, layer: layer)
      places = try rows.after(cache.count)
    }
    let summed = try Attention.causal(
      queries: rows.rows(of: q.reshape(x.shape)), keys: keys, values: values,
      heads: configuration.heads, scale: configuration.scoreScale(ofLayer: layer), rows: places)
    return try linear(summed, names.attentionOutput, layer)
  }

  /// What attention adds at every position, [B, T, D].
  private func observedAttention(
    _ x: Tensor, _ layer: Int, _ turns: RotaryPositions.Turns?, _ trace: Trace
  ) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let (q, k, v) = try projected(x, layer, turns)
    let summed = try trace.attention(
      queries: trace.visit("\(prefix).queries", q), keys: trace.visit("\(prefix).keys", k),
      values: trace.visit("\(prefix).values", v),
      scale: configuration.scoreScale(ofLayer: layer), prefix)
    let together = try trace.visit("\(prefix).heads", summed).reshape(x.shape)
    return try trace.visit(
      "\(prefix).attention_output", linear(together, names.attentionOutput, layer))
  }

  /// The residual stream after a layer, from what it was before and what attention adds, both
  /// [R, D] or [B, T, D].
  private func afterLayer(_ layer: Int, _ x: Tensor, _ attended: Tensor) throws -> Tensor {
    let prefix = "layers.\(layer)"
    let between = try x.add(attended)
    let read = configuration.isParallel ? x : between
    let input = try shown(
      normalized(read, "\(names.layer(layer)).\(names.ffNorm)"), "\(prefix).ff_input")
    let hidden = try visit("\(prefix).ff_hidden", linear(input, names.ffInput, layer))
    let output = try linear(configuration.activation(hidden), names.ffOutput, layer)
    return try visit("\(prefix).residual", between.add(visit("\(prefix).ff_output", output)))
  }
}
