import Tensors

/// Keys and values of the tokens that were read, for each layer.
final class KeyValueCache {
  /// Of each layer, [1, capacity, D].
  private let keys, values: [Tensor]
  /// How many tokens it holds.
  private(set) var count = 0

  init(layers: Int, capacity: Int, dim: Int) throws {
    func empty() throws -> [Tensor] {
      try (0..<layers).map { _ in try Tensor(uninitialized: [1, capacity, dim]) }
    }
    (keys, values) = (try empty(), try empty())
  }

  /// Adds keys and values of the tokens that follow, [1, T, D]; `count` stays as it is until all
  /// layers have.
  /// - Returns: those of all tokens so far, [1, count + T, D].
  func add(_ k: Tensor, _ v: Tensor, layer: Int) throws -> (keys: Tensor, values: Tensor) {
    let added = k.shape[1]
    for (whole, new) in [(keys[layer], k), (values[layer], v)] {
      try whole.narrow(1, count, added).copyInPlace(new)
    }
    return (
      try keys[layer].narrow(1, 0, count + added), try values[layer].narrow(1, 0, count + added)
    )
  }

  func advance(by added: Int) { count += added }
}

/// Reads tokens one after the other and computes of each what is new.
final class GPTReader: TokenReader {
  private let configuration: any GPTConfiguration
  private let parameters: Parameters
  private let cache: KeyValueCache

  init(
    _ configuration: any GPTConfiguration, _ parameters: Parameters, capacity: Int
  ) throws {
    (self.configuration, self.parameters) = (configuration, parameters)
    cache = try KeyValueCache(
      layers: configuration.layers, capacity: capacity, dim: configuration.dim)
  }

  func read(_ tokens: [Int32]) throws -> Tensor {
    let ids = try IntTensor(tokens, shape: [1, tokens.count])
    try ids.check(below: configuration.vocab, "model", "token")
    let last = RowSelection(lastPositionOf: 1, length: tokens.count)
    return try noGrad {
      try GPTForward(configuration, parameters).outputs(ids, rows: last, cache: cache)
        .logits().reshape([configuration.vocab])
    }
  }
}
