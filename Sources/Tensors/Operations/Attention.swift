/// Causal softmax attention, fused: scores, softmax and the weighted sum of values in blocks of
/// rows, so that nothing of size T×T per sequence is kept.
///
/// Plain formula, for each sequence, head and selected position t:
/// β_tu = softmax_{u ≤ t}(scale · q_t · k_u), o_t = Σ_{u ≤ t} β_tu v_u.
///
/// Legend: *B* batch, *T* sequence length, *R* selected rows, *H* heads, *E* size of a head's
/// queries and keys, *F* of its values. A block of 32 queries meets the keys up to its last
/// position only, so half of the T×T products is never computed. Probabilities are kept for the
/// backward pass if they are few (KeptBlocks); else it computes the scores again and has the
/// logarithm of each softmax's denominator to normalise them.
///
/// Threading: one part of work per sequence and head; parts write to disjoint slices, so results
/// do not depend on the number of threads.
public enum Attention {
  /// The attention output at the selected rows, [R, H·F].
  ///
  /// - Parameters:
  ///   - queries: [R, H·E], in the order of `rows`.
  ///   - keys: [B, T, H·E].
  ///   - values: [B, T, H·F].
  ///   - heads: H; default 1.
  ///   - scale: factor of the scores, 1/√E for the usual attention.
  ///   - rows: which position each query stands at.
  /// - Returns: the weighted sums of values, [R, H·F].
  /// - Throws: `EngineError` if shapes do not agree.
  /// - Complexity: O(R·T·H·(E + F)) at the most; scratch of 2·32·T floats per thread.
  public static func causal(
    queries: Tensor, keys: Tensor, values: Tensor, heads: Int = 1, scale: Float,
    rows: RowSelection
  ) throws -> Tensor {
    let shape = try shape(queries, keys, values, heads, scale, rows)
    let (q, k, v) = (try queries.operand(), try keys.operand(), try values.operand())
    let output = try Tensor(uninitialized: [rows.count, heads * shape.valueSize])
    let logs = try Tensor(uninitialized: [rows.count, heads])
    let backend = Backends.current
    let isTrained =
      Gradients.areRecorded && (q.requiresGrad || k.requiresGrad || v.requiresGrad)
    let keeps = isTrained ? backend.attentionKeeps(shape) : 0
    let kept = keeps > 0 ? try Tensor(uninitialized: [keeps]) : nil
    try withExtendedLifetime((q, k, v, kept)) {
      try backend.attention(
        shape, q.pointer, k.pointer, v.pointer, to: output.pointer, logs: logs.pointer,
        kept: kept?.pointer)
    }
    return output.recorded(
      "attention", from: [q, k, v], saving: [output.detach(), logs] + (kept.map { [$0] } ?? []),
      areFresh: true
    ) { g, saved in
      let g = try g.contiguous()
      let (q, k, v) = (saved.inputs[0], saved.inputs[1], saved.inputs[2])
      let dq = q.requiresGrad ? try Tensor(uninitialized: q.shape) : nil
      let dk = k.requiresGrad ? try Tensor(full: k.shape, 0) : nil
      // Keys that are the values too collect both gradients in one place.
      let dv = v.requiresGrad ? (k === v ? dk : try Tensor(full: v.shape, 0)) : nil
      try withExtendedLifetime((saved, g)) {
        try backend.attentionSlope(
          shape, q.pointer, k.pointer, v.pointer, out: saved.tensors[0].pointer,
          logs: saved.tensors[1].pointer, kept: saved.tensors.dropFirst(2).first?.pointer,
          gradient: g.pointer, dq: dq?.pointer, dk: dk?.pointer, dv: dv?.pointer)
      }
      return [dq, dk, k === v ? nil : dv]
    }
  }

  /// The sizes of one call, checked.
  private static func shape(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ heads: Int, _ scale: Float,
    _ rows: RowSelection
  ) throws -> AttentionShape {
    guard keys.rank == 3, values.rank == 3, queries.rank == 2,
      keys.shape[0] == rows.batch, keys.shape[1] == rows.length,
      values.shape[0] == rows.batch, values.shape[1] == rows.length,
      queries.shape[0] == rows.count, queries.shape[1] == keys.shape[2]
    else {
      throw EngineError(
        "attention",
        "queries \(queries.shape), keys \(keys.shape) and values \(values.shape) do not fit "
          + "\(rows.count) rows of a batch [\(rows.batch), \(rows.length)]")
    }
    try checkWidths(queries, keys, values, heads)
    return AttentionShape(
      rows: rows.rows, heads: heads, keySize: keys.shape[2] / heads,
      valueSize: values.shape[2] / heads, scale: scale)
  }

  /// Refuses keys and values, of at least one dimension, that do not split into heads.
  static func checkWidths(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ heads: Int
  ) throws {
    let (width, valueWidth) = (keys.shape[keys.rank - 1], values.shape[values.rank - 1])
    guard heads >= 1, width % heads == 0, valueWidth % heads == 0 else {
      throw EngineError(
        "attention", "\(heads) heads do not divide widths \(width) and \(valueWidth)")
    }
    guard width > 0, valueWidth > 0 else {
      throw EngineError(
        "attention",
        "queries, keys and values need a width, got \(queries.shape), \(keys.shape), "
          + "\(values.shape)")
    }
  }
}
