import Glibc
import Tensors
import Testing
import Transformers

/// The simplified transformer written once more, word for word as it is defined, from plain tensor
/// operations: keys are projected, every row is computed, attention is a matrix [B, T, T].
struct PlainSimplifiedTransformer: PlainModel {
  let configuration: SimplifiedConfiguration
  let parameters: [String: Tensor]

  /// The same parameters in leaves of their own, all of which require gradients.
  init(_ model: SimplifiedTransformer) throws {
    configuration = model.configuration
    parameters = try Self.leaves(of: model)
  }

  private func get(_ name: String) throws -> Tensor { try #require(parameters[name]) }

  /// Logits [B, T, V] and the attention probabilities of both layers, [B, T, T].
  func callAsFunction(_ tokens: IntTensor) throws -> (logits: Tensor, attention: [Tensor]) {
    let e = try get("tok_embeddings.weight").rows(tokens)
    let p = try parameters["pe"]?.narrow(0, 0, tokens.shape[1]).expand(e.shape)
    let x0 = try p.map { try e.add($0) } ?? e
    let isRope = configuration.positional == .rope

    if configuration.crossTalk {
      let beta0 = try attention(x0, x0, layer: 0, rotated: isRope)
      let x1 = try feedForward(x0.add(values(beta0, x0, layer: 0)), layer: 0)
      let beta1 = try attention(x1, x1, layer: 1)
      let x2 = try feedForward(x1.add(values(beta1, x1, layer: 1)), layer: 1)
      return (try unembed(x2), [beta0, beta1])
    }
    let positions = try #require(p)
    let beta0 = try attention(positions, positions, layer: 0)
    let read0 = try values(beta0, e, layer: 0)
    let beta1 = try attention(e, read0, layer: 1)
    let read1 = try feedForward(values(beta1, e, layer: 1), layer: 1)
    return (try unembed(read1), [beta0, beta1])
  }

  /// softmax over u ≤ t of x_tᵀ W_K y_u · scale.
  private func attention(
    _ x: Tensor, _ y: Tensor, layer: Int, rotated: Bool = false
  ) throws -> Tensor {
    var (queries, keys) = (x, try y.linear(get("layers.\(layer).attention.wk.weight")))
    if rotated { (queries, keys) = (try rotate(queries), try rotate(keys)) }
    let scale = configuration.scoreScale == .none ? 1 : 1 / Float(configuration.dim).squareRoot()
    let length = x.shape[1]
    let future = (0..<length * length).map { Float($0 % length > $0 / length ? -1e30 : 0) }
    return try queries.matmul(keys.transpose(1, 2)).mul(Tensor(scale))
      .add(Tensor(future, shape: [length, length])).softmax(2)
  }

  /// W_O W_V Σ_u β_tu y_u.
  private func values(_ attention: Tensor, _ y: Tensor, layer: Int) throws -> Tensor {
    let v = try y.linear(get("layers.\(layer).attention.wv.weight"))
    return try attention.matmul(v).linear(get("layers.\(layer).attention.wo.weight"))
  }

  private func feedForward(_ x: Tensor, layer: Int) throws -> Tensor {
    switch configuration.ffn[layer] {
    case .none: return x
    case .linear: return try x.add(x.linear(get("layers.\(layer).ff.weight")))
    case .mlp:
      let hidden = try x.linear(get("layers.\(layer).ff.w1.weight")).relu()
      return try x.add(hidden.linear(get("layers.\(layer).ff.w2.weight")))
    }
  }

  private func unembed(_ x: Tensor) throws -> Tensor {
    try x.linear(get(configuration.tieOutput ? "tok_embeddings.weight" : "output.weight"))
  }

  /// Each pair (a, b) of coordinates 2i, 2i + 1 at position t turned by t · 10000^(−2i/d).
  private func rotate(_ x: Tensor) throws -> Tensor {
    let (length, dim) = (x.shape[1], x.shape[2])
    let angles = (0..<length * dim).map { place in
      Double(place / dim) / pow(10000, Double(place % dim / 2 * 2) / Double(dim))
    }
    let cosines = try Tensor(angles.map { Float(cos($0)) }, shape: [length, dim])
    let sines = try Tensor(angles.map { Float(sin($0)) }, shape: [length, dim])
    // (a, b) times `turn` is (−b, a).
    let turn = try Tensor(
      (0..<dim * dim).map { place in
        let (from, to) = (place / dim, place % dim)
        return from == to ^ 1 ? (to % 2 == 0 ? -1 : 1) : 0
      }, shape: [dim, dim])
    return try x.mul(cosines).add(x.matmul(turn).mul(sines))
  }
}
