import Tensors

/// Uniform numbers in −1…1, a pure function of shape and seed.
public func random(_ shape: [Int], seed: UInt64 = 1) throws -> Tensor {
  var stream = RandomStream(seed: seed, purpose: .tensor)
  return try Tensor.uniform(shape, low: -1, high: 1, using: &stream)
}
