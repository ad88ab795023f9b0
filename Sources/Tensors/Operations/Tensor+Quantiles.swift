// What stands at a given place in the order of a line: medians and quantiles. A line with a NaN has
// NaN for both.

extension Tensor {
  /// The middle element in the order along `d`, the lower one of two, and where it stood.
  /// - Returns: values and indices (from 0); the values have a gradient.
  /// - Throws: `EngineError` if there is no such dimension or it is empty.
  public func median(
    _ d: Int, keepDim: Bool = false
  ) throws -> (values: Tensor, indices: IntTensor) {
    let d = try layout.dimension(d, "median")
    // NaN counts as the largest, so that it is found here if there is one.
    let largest = try extreme(d, keepDim: true, "median", .largest)
    let last = try detach().gather(d, largest)
    let middle = (shape[d] - 1) / 2
    let places = try ordered(d, keep: middle + 1, descending: false).narrow(d, middle, 1).clone()
    try withExtendedLifetime((last, largest)) {
      try StopToken.parts(last.count) { part in
        for i in part where last.pointer[i].isNaN { places.pointer[i] = largest.pointer[i] }
      }
    }
    return try picked(places, d, keepDim)
  }

  /// The middle one of all elements in their order, the lower one of two.
  /// - Throws: `EngineError` if there are none.
  public func median() throws -> Tensor { try reshape([-1]).median(0).values }

  /// The element at the share `q` of the way through the order along `d`, nil for all elements,
  /// interpolated linearly between two neighbours.
  /// - Throws: `EngineError` if there is no such dimension, it is empty or `q` not within 0…1.
  public func quantile(_ q: Double, _ d: Int? = nil, keepDim: Bool = false) throws -> Tensor {
    try quantiles([q], d, keepDim: keepDim).select(0, 0)
  }

  /// The same for several shares: [q, …], the first dimension being theirs.
  /// - Throws: `EngineError` if there is no such dimension, it is empty or a share not within 0…1.
  public func quantiles(_ qs: [Double], _ d: Int? = nil, keepDim: Bool = false) throws -> Tensor {
    for q in qs where !(0...1 ~= q) {
      throw EngineError("quantile", "q is within 0…1, got \(q.isNaN ? "nan" : "\(q)")")
    }
    guard let d else {
      let result = try reshape([-1]).quantiles(qs, 0)
      return keepDim
        ? try result.reshape([qs.count] + [Int](repeating: 1, count: rank)) : result
    }
    let place = try layout.dimension(d, "quantile")
    let result = try interpolated(qs, place)
    // The shares' dimension comes first.
    var order = Array(0..<rank)
    order.remove(at: place)
    let moved = try result.permute([place] + order)
    guard keepDim else { return moved }
    var kept = moved.shape
    kept.insert(1, at: place + 1)
    return try moved.reshape(kept)
  }

  /// Elements of every line along `d` at shares of the way through its order.
  private func interpolated(_ qs: [Double], _ d: Int) throws -> Tensor {
    guard shape[d] > 0 else { throw EngineError("quantile", "the dimension is empty") }
    var wanted = shape
    wanted[d] = qs.count
    _ = try Layout.checkedCount(wanted, "quantile")
    let ordered = try sort(d).values
    let (lines, last) = (Lines(shape, around: d), shape[d] - 1)
    let (below, above) = try (IntTensor(shape: wanted), IntTensor(shape: wanted))
    let ranks = qs.map { $0 * Double(last) }
    try StopToken.parts(lines.outer * lines.inner, of: 1 << 12) { part in
      for line in part {
        let (o, i) = line.quotientAndRemainder(dividingBy: lines.inner)
        // NaN stands at the end of the order.
        let isUndefined = ordered.pointer[(o * lines.size + last) * lines.inner + i].isNaN
        for (k, rank) in ranks.enumerated() {
          let place = (o * ranks.count + k) * lines.inner + i
          let (low, high) = isUndefined ? (last, last) : (Int(rank), Int(rank.rounded(.up)))
          below.pointer[place] = Int32(truncatingIfNeeded: low)
          above.pointer[place] = Int32(truncatingIfNeeded: high)
        }
      }
    }
    let shares = try Tensor(ranks.map { Float($0 - $0.rounded(.down)) })
      .reshape([ranks.count] + [Int](repeating: 1, count: rank - 1 - d))
    return try ordered.gather(d, below).moved(towards: ordered.gather(d, above), by: shares)
  }

  /// Each element moved towards another by a share of the way; where they are equal it stays.
  private func moved(towards other: Tensor, by share: Tensor) throws -> Tensor {
    let value = try noGrad {
      let stays = try compare(other, "quantile", .equal)
        .maximum(share.compare(Tensor(0), "quantile", .equal))
      return try Tensor.choose(stays, self, add(other.sub(self).mul(share)))
    }
    return value.recorded("quantile", from: [self, other], saving: [share]) { g, saved in
      let forOther = try g.mul(saved.tensors[0])
      return [try g.sub(forOther), forOther]
    }
  }
}
