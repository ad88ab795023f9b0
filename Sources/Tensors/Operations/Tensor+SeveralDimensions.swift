// Reductions over several dimensions, given as a list; nil stands for all of them. Those that are
// reduced disappear, or stay with size 1 under `keepDim`.

extension Tensor {
  /// Sum over the dimensions `ds`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func sum(over ds: [Int]?, keepDim: Bool = false) throws -> Tensor {
    guard let ds else { return try sum().keeping(keepDim ? rank : 0) }
    // From the last on, so that those before keep their numbers.
    return try layout.dimensions(ds, "sum").reversed().reduce(self) {
      try $0.sum($1, keepDim: keepDim)
    }
  }

  /// Mean over the dimensions `ds`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func mean(over ds: [Int]?, keepDim: Bool = false) throws -> Tensor {
    let size = try size(of: ds, "mean")
    return try sum(over: ds, keepDim: keepDim).mul(Tensor(1 / Float(size)))
  }

  /// Variance over the dimensions `ds`, divided by n − `correction`.
  /// - Throws: `EngineError` if there is no such dimension.
  public func variance(
    over ds: [Int]?, keepDim: Bool = false, correction: Float = 1
  ) throws -> Tensor {
    let size = try size(of: ds, "var")
    let centered = try sub(mean(over: ds, keepDim: true))
    return try centered.square().sum(over: ds, keepDim: keepDim)
      .div(Tensor(Float(size) - correction))
  }

  /// log Σ e^x over the dimensions `ds`; −∞ where there are no elements.
  /// - Throws: `EngineError` if there is no such dimension.
  public func logSumExp(over ds: [Int]?, keepDim: Bool = false) throws -> Tensor {
    try joined(ds, keepDim, "logsumexp") { try $0.logSumExp($1) }
  }

  /// Product over the dimensions `ds`; 1 where there are no elements.
  /// - Throws: `EngineError` if there is no such dimension.
  public func prod(over ds: [Int]?, keepDim: Bool = false) throws -> Tensor {
    try joined(ds, keepDim, "prod") { try $0.prod($1) }
  }

  /// 1 where any element over the dimensions `ds` is not 0, else 0, without gradient.
  ///
  /// NaN is not 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func any(over ds: [Int]?, keepDim: Bool = false) throws -> Tensor {
    _ = try size(of: ds, "any")
    return try compare(Tensor(0), "any", .notEqual).sum(over: ds, keepDim: keepDim)
      .compare(Tensor(0), "any", .greater)
  }

  /// 1 where all elements over the dimensions `ds` are not 0, else 0, without gradient.
  ///
  /// NaN is not 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func all(over ds: [Int]?, keepDim: Bool = false) throws -> Tensor {
    _ = try size(of: ds, "all")
    return try compare(Tensor(0), "all", .equal).sum(over: ds, keepDim: keepDim)
      .compare(Tensor(0), "all", .equal)
  }

  /// How many elements become one.
  private func size(of ds: [Int]?, _ operation: String) throws -> Int {
    guard let ds else { return count }
    return try ReducedDimensions(layout, ds, keepDim: false, operation).size
  }

  /// A 0-dimensional tensor with dimensions of size 1.
  func keeping(_ rank: Int) throws -> Tensor {
    rank == 0 ? self : try reshape([Int](repeating: 1, count: rank))
  }

  /// `reduce` over several dimensions, which are moved together and taken as one.
  func joined(
    _ ds: [Int]?, _ keepDim: Bool, _ operation: String,
    _ reduce: (_ tensor: Tensor, _ d: Int) throws -> Tensor
  ) throws -> Tensor {
    guard let ds else { return try reduce(reshape([-1]), 0).keeping(keepDim ? rank : 0) }
    let plan = try ReducedDimensions(layout, ds, keepDim: keepDim, operation)
    let (moved, d) = try joined(plan)
    return try reduce(moved, d).reshape(plan.shape)
  }

  /// This tensor with the dimensions of a plan as one, and which one that is.
  private func joined(_ plan: ReducedDimensions) throws -> (Tensor, d: Int) {
    var sizes = plan.otherSizes
    let d = plan.areNeighbours ? plan.places[0] : sizes.count
    sizes.insert(plan.size, at: d)
    let moved = try plan.areNeighbours ? self : permute(plan.others + plan.places)
    return (try moved.reshape(sizes), d)
  }
}
