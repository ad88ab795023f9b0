// Attention of queries to keys that need not be one sequence's: causal, to everything, or to what
// a mask names.

extension Attention {
  /// The attention of every query to the keys that it may see.
  ///
  /// Plain formula, for each sequence, head and query t: β_tu = softmax_u(scale · q_t · k_u) over
  /// the keys u that t sees, o_t = Σ_u β_tu v_u. It sees all of them, only those with u ≤ t if the
  /// attention is causal, and only those where the mask is not 0 if there is one. A query that sees
  /// nothing gets o_t = 0, and passes no gradient on.
  ///
  /// Legend: *B* batch, *Tq* queries and *Tk* keys of a sequence, *H* heads, *E* size of a head's
  /// queries and keys, *F* of its values. All three tensors may be without *B*: one sequence.
  ///
  /// - Parameters:
  ///   - queries: [B, Tq, H·E].
  ///   - keys: [B, Tk, H·E].
  ///   - values: [B, Tk, H·F].
  ///   - heads: H; default 1.
  ///   - causal: whether query t sees no key after t; there are then as many queries as keys.
  ///   - mask: [Tq, Tk], or [B, Tq, Tk]; 0 where a key is not seen. Without gradient.
  ///   - scale: factor of the scores; default 1/√E.
  /// - Returns: the weighted sums of values, [B, Tq, H·F].
  /// - Throws: `EngineError` if shapes do not agree.
  /// - Complexity: O(B·Tq·Tk·H·(E + F)), half of it if causal. Without a mask the fused kernel
  ///   keeps probabilities only where they are few; with one, all scores are in memory,
  ///   [B, H, Tq, Tk].
  public static func scaledDotProduct(
    queries: Tensor, keys: Tensor, values: Tensor, heads: Int = 1, causal: Bool = false,
    mask: Tensor? = nil, scale: Float? = nil
  ) throws -> Tensor {
    let sizes = try SequenceSizes(queries, keys, values, heads)
    if causal, sizes.queries != sizes.keys {
      throw EngineError(
        "attention",
        "causal attention needs as many queries as keys, got \(sizes.queries) and "
          + "\(sizes.keys); a mask says which keys each query sees")
    }
    if let mask { try sizes.check(mask, isBatched: queries.rank == 3) }
    let shape = Array(queries.shape.dropLast()) + values.shape.suffix(1)
    guard sizes.haveScores else {
      return try Tensor.zeros(shape)
        .recorded("attention", from: [queries, keys, values], areFresh: true) { _, saved in
          try saved.inputs.map { try Tensor(full: $0.shape, 0) }
        }
    }
    let scale = scale ?? 1 / Float(sizes.keySize).squareRoot()
    let output =
      if let mask {
        try sizes.composed(
          queries, keys, values, seen: causal ? sizes.causal(mask) : mask.detach(), scale)
      } else {
        try sizes.fused(queries, keys, values, causal: causal, scale)
      }
    return try output.reshape(shape)
  }
}

/// The sizes of queries, keys and values, checked.
private struct SequenceSizes {
  let batch: Int
  let queries: Int
  let keys: Int
  let heads: Int
  /// E.
  let keySize: Int
  /// F.
  let valueSize: Int

  init(_ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ heads: Int) throws {
    let (q, k, v) = (queries.shape, keys.shape, values.shape)
    let rank = q.count
    guard rank == 2 || rank == 3, k.count == rank, v.count == rank, q[rank - 1] == k[rank - 1],
      k.dropLast() == v.dropLast(), q.dropLast(2) == k.dropLast(2)
    else {
      throw EngineError(
        "attention",
        "queries \(q), keys \(k) and values \(v) do not fit: [B, Tq, H·E], [B, Tk, H·E] and "
          + "[B, Tk, H·F] expected, or all three without B")
    }
    try Attention.checkWidths(queries, keys, values, heads)
    guard (q + k + v).allSatisfy({ $0 <= Int32.max }) else {
      throw EngineError("attention", "sizes are at most \(Int32.max), got \(q), \(k) and \(v)")
    }
    batch = rank == 3 ? q[0] : 1
    (self.queries, self.keys, self.heads) = (q[rank - 2], k[rank - 2], heads)
    (keySize, valueSize) = (k[rank - 1] / heads, v[rank - 1] / heads)
  }

  /// Whether some query meets some key.
  var haveScores: Bool { batch > 0 && queries > 0 && keys > 0 }

  /// Refuses a mask of another shape.
  func check(_ mask: Tensor, isBatched: Bool) throws {
    let shapes = [[queries, keys]] + (isBatched ? [[batch, queries, keys]] : [])
    guard shapes.contains(mask.shape) else {
      throw EngineError(
        "attention",
        "a mask of shape \(shapes.map(\.description).joined(separator: " or ")) expected, got "
          + "\(mask.shape)")
    }
  }

  /// What a mask leaves of the keys u ≤ t.
  func causal(_ mask: Tensor) throws -> Tensor {
    let places = try Tensor.arange(1, Double(keys))
    let past = try places.compare(places.reshape([keys, 1]), "le", .lessOrEqual)
    return try Tensor.choose(past, mask.detach(), Tensor(0))
  }

  /// By the kernel, where a query that sees everything stands at the last position.
  func fused(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, causal: Bool, _ scale: Float
  ) throws -> Tensor {
    // In memory of their own first: what is too large for it is refused there.
    let q = try q.reshape([batch * queries, heads * keySize])
    let k = try k.reshape([batch, keys, heads * keySize])
    let v = try v.reshape([batch, keys, heads * valueSize])
    let rows =
      causal
      ? RowSelection(everyPositionOf: batch, length: keys)
      : RowSelection(atTheEndOf: batch, length: keys, count: queries)
    return try Attention.causal(
      queries: q, keys: k, values: v, heads: heads, scale: scale, rows: rows)
  }

  /// Of operations on all scores, [B, Tq, H, F].
  func composed(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, seen: Tensor, _ scale: Float
  ) throws -> Tensor {
    func split(_ x: Tensor, _ count: Int, _ size: Int) throws -> Tensor {
      try x.reshape([batch, count, heads, size]).transpose(1, 2)
    }
    let scaled = try split(q, queries, keySize).mul(Tensor(scale))
    let scores = try scaled.matmul(split(k, keys, keySize).transpose(2, 3))
    // [1 or B, 1, Tq, Tk]
    let seen = try seen.reshape([-1, 1, queries, keys]).compare(Tensor(0), "ne", .notEqual)
    // Not −∞: a query that sees nothing has probabilities too, and its result is taken away.
    let hidden = try Tensor.choose(seen, Tensor(0), Tensor(-.greatestFiniteMagnitude))
    let output = try scores.add(hidden).softmax(-1).matmul(split(v, keys, valueSize))
    let seesSome = try seen.max(-1, keepDim: true).values
    let isComplete = try seesSome.min().item() == 1
    return try (isComplete ? output : Tensor.choose(seesSome, output, Tensor(0))).transpose(1, 2)
  }
}
