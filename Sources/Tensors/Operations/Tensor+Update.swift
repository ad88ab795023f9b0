// Updates of optimizers, as they are checked: parameters, buffers and gradients have one shape and
// lie side by side.

extension Tensor {
  /// One update of AdamW in place, with the two moments of this parameter.
  /// - Throws: `EngineError` if shapes differ or this is a view that is not contiguous.
  package func updateAdamW(
    gradient: Tensor, first: Tensor, second: Tensor, _ step: AdamWStep
  ) throws {
    let gradient = try gradient.operand()
    try checkUpdate(by: gradient, [first, second])
    withExtendedLifetime(gradient) {
      Backends.current.adamW(
        count, step, pointer, gradient: gradient.pointer, first: first.pointer,
        second: second.pointer)
    }
  }

  /// One update of gradient descent in place; with momentum, `buffer` is this parameter's.
  /// - Throws: `EngineError` if shapes differ or this is a view that is not contiguous.
  package func updateSGD(gradient: Tensor, buffer: Tensor? = nil, _ step: SGDStep) throws {
    let gradient = try gradient.operand()
    try checkUpdate(by: gradient, buffer.map { [$0] } ?? [])
    withExtendedLifetime(gradient) {
      Backends.current.sgd(
        count, step, pointer, gradient: gradient.pointer, buffer: buffer?.pointer)
    }
  }

  private func checkUpdate(by gradient: Tensor, _ buffers: [Tensor]) throws {
    for other in [gradient] + buffers where other.shape != shape {
      throw EngineError(
        "optimizer", "a parameter of shape \(shape) cannot be updated by \(other.shape)")
    }
    for written in [self] + buffers {
      try written.checkFloat32("optimizer")
      guard written.layout.isContiguous else {
        throw EngineError(
          "optimizer", "a view of shape \(shape) does not lie side by side; use clone() first")
      }
      written.storage.version &+= 1
    }
  }
}
