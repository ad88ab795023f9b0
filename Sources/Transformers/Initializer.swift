import Glibc
import Tensors

/// Draws first values of parameters.
///
/// Each parameter has a stream of its own, so that an option which adds one leaves the others'
/// values as they are.
struct Initializer {
  let seed: UInt64

  /// N(0, deviation²).
  func normal(_ shape: [Int], deviation: Float, stream index: Int) throws -> Tensor {
    var stream = RandomStream(seed: seed, purpose: .initialization, index: UInt64(index))
    return try .normal(shape, standardDeviation: deviation, using: &stream)
  }

  /// Uniform in ±1/√in for a weight [out, in], PyTorch's default for linear layers.
  func weight(_ shape: [Int], stream index: Int) throws -> Tensor {
    var stream = RandomStream(seed: seed, purpose: .initialization, index: UInt64(index))
    let bound = 1 / Float(shape[1]).squareRoot()
    return try .uniform(shape, low: -bound, high: bound, using: &stream)
  }

  /// sin(t · 10000^(−2i/d)) at coordinate 2i, the cosine at 2i + 1, t counted from 0 ([TF §3.5]).
  static func sinusoids(length: Int, dim: Int) throws -> Tensor {
    let table = try Tensor(full: [length, dim], 0)
    try table.withMutableElements { elements in
      for t in 0..<length {
        for j in 0..<dim {
          let angle = Double(t) * pow(10000, -Double(j - j % 2) / Double(dim))
          elements[t * dim + j] = Float(j % 2 == 0 ? sin(angle) : cos(angle))
        }
      }
    }
    return table
  }
}
