import Tensors

/// The norm of gradients together, and its limit.
public enum GradientNorm {
  /// Scales the gradients of parameters so that their norm together is `limit` at the most, as
  /// PyTorch's `clip_grad_norm_` does.
  /// - Returns: the norm before.
  /// - Throws: `EngineError` if there is no memory.
  @discardableResult
  public static func clip(_ parameters: NamedTensors, to limit: Double) throws -> Double {
    let gradients = parameters.compactMap(\.tensor.grad)
    return try noGrad {
      // Added in the order of their sizes, so that it does not matter how parameters are listed.
      let squares = try gradients.map { Double(try $0.square().sum().item()) }
      let norm = squares.sorted().reduce(0, +).squareRoot()
      // PyTorch adds the same 1e-6 to the norm.
      let scale = limit / (norm + 1e-6)
      if scale < 1 {
        for gradient in gradients { try gradient.mulInPlace(Tensor(Float(scale))) }
      }
      return norm
    }
  }
}
