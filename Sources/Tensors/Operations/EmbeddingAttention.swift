/// Causal attention over inputs that are sums of a token's and a position's embedding, read from
/// tables: what the first layer of a transformer without a norm before it computes.
///
/// With x_t = Z[z_t] + Z[N + t], where Z = [E; P] stacks the N token embeddings on the T position
/// embeddings, a score x_tᵀ W x_u is the sum of four entries of S = Z W Zᵀ, and a value M x_u the
/// sum of two rows of Z Mᵀ. Both tables are products of weights alone, made once for a whole batch;
/// no product of queries and keys is left, and the gradient of S is a sum over all pairs of
/// positions, (N + T)² numbers, from which that of W follows.
///
/// Plain formula, for each sequence: β_tu = softmax_{u ≤ t}(S[z_t, z_u] + S[z_t, N + u] +
/// S[N + t, z_u] + S[N + t, N + u]), o_t = X[z_t] + X[N + t] + Σ_{u ≤ t} β_tu (V[z_u] + V[N + u]).
///
/// Legend: *B* batch, *T* sequence length, *N* tokens, *D* width. Rows are done in blocks of 32
/// that meet the columns up to the diagonal only; β is kept for the backward pass if it is small,
/// else computed again (KeptBlocks).
///
/// Threading: parts of 16 sequences, each with gradient tables of its own, added in order.
public enum EmbeddingAttention {
  /// The attention output, with the residual stream added, [B, T, D].
  ///
  /// - Parameters:
  ///   - tokens: ids z [B, T], from 0 to N − 1.
  ///   - scores: the table S, scaled, [N + T, N + T].
  ///   - values: the table V, [N + T, D].
  ///   - residual: the table X of what is added, [N + T, D]; often the embeddings themselves.
  /// - Returns: o, [B, T, D].
  /// - Throws: `EngineError` if shapes do not agree or an id is outside 0 ..< N.
  /// - Complexity: O(B·T²·D); scratch of T·(D + 64) floats per thread.
  public static func causal(
    tokens: IntTensor, scores: Tensor, values: Tensor, residual: Tensor
  ) throws -> Tensor {
    let shape = try shape(tokens, scores, values, residual)
    let ids = try tokens.contiguous()
    let (s, v, x) = (try scores.operand(), try values.operand(), try residual.operand())
    let output = try Tensor(uninitialized: [shape.batch, shape.length, shape.dim])
    let logs = try Tensor(uninitialized: [shape.batch, shape.length])
    let backend = Backends.current
    let isTrained = Gradients.areRecorded && (s.requiresGrad || v.requiresGrad)
    let keeps = isTrained ? backend.embeddingAttentionKeeps(shape) : 0
    let kept = keeps > 0 ? try Tensor(uninitialized: [keeps]) : nil
    try withExtendedLifetime((ids, s, v, x, kept)) {
      try backend.embeddingAttention(
        shape, ids.pointer, scores: s.pointer, values: v.pointer, residual: x.pointer,
        to: output.pointer, logs: logs.pointer, kept: kept?.pointer)
    }
    return output.recorded(
      "embedding_attention", from: [s, v, x], saving: [logs] + (kept.map { [$0] } ?? []),
      integers: [ids], areFresh: true
    ) { g, saved in
      let g = try g.contiguous()
      let slopes = try saved.inputs.map {
        $0.requiresGrad ? try Tensor(uninitialized: $0.shape) : nil
      }
      try withExtendedLifetime((saved, g)) {
        try backend.embeddingAttentionSlope(
          shape, saved.integers[0].pointer, scores: saved.inputs[0].pointer,
          values: saved.inputs[1].pointer, logs: saved.tensors[0].pointer,
          kept: saved.tensors.dropFirst().first?.pointer, gradient: g.pointer,
          dScores: slopes[0]?.pointer, dValues: slopes[1]?.pointer, dResidual: slopes[2]?.pointer)
      }
      return slopes
    }
  }

  /// The sizes of one call, checked.
  private static func shape(
    _ tokens: IntTensor, _ scores: Tensor, _ values: Tensor, _ residual: Tensor
  ) throws -> EmbeddingAttentionShape {
    guard tokens.rank == 2 else {
      throw EngineError(
        "embedding attention", "tokens need shape [B, T], got \(tokens.shape)")
    }
    let (batch, length) = (tokens.shape[0], tokens.shape[1])
    guard scores.rank == 2, scores.shape[0] == scores.shape[1], scores.shape[0] > length else {
      throw EngineError(
        "embedding attention",
        "sequences of \(length) need scores of shape [N + \(length), N + \(length)], got "
          + "\(scores.shape)")
    }
    let vocab = scores.shape[0] - length
    guard values.rank == 2, values.shape[0] == scores.shape[0], values.shape[1] > 0,
      residual.shape == values.shape
    else {
      throw EngineError(
        "embedding attention",
        "scores of shape \(scores.shape) need values and residual of one shape "
          + "[\(scores.shape[0]), D], got \(values.shape) and \(residual.shape)")
    }
    try tokens.check(below: vocab, "embedding attention", "token")
    return EmbeddingAttentionShape(
      batch: batch, length: length, vocab: vocab, dim: values.shape[1])
  }
}
