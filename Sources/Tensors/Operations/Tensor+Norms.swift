// Norms.

extension Tensor {
  /// (Σ |x|^p)^(1/p) over the dimensions `ds`, nil for all of them.
  ///
  /// For p = ∞ it is the largest |x|, for −∞ the smallest, and equal extremes share the gradient;
  /// for 0 it is the number of elements that are not 0, which has no gradient. An element that is 0
  /// has the gradient 0.
  /// - Throws: `EngineError` if there is no such dimension, p is NaN, or there are no elements of
  ///   which one is the extreme.
  public func norm(p: Float = 2, over ds: [Int]? = nil, keepDim: Bool = false) throws -> Tensor {
    if let ds { _ = try layout.dimensions(ds, "norm") }
    if rank == 0 { return try reshape([1]).norm(p: p, over: [0]) }
    switch p {
    case 2: return try square().sum(over: ds, keepDim: keepDim).unary(.norm, "norm")
    case 1: return try abs().sum(over: ds, keepDim: keepDim)
    case 0: return try compare(Tensor(0), "norm", .notEqual).sum(over: ds, keepDim: keepDim)
    case .infinity, -.infinity:
      let ds = ds ?? Array(shape.indices)
      return try normed(ds, keepDim) { size in
        try size.joined(ds, true, "norm") {
          let places = try $0.extreme($1, keepDim: true, "norm", p > 0 ? .largest : .smallest)
          return try $0.gather($1, places)
        }
      } slope: { size, norm in
        let isExtreme = try size.compare(norm, "norm", .equal)
        return try isExtreme.div(isExtreme.sum(over: ds, keepDim: true))
      }
    case _ where p.isNaN: throw EngineError("norm", "p is a number, got nan")
    default:
      let ds = ds ?? Array(shape.indices)
      return try normed(ds, keepDim) {
        try $0.pow(Tensor(p)).sum(over: ds, keepDim: true).pow(Tensor(1 / p))
      } slope: { size, norm in
        try size.div(norm).pow(Tensor(p - 1))
      }
    }
  }

  /// Square root of the sum of squares along dimension `d`; the gradient at 0 is 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func norm(_ d: Int, keepDim: Bool = false) throws -> Tensor {
    try norm(over: [d], keepDim: keepDim)
  }

  /// A function of absolute values that reduces `ds` to size 1, with the gradient sign(x) times its
  /// slope by |x|.
  private func normed(
    _ ds: [Int], _ keepDim: Bool, _ norm: (_ size: Tensor) throws -> Tensor,
    slope: @escaping @Sendable (_ size: Tensor, _ norm: Tensor) throws -> Tensor
  ) throws -> Tensor {
    let whole = try noGrad { try norm(abs()) }
    let (kept, plan) = (
      whole.shape, try ReducedDimensions(layout, ds, keepDim: keepDim, "norm")
    )
    return try whole.reshape(plan.shape)
      .recorded("norm", from: [self], saving: [whole]) { g, saved in
        let x = saved.inputs[0].detach()
        let size = try x.abs()
        let isZero = try x.compare(Tensor(0), "norm", .equal)
        let gradient = try x.div(size).mul(slope(size, saved.tensors[0])).mul(g.reshape(kept))
        return [try Tensor.choose(isZero, Tensor(0), gradient)]
      }
  }
}
