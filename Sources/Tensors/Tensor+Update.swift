// Updates of optimizers, as they are checked: parameters, buffers and gradients have one shape.

extension Tensor {
  /// One update of AdamW in place, with the two moments of this parameter.
  /// - Throws: `EngineError` if shapes differ or this is a view that is not contiguous.
  package func updateAdamW(
    gradient: Tensor, first: Tensor, second: Tensor, _ step: Kernels.AdamWStep
  ) throws {
    try checkUpdate([gradient, first, second])
    try gradient.withElements { g in
      try withMutableElements { p in
        try first.withMutableElements { m in
          try second.withMutableElements { v in
            guard let p = p.baseAddress, let g = g.baseAddress, let m = m.baseAddress,
              let v = v.baseAddress
            else { return }
            Kernels.adamW(count, parameters: p, gradients: g, first: m, second: v, step)
          }
        }
      }
    }
  }

  /// One update of gradient descent in place, without momentum.
  /// - Throws: `EngineError` if shapes differ or this is a view that is not contiguous.
  package func updateSGD(gradient: Tensor, rate: Float, decay: Float) throws {
    try checkUpdate([gradient])
    try gradient.withElements { g in
      try withMutableElements { p in
        guard let p = p.baseAddress, let g = g.baseAddress else { return }
        Kernels.sgd(count, parameters: p, gradients: g, rate: rate, decay: decay)
      }
    }
  }

  /// One update of gradient descent in place, with the momentum of this parameter.
  /// - Throws: `EngineError` if shapes differ or this is a view that is not contiguous.
  package func updateSGD(
    gradient: Tensor, buffer: Tensor, isFirst: Bool, rate: Float, decay: Float, momentum: Float,
    nesterov: Bool
  ) throws {
    try checkUpdate([gradient, buffer])
    try gradient.withElements { g in
      try withMutableElements { p in
        try buffer.withMutableElements { b in
          guard let p = p.baseAddress, let g = g.baseAddress, let b = b.baseAddress else { return }
          Kernels.sgd(
            count, parameters: p, gradients: g, buffer: b, isFirst: isFirst, rate: rate,
            decay: decay, momentum: momentum, nesterov: nesterov)
        }
      }
    }
  }

  private func checkUpdate(_ others: [Tensor]) throws {
    for other in others where other.shape != shape {
      throw EngineError(
        "optimizer", "a parameter of shape \(shape) cannot be updated by \(other.shape)")
    }
  }
}
