import Glibc

// Elementwise operations. Each is a forward loop and, beside it, the rule by which a gradient g of
// the result becomes gradients of the inputs. Broadcast inputs get their gradient summed back to
// their shape by `backward`.

extension Tensor {
  private func binary(
    _ other: Tensor, _ operation: String, _ loop: (Kernels.Pairs) -> Void
  ) throws -> Tensor {
    let target =
      shape == other.shape ? shape : try Layout.broadcast(shape, other.shape, operation)
    return try Kernels.zip(self, other, shape: target, loop)
  }

  /// self + other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func add(_ other: Tensor) throws -> Tensor {
    try binary(other, "add") { $0.each { $0 + $1 } }.recorded("add", from: [self, other]) { g in
      [g, g]
    }
  }

  /// self − other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func sub(_ other: Tensor) throws -> Tensor {
    let needsOther = other.requiresGrad
    return try binary(other, "sub") { $0.each { $0 - $1 } }.recorded("sub", from: [self, other]) {
      g in
      [g, needsOther ? try g.neg() : nil]
    }
  }

  /// self · other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func mul(_ other: Tensor) throws -> Tensor {
    try binary(other, "mul") { $0.each { $0 * $1 } }.recorded("mul", from: [self, other]) { g in
      [
        self.requiresGrad ? try g.mul(other.detach()) : nil,
        other.requiresGrad ? try g.mul(self.detach()) : nil,
      ]
    }
  }

  /// self / other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func div(_ other: Tensor) throws -> Tensor {
    try binary(other, "div") { $0.each { $0 / $1 } }.recorded("div", from: [self, other]) { g in
      let overOther = try g.div(other.detach())
      return [
        overOther,
        other.requiresGrad
          ? try overOther.mul(self.detach()).div(other.detach()).neg() : nil,
      ]
    }
  }

  /// self ^ other, broadcasting.
  ///
  /// The gradient of the exponent counts where the base is positive.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func pow(_ other: Tensor) throws -> Tensor {
    let result = try binary(other, "pow") { $0.each { powf($0, $1) } }
    let value = result.detach()
    return result.recorded("pow", from: [self, other]) { g in
      let (base, exponent) = (self.detach(), other.detach())
      var forBase: Tensor?
      var forExponent: Tensor?
      if self.requiresGrad {
        let slope = try base.binary(exponent, "pow") {
          $0.each { x, p in p == 0 ? 0 : p * powf(x, p - 1) }
        }
        forBase = try g.mul(slope)
      }
      if other.requiresGrad {
        let logarithm = try Kernels.map(base) { $0.each { $0 > 0 ? logf($0) : 0 } }
        forExponent = try g.mul(value).mul(logarithm)
      }
      return [forBase, forExponent]
    }
  }

  /// The larger of both elements, broadcasting; where equal, the gradient is shared.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func maximum(_ other: Tensor) throws -> Tensor {
    try binary(other, "maximum") { $0.each { $0 > $1 || $0 != $0 ? $0 : $1 } }
      .recorded("maximum", from: [self, other]) { g in
        let share = try self.detach().binary(other.detach(), "maximum") {
          $0.each { a, b in a > b ? 1 : (a == b ? 0.5 : 0) }
        }
        return [try g.mul(share), try g.sub(g.mul(share))]
      }
  }

  /// 1 where the comparison holds, else 0, broadcasting; without gradient.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func compare(
    _ other: Tensor, _ operation: String, _ comparison: (Float, Float) -> Bool
  ) throws -> Tensor {
    try binary(other, operation) { $0.each { comparison($0, $1) ? 1 : 0 } }
  }

  /// `a` where `mask` is not 0, else `b`; all three broadcast.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public static func select(_ mask: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let target = try Layout.broadcast(
      Layout.broadcast(mask.shape, a.shape, "where"), b.shape, "where")
    let chosen = try mask.expand(target).detach().clone()
    let (left, right) = try (
      a.detach().expand(target).contiguous(), b.detach().expand(target).contiguous()
    )
    let result = try Tensor(uninitialized: target)
    let (out, picks) = (result.pointer, chosen.pointer)
    let (x, y) = (left.pointer, right.pointer)
    withExtendedLifetime((chosen, left, right)) {
      Parallel.ranges(result.count, grain: Kernels.grain) { range in
        for i in range { out[i] = picks[i] != 0 ? x[i] : y[i] }
      }
    }
    return result.recorded("where", from: [a, b]) { g in
      let zero = Tensor(0)
      return [try Tensor.select(chosen, g, zero), try Tensor.select(chosen, zero, g)]
    }
  }

  /// A unary operation y = f(x) from a loop over f and one over dy/dx at x and y.
  private func unary(
    _ operation: String, _ loop: (Kernels.Elements) -> Void,
    slope: @escaping (Kernels.Slopes) -> Void
  ) throws -> Tensor {
    let result = try Kernels.map(self, loop)
    guard requiresGrad else { return result }
    let value = result.detach()
    return result.recorded(operation, from: [self]) { g in
      [try Kernels.gradient(g, self.detach(), value, slope)]
    }
  }

  /// −x.
  public func neg() throws -> Tensor {
    try unary("neg", { $0.each { -$0 } }, slope: { $0.each { _, _ in -1 } })
  }
  /// e^x.
  public func exp() throws -> Tensor {
    try unary(
      "exp", { $0.each { Kernels.exponential($0) } }, slope: { $0.each { _, y in y } })
  }
  /// Natural logarithm.
  public func log() throws -> Tensor {
    try unary("log", { $0.each { logf($0) } }, slope: { $0.each { x, _ in 1 / x } })
  }
  /// Square root.
  public func sqrt() throws -> Tensor {
    try unary("sqrt", { $0.each { $0.squareRoot() } }, slope: { $0.each { _, y in 0.5 / y } })
  }
  /// |x|; the gradient at 0 is 0.
  public func abs() throws -> Tensor {
    try unary(
      "abs", { $0.each { Swift.abs($0) } },
      slope: { $0.each { x, _ in x > 0 ? 1 : (x < 0 ? -1 : 0) } })
  }
  /// Hyperbolic tangent.
  public func tanh() throws -> Tensor {
    try unary("tanh", { $0.each { tanhf($0) } }, slope: { $0.each { _, y in 1 - y * y } })
  }
  /// 1 / (1 + e^−x).
  public func sigmoid() throws -> Tensor {
    try unary(
      "sigmoid", { $0.each { 1 / (1 + Kernels.exponential(-$0)) } },
      slope: { $0.each { _, y in y * (1 - y) } })
  }
  /// max(x, 0); the gradient at 0 is 0.
  public func relu() throws -> Tensor {
    try unary(
      "relu", { $0.each { $0 > 0 || $0 != $0 ? $0 : 0 } },
      slope: { $0.each { x, _ in x > 0 ? 1 : 0 } })
  }
  /// x·Φ(x), Φ the standard normal distribution function (the exact form, not the tanh one).
  public func gelu() throws -> Tensor {
    try unary(
      "gelu", { $0.each { $0 * normalDistribution($0) } },
      slope: {
        $0.each { x, _ in
          let density: Float = 0.398_942_28 * expf(-0.5 * x * x)
          return normalDistribution(x) + x * density
        }
      })
  }
  /// x².
  public func square() throws -> Tensor {
    try unary("square", { $0.each { $0 * $0 } }, slope: { $0.each { x, _ in 2 * x } })
  }
  /// x limited to [`low`, `high`]; the gradient counts inside.
  /// - Throws: `EngineError` if `low` is above `high`.
  public func clamp(_ low: Float, _ high: Float) throws -> Tensor {
    guard low <= high else {
      throw EngineError("clamp", "the lower limit \(low) is above the upper limit \(high)")
    }
    return try unary(
      "clamp", { $0.each { $0 < low ? low : ($0 > high ? high : $0) } },
      slope: { $0.each { x, _ in x < low || x > high ? 0 : 1 } })
  }
}

@inline(__always)
private func normalDistribution(_ x: Float) -> Float { 0.5 * erfcf(-x * 0.707_106_77) }

// In place.

extension Tensor {
  /// Refuses to change a tensor that the graph depends on.
  /// - Throws: `EngineError` if this requires gradients and they are recorded.
  public func checkInPlace(_ operation: String) throws {
    guard !(requiresGrad && Gradients.areRecorded) else {
      throw EngineError(
        operation,
        "a tensor that requires gradients is not changed in place; do it inside no_grad")
    }
  }

  /// Replaces each element x by what `loop` makes of it and of y, the element of `other` broadcast
  /// to this shape.
  ///
  /// The new elements are worked out beside the tensor and written at the end: one that is
  /// interrupted holds what it held before.
  /// - Throws: `EngineError` if `other` does not broadcast to this shape, this view repeats
  ///   elements, or gradients are recorded.
  private func updateInPlace(
    _ other: Tensor, _ operation: String, _ loop: (Kernels.Pairs) -> Void
  ) throws {
    try checkOverwritable(by: other, operation)
    let updated = try Kernels.zip(detach(), other.detach(), shape: shape, loop)
    try Interruption.check()
    overwrite(with: updated)
  }

  private func checkOverwritable(by other: Tensor, _ operation: String) throws {
    try checkInPlace(operation)
    guard !zip(shape, layout.strides).contains(where: { $0 > 1 && $1 == 0 }) else {
      throw EngineError(
        operation, "this view repeats its elements (expand); change a clone() of it")
    }
    _ = try other.layout.expanded(to: shape, operation)
    try Interruption.check()
  }

  /// Sets every element to those of `values`, of this shape and not of this storage, and is not
  /// interrupted: it takes a fifth of a second for a gigabyte.
  package func overwrite(with values: Tensor) {
    Interruption.suspended {
      guard !values.layout.isContiguous else { return writeRun(values) }
      storage.version &+= 1
      let (to, from) = (storage.pointer, values.storage.pointer)
      layout.forEachPosition(in: 0..<count) { to[$1] = from[values.layout.position(of: $0)] }
    }
  }

  /// The same for a tensor that nobody else knows yet, where an interruption may leave elements out.
  func write(_ values: Tensor) throws { writeRun(try values.contiguous()) }

  private func writeRun(_ values: Tensor) {
    storage.version &+= 1
    let (to, layout, source) = (storage.pointer, layout, values.pointer)
    withExtendedLifetime(values) {
      Parallel.ranges(count, grain: Kernels.grain) { range in
        layout.forEachPosition(in: range) { to[$1] = source[$0] }
      }
    }
  }

  /// Sets every element to `value`, as ``overwrite(with:)``.
  private func overwrite(with value: Float) {
    storage.version &+= 1
    let (to, layout) = (storage.pointer, layout)
    Interruption.suspended {
      Parallel.ranges(count, grain: Kernels.grain) { range in
        layout.forEachPosition(in: range) { to[$1] = value }
      }
    }
  }

  /// Sets every element to those of `other`, broadcast to this shape.
  /// - Throws: `EngineError` if it does not broadcast, or gradients are recorded.
  public func copyInPlace(_ other: Tensor) throws {
    try checkOverwritable(by: other, "copy_")
    if other.count == 1 {
      overwrite(with: other.storage.pointer[other.layout.offset])
      return
    }
    let isShared = other.storage === storage
    let source = try other.detach().expand(shape)
    let values = isShared ? try source.clone() : try source.contiguous()
    try Interruption.check()
    overwrite(with: values)
  }
  /// Adds `scale`·`other`.
  /// - Throws: `EngineError` if it does not broadcast, or gradients are recorded.
  public func addInPlace(_ other: Tensor, scale: Float = 1) throws {
    try updateInPlace(other, "add_") { $0.each { $0 + scale * $1 } }
  }
  /// Multiplies by `other`.
  /// - Throws: `EngineError` if it does not broadcast, or gradients are recorded.
  public func mulInPlace(_ other: Tensor) throws {
    try updateInPlace(other, "mul_") { $0.each { $0 * $1 } }
  }
}
