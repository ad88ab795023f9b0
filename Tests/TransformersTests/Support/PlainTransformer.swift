import Glibc
import Tensors
import Testing
import Transformers

/// The transformer written once more, head by head, from plain tensor operations: every row is
/// computed, attention is a matrix [B, T, T] for each head, norms are made of means.
struct PlainTransformer: PlainModel {
  let configuration: TransformerConfiguration
  let parameters: [String: Tensor]

  /// The same parameters in leaves of their own, all of which require gradients.
  init(_ model: Transformer) throws {
    configuration = model.configuration
    parameters = try Self.leaves(of: model)
  }

  private func get(_ name: String) throws -> Tensor { try #require(parameters[name], "\(name)") }

  /// Logits [B, T, V] and each layer's attention probabilities [B, H, T, T].
  func callAsFunction(_ tokens: IntTensor) throws -> (logits: Tensor, attention: [Tensor]) {
    let positions =
      try configuration.positional == .learned ? get("pos_embeddings.weight") : get("pe")
    var x = try get("tok_embeddings.weight").rows(tokens)
    x = try x.add(positions.narrow(0, 0, tokens.shape[1]))
    var attention: [Tensor] = []
    for layer in 0..<configuration.layers {
      let (next, beta) = try block(x, layer)
      x = next
      attention.append(beta)
    }
    if configuration.norm == .pre { x = try norm(x, "norm") }
    let output = try get(configuration.tieOutput ? "tok_embeddings.weight" : "output.weight")
    return (try x.linear(output), attention)
  }

  private func block(_ x: Tensor, _ layer: Int) throws -> (Tensor, Tensor) {
    let prefix = "layers.\(layer)"
    let hasFeedForward =
      configuration.ffn != .none && !(layer == 0 && configuration.noFirstLayerFfn)
    switch configuration.norm {
    case .none:
      let (a, beta) = try attend(x, layer)
      let sum = try x.add(a)
      return (hasFeedForward ? try sum.add(feedForward(x, layer)) : sum, beta)
    case .pre:
      let (a, beta) = try attend(norm(x, "\(prefix).attention_norm"), layer)
      let sum = try x.add(a)
      if !hasFeedForward { return (sum, beta) }
      return (try sum.add(feedForward(norm(x, "\(prefix).ff_norm"), layer)), beta)
    case .post:
      let (a, beta) = try attend(x, layer)
      let h = try norm(x.add(a), "\(prefix).attention_norm")
      if !hasFeedForward { return (h, beta) }
      return (try norm(h.add(feedForward(h, layer)), "\(prefix).ff_norm"), beta)
    }
  }

  private func attend(_ x: Tensor, _ layer: Int) throws -> (Tensor, Tensor) {
    let prefix = "layers.\(layer).attention"
    let q = try x.linear(get("\(prefix).wq.weight"))
    let k = try x.linear(get("\(prefix).wk.weight"))
    let v = try configuration.noWv ? x : x.linear(get("\(prefix).wv.weight"))
    let size = configuration.dim / configuration.heads
    let length = x.shape[1]
    let future = (0..<length * length).map { Float($0 % length > $0 / length ? -1e30 : 0) }
    let mask = try Tensor(future, shape: [length, length])
    var probabilities: [Tensor] = []
    var sums: [Tensor] = []
    for head in 0..<configuration.heads {
      let keys = try k.narrow(2, head * size, size).transpose(1, 2)
      let scores = try q.narrow(2, head * size, size).matmul(keys)
      let beta = try scores.div(Tensor(Float(size).squareRoot())).add(mask).softmax(2)
      probabilities.append(beta)
      sums.append(try beta.matmul(v.narrow(2, head * size, size)))
    }
    let sum = try Tensor.cat(sums, 2)
    return (
      configuration.noWo ? sum : try sum.linear(get("\(prefix).wo.weight")),
      try Tensor.stack(probabilities, 1)
    )
  }

  private func feedForward(_ x: Tensor, _ layer: Int) throws -> Tensor {
    let prefix = "layers.\(layer).ff"
    if configuration.ffn == .linear { return try x.linear(get("\(prefix).weight")) }
    let hidden = try x.linear(get("\(prefix).w1.weight")).relu()
    return try hidden.linear(get("\(prefix).w2.weight"))
  }

  private func norm(_ x: Tensor, _ name: String) throws -> Tensor {
    let centred = try x.sub(x.mean(2, keepDim: true))
    let variance = try centred.square().mean(2, keepDim: true)
    return try centred.div(variance.add(Tensor(1e-5)).sqrt())
      .mul(get("\(name).weight")).add(get("\(name).bias"))
  }
}
