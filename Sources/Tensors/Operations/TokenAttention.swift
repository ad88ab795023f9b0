/// Attention by one token of each sequence, over embeddings alone: scores and values are read from
/// tables.
///
/// What a token is asked and what it answers depends on the two tokens only, so a model computes
/// both once for each token of the vocabulary, not for each of the batch. Nothing of size T×T is
/// made, and the gradients are those of the tables: sums over tokens, each counted as often as it
/// stands there.
///
/// Plain formula, for each sequence b and head h: p_t = softmax_t(S[a_b, z_bt, h]),
/// o_bh = Σ_t p_t M[z_bt, h].
///
/// Legend: *B* batch, *T* sequence length, *V* vocabulary, *A* tokens that ask, *H* heads, *F* size
/// of a head's values.
public enum TokenAttention {
  /// The weighted sums of values, [B, H, F].
  ///
  /// - Parameters:
  ///   - tokens: ids z [B, T], from 0 to V − 1; T ≥ 1.
  ///   - askers: which row of scores each sequence reads, a [B], from 0 to A − 1.
  ///   - scores: the table S, scaled, [A, V, H].
  ///   - values: the table M, [V, H, F].
  /// - Returns: o, [B, H, F].
  /// - Throws: `EngineError` if shapes do not agree or an id is outside its range.
  /// - Complexity: O(B·T·H·F); scratch of A·V·H·(F + 1) floats per thread.
  public static func weightedSums(
    tokens: IntTensor, askers: IntTensor, scores: Tensor, values: Tensor
  ) throws -> Tensor {
    let shape = try shape(tokens, askers, scores, values)
    let (ids, asking) = (try tokens.contiguous(), try askers.contiguous())
    let (s, m) = (try scores.operand(), try values.operand())
    let output = try Tensor(uninitialized: [shape.batch, shape.heads, shape.valueSize])
    let logs = try Tensor(uninitialized: [shape.batch, shape.heads])
    try withExtendedLifetime((ids, asking, s, m)) {
      try Backends.current.tokenAttention(
        shape, ids.pointer, askers: asking.pointer, scores: s.pointer, values: m.pointer,
        to: output.pointer, logs: logs.pointer)
    }
    return output.recorded(
      "token_attention", from: [s, m], saving: [logs, output.detach()],
      integers: [ids, asking], areFresh: true
    ) { g, saved in
      let g = try g.contiguous()
      let slopes = try saved.inputs.map {
        $0.requiresGrad ? try Tensor(uninitialized: $0.shape) : nil
      }
      try withExtendedLifetime((saved, g)) {
        try Backends.current.tokenAttentionSlope(
          shape, saved.integers[0].pointer, askers: saved.integers[1].pointer,
          scores: saved.inputs[0].pointer, values: saved.inputs[1].pointer,
          out: saved.tensors[1].pointer, logs: saved.tensors[0].pointer, gradient: g.pointer,
          dScores: slopes[0]?.pointer, dValues: slopes[1]?.pointer)
      }
      return slopes
    }
  }

  /// The sizes of one call, checked.
  private static func shape(
    _ tokens: IntTensor, _ askers: IntTensor, _ scores: Tensor, _ values: Tensor
  ) throws -> TokenAttentionShape {
    guard tokens.rank == 2, tokens.shape[1] > 0, askers.shape == [tokens.shape[0]] else {
      throw EngineError(
        "token attention",
        "tokens need shape [B, T] with T ≥ 1 and askers [B], got \(tokens.shape) and "
          + "\(askers.shape)")
    }
    let (s, m) = (scores.shape, values.shape)
    guard s.count == 3, m.count == 3, s[0] > 0, s[1] == m[0], s[2] == m[1], m[1] > 0, m[2] > 0
    else {
      throw EngineError(
        "token attention",
        "needs scores of shape [A, V, H] and values [V, H, F], got \(s) and \(m)")
    }
    try tokens.check(below: m[0], "token attention", "token")
    try askers.check(below: s[0], "token attention", "asker")
    return TokenAttentionShape(
      batch: tokens.shape[0], length: tokens.shape[1], askers: s[0], vocab: m[0], heads: m[1],
      valueSize: m[2])
  }
}
