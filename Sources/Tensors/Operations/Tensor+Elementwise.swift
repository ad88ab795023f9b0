// Elementwise operations. Each is a call of the backend and, beside it, the rule by which a
// gradient g of the result becomes gradients of the inputs. Broadcast inputs get their gradient
// summed back to their shape by `backward`.

extension Tensor {
  /// op(self, other), broadcast, without gradient.
  private func binary(_ op: BinaryOp, _ other: Tensor, _ operation: String) throws -> Tensor {
    let target =
      shape == other.shape ? shape : try Layout.broadcast(shape, other.shape, operation)
    let result = try Tensor(uninitialized: target)
    let (x, y) = (try plainOperand(), try other.plainOperand())
    withExtendedLifetime((x, y)) {
      Backends.current.binary(
        op, target, x.pointer, x.shape, y.pointer, y.shape, to: result.pointer)
    }
    return result
  }

  /// self + other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func add(_ other: Tensor) throws -> Tensor {
    try binary(.add, other, "add").recorded("add", from: [self, other]) { g, _ in
      [g, g]
    }
  }

  /// self − other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func sub(_ other: Tensor) throws -> Tensor {
    let needsOther = other.requiresGrad
    return try binary(.sub, other, "sub").recorded("sub", from: [self, other]) { g, _ in
      [g, needsOther ? try g.neg() : nil]
    }
  }

  /// self · other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func mul(_ other: Tensor) throws -> Tensor {
    try binary(.mul, other, "mul").recorded("mul", from: [self, other]) { g, saved in
      let (x, y) = (saved.inputs[0], saved.inputs[1])
      return [
        x.requiresGrad ? try g.mul(y.detach()) : nil, y.requiresGrad ? try g.mul(x.detach()) : nil,
      ]
    }
  }

  /// self / other, broadcasting.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func div(_ other: Tensor) throws -> Tensor {
    try binary(.div, other, "div").recorded("div", from: [self, other]) { g, saved in
      let (x, y) = (saved.inputs[0], saved.inputs[1])
      let overY = try g.div(y.detach())
      return [overY, y.requiresGrad ? try overY.mul(x.detach()).div(y.detach()).neg() : nil]
    }
  }

  /// self ^ other, broadcasting.
  ///
  /// The gradient of the exponent counts where the base is positive.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func pow(_ other: Tensor) throws -> Tensor {
    let result = try binary(.pow, other, "pow")
    return result.recorded("pow", from: [self, other], saving: [result.detach()]) { g, saved in
      let (base, exponent) = (saved.inputs[0].detach(), saved.inputs[1].detach())
      var forBase: Tensor?
      var forExponent: Tensor?
      if saved.inputs[0].requiresGrad {
        let slope = try base.binary(.powSlope, exponent, "pow")
        forBase = try g.mul(slope)
      }
      if saved.inputs[1].requiresGrad {
        let logarithm = try base.unary(.logOrZero, "log")
        forExponent = try g.mul(saved.tensors[0]).mul(logarithm)
      }
      return [forBase, forExponent]
    }
  }

  /// The larger of both elements, broadcasting; where equal, the gradient is shared.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func maximum(_ other: Tensor) throws -> Tensor {
    try binary(.maximum, other, "maximum")
      .recorded("maximum", from: [self, other]) { g, saved in
        let (x, y) = (saved.inputs[0].detach(), saved.inputs[1].detach())
        let share = try x.binary(.maximumShare, y, "maximum")
        return [try g.mul(share), try g.sub(g.mul(share))]
      }
  }

  /// The smaller of both elements, broadcasting; where equal, the gradient is shared.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func minimum(_ other: Tensor) throws -> Tensor {
    try binary(.minimum, other, "minimum")
      .recorded("minimum", from: [self, other]) { g, saved in
        let (x, y) = (saved.inputs[0].detach(), saved.inputs[1].detach())
        let share = try y.binary(.maximumShare, x, "minimum")
        return [try g.mul(share), try g.sub(g.mul(share))]
      }
  }

  /// self − other·⌊self / other⌋, broadcasting, with the sign of `other`; NaN where that is 0.
  ///
  /// Exact, but for the rounding of one addition where the signs differ.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func remainder(_ other: Tensor) throws -> Tensor {
    try binary(.remainder, other, "remainder")
      .recorded("remainder", from: [self, other]) { g, saved in
        let (x, y) = (saved.inputs[0].detach(), saved.inputs[1])
        return [g, y.requiresGrad ? try g.mul(x.floorDivide(y.detach())).neg() : nil]
      }
  }

  /// ⌊self / other⌋, broadcasting; self / other where `other` is 0.
  ///
  /// Without gradient. It goes with the remainder: self = other · quotient + remainder.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func floorDivide(_ other: Tensor) throws -> Tensor {
    try binary(.floorDivide, other, "floor_divide")
  }

  /// 1 where the comparison holds, else 0, broadcasting; without gradient.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public func compare(
    _ other: Tensor, _ operation: String, _ comparison: Comparison
  ) throws -> Tensor {
    try binary(.compare(comparison), other, operation)
  }

  /// `a` where `mask` is not 0, else `b`; all three broadcast.
  /// - Throws: `EngineError` if the shapes do not broadcast.
  public static func choose(_ mask: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let target = try Layout.broadcast(
      Layout.broadcast(mask.shape, a.shape, "where"), b.shape, "where")
    let chosen = try mask.expand(target).detach().workingCopy()
    let (left, right) = try (
      a.detach().expand(target).operand(), b.detach().expand(target).operand()
    )
    let result = try Tensor(uninitialized: target)
    withExtendedLifetime((chosen, left, right)) {
      Backends.current.choose(
        result.count, where: chosen.pointer, left.pointer, right.pointer, to: result.pointer)
    }
    return result.recorded("where", from: [a, b], saving: [chosen]) { g, saved in
      let (chosen, zero) = (saved.tensors[0], Tensor(0))
      return [try Tensor.choose(chosen, g, zero), try Tensor.choose(chosen, zero, g)]
    }
  }

  /// y = op(x), whose gradient is that of y times op′(x).
  func unary(_ op: UnaryOp, _ operation: String) throws -> Tensor {
    let x = try plainOperand()
    let result = try Tensor(uninitialized: shape)
    withExtendedLifetime(x) {
      Backends.current.unary(op, result.count, x.pointer, to: result.pointer)
    }
    guard requiresGrad else { return result }
    return result.recorded(operation, from: [self], saving: [result.detach()]) { g, saved in
      let (g, x) = (try g.contiguous(), try saved.inputs[0].detach().contiguous())
      let dx = try Tensor(uninitialized: x.shape)
      withExtendedLifetime((g, x, saved)) {
        Backends.current.unarySlope(
          op, dx.count, x.pointer, saved.tensors[0].pointer, gradient: g.pointer, to: dx.pointer)
      }
      return [dx]
    }
  }

  /// −x.
  public func neg() throws -> Tensor { try unary(.neg, "neg") }
  /// e^x.
  public func exp() throws -> Tensor { try unary(.exp, "exp") }
  /// e^x − 1, exact where x is small.
  public func expm1() throws -> Tensor { try unary(.expm1, "expm1") }
  /// Natural logarithm.
  public func log() throws -> Tensor { try unary(.log, "log") }
  /// Logarithm to the base 2.
  public func log2() throws -> Tensor { try unary(.log2, "log2") }
  /// Logarithm to the base 10.
  public func log10() throws -> Tensor { try unary(.log10, "log10") }
  /// log(1 + x), exact where x is small.
  public func log1p() throws -> Tensor { try unary(.log1p, "log1p") }
  /// Square root.
  public func sqrt() throws -> Tensor { try unary(.sqrt, "sqrt") }
  /// 1 / √x.
  public func rsqrt() throws -> Tensor { try unary(.rsqrt, "rsqrt") }
  /// 1 / x.
  public func reciprocal() throws -> Tensor { try unary(.reciprocal, "reciprocal") }
  /// |x|; the gradient at 0 is 0.
  public func abs() throws -> Tensor { try unary(.abs, "abs") }
  /// 1 above 0, −1 below, 0 at 0 and of NaN; the gradient is 0.
  public func sign() throws -> Tensor { try unary(.sign, "sign") }
  /// The largest integer that is not above x; the gradient is 0.
  public func floor() throws -> Tensor { try unary(.floor, "floor") }
  /// The smallest integer that is not below x; the gradient is 0.
  public func ceil() throws -> Tensor { try unary(.ceil, "ceil") }
  /// The nearest integer, of two as near the even one; the gradient is 0.
  public func round() throws -> Tensor { try unary(.round, "round") }
  /// Sine.
  public func sin() throws -> Tensor { try unary(.sin, "sin") }
  /// Cosine.
  public func cos() throws -> Tensor { try unary(.cos, "cos") }
  /// Hyperbolic tangent.
  public func tanh() throws -> Tensor { try unary(.tanh, "tanh") }
  /// The error function, 2/√π · ∫ e^−t² dt from 0 to x.
  public func erf() throws -> Tensor { try unary(.erf, "erf") }
  /// 1 / (1 + e^−x).
  public func sigmoid() throws -> Tensor { try unary(.sigmoid, "sigmoid") }
  /// x / (1 + e^−x), also called swish.
  public func silu() throws -> Tensor { try unary(.silu, "silu") }
  /// log(1 + e^x), which never overflows.
  public func softplus() throws -> Tensor { try unary(.softplus, "softplus") }
  /// max(x, 0); the gradient at 0 is 0.
  public func relu() throws -> Tensor { try unary(.relu, "relu") }
  /// x·Φ(x), Φ the standard normal distribution function (the exact form, not the tanh one).
  public func gelu() throws -> Tensor { try unary(.gelu, "gelu") }
  /// x².
  public func square() throws -> Tensor { try unary(.square, "square") }
  /// x limited to [`low`, `high`], infinite for no limit; the gradient counts inside.
  /// - Throws: `EngineError` if `low` is above `high`, or one is not a number.
  public func clamp(_ low: Float, _ high: Float) throws -> Tensor {
    guard !low.isNaN, !high.isNaN else {
      throw EngineError("clamp", "the \(low.isNaN ? "lower" : "upper") limit is not a number")
    }
    guard low <= high else {
      throw EngineError("clamp", "the lower limit \(low) is above the upper limit \(high)")
    }
    return try unary(.clamp(low: low, high: high), "clamp")
  }

  /// 1 where x is not a number, else 0; without gradient.
  public func isNaN() throws -> Tensor { try detach().compare(self, "isnan", .notEqual) }
  /// 1 where x is a number and not infinite, else 0; without gradient.
  public func isFinite() throws -> Tensor {
    try detach().abs().compare(Tensor(.infinity), "isfinite", .less)
  }
  /// 1 where x is ∞ or −∞, else 0; without gradient.
  public func isInfinite() throws -> Tensor {
    try detach().abs().compare(Tensor(.infinity), "isinf", .equal)
  }
}

// In place.

extension Tensor {
  /// Refuses to change a leaf that is trained, or a tensor that is only read.
  /// - Throws: `EngineError` if this is a leaf that requires gradients and they are recorded, or is
  ///   not in Float32.
  public func checkInPlace(_ operation: String) throws {
    try checkFloat32(operation)
    guard !(requiresGrad && node == nil && Gradients.areRecorded) else {
      throw leafChange(operation)
    }
  }

  /// Replaces each element x by that of `update`, which gets this tensor and `other`.
  ///
  /// The new elements are worked out beside the tensor and written at the end: one that is
  /// interrupted holds what it held before. Where gradients are recorded, they come back through
  /// the old elements as well, of which a copy is kept.
  /// - Throws: `EngineError` if `other` does not broadcast to this shape, this view repeats
  ///   elements, or gradients cannot be recorded.
  func updateInPlace(
    by other: Tensor, _ operation: String, _ update: (Tensor, Tensor) throws -> Tensor
  ) throws {
    try checkOverwritable(operation)
    if other.shape != shape { _ = try other.layout.expanded(to: shape, operation) }
    try replaceElements(by: other, operation, update)
  }

  /// The same without the condition that `other` broadcasts, for who has checked what may be.
  func replaceElements(
    by other: Tensor, _ operation: String, _ update: (Tensor, Tensor) throws -> Tensor
  ) throws {
    guard let history = try historyToWrite(other, operation) else {
      let updated = try noGrad { try update(self, other) }
      try StopToken.check()
      return overwrite(with: updated)
    }
    let operand = other.storage === storage ? try other.clone() : other
    _ = try source(of: operand, in: history, operation)
    let updated = try update(clone(), operand)
    try StopToken.check()
    overwrite(with: updated)
    history.record(operation, updated.withoutNumbers, at: layout, version: storage.version)
  }

  /// Refuses to change what ``checkInPlace(_:)`` refuses, and a view that repeats elements.
  func checkOverwritable(_ operation: String) throws {
    try checkInPlace(operation)
    guard !layout.repeatsElements else {
      throw EngineError(
        operation, "this view repeats its elements (expand); change a clone() of it")
    }
    try StopToken.check()
  }

  /// Sets every element to those of `values`, of this shape and number type and not of this
  /// storage.
  ///
  /// It is not interrupted: it takes a fifth of a second for a gigabyte.
  package func overwrite(with values: Tensor) {
    StopToken.suspended { dtype == .float32 ? write(values) : writeStored(values) }
  }

  /// The same for numbers of 16 bits that lie side by side in both.
  private func writeStored(_ values: Tensor) {
    precondition(
      values.shape == shape && values.dtype == dtype && layout.isContiguous
        && values.layout.isContiguous, "elements of another shape")
    storage.version &+= 1
    withExtendedLifetime(values) {
      address.copyMemory(from: values.address, byteCount: count * dtype.size)
    }
  }

  /// The same for a tensor that nobody else knows yet, where an interruption may leave elements
  /// out.
  func write(_ values: Tensor) {
    precondition(values.shape == shape, "elements of another shape")
    storage.version &+= 1
    Backends.current.copy(values.storage.floats, values.layout, to: storage.floats, layout)
  }

  /// Sets every element to `value`, as ``overwrite(with:)``.
  private func overwrite(with value: Float) {
    storage.version &+= 1
    StopToken.suspended { Backends.current.fill(storage.floats, layout, value) }
  }

  /// Sets every element to 0.
  func clear() { overwrite(with: 0) }

  /// Sets every element to those of `other`, broadcast to this shape.
  /// - Throws: `EngineError` if it does not broadcast, or gradients cannot be recorded.
  public func copyInPlace(_ other: Tensor, _ operation: String = "copy_") throws {
    try checkOverwritable(operation)
    if other.shape != shape { _ = try other.layout.expanded(to: shape, operation) }
    let history = try historyToWrite(other, operation)
    let source = try history.map { try self.source(of: other, in: $0, operation) }
    if other.count == 1 {
      overwrite(with: other.element(at: other.layout.offset))
    } else {
      let isShared = other.storage === storage
      let values = try other.detach().expand(shape)
      let operand = isShared ? try values.copied() : try values.operand()
      try StopToken.check()
      overwrite(with: operand)
    }
    if let history, let source {
      history.record(operation, source, at: layout, version: storage.version)
    }
  }
  /// Adds `scale`·`other`.
  /// - Throws: `EngineError` if it does not broadcast, or gradients cannot be recorded.
  public func addInPlace(_ other: Tensor, scale: Float = 1) throws {
    try updateInPlace(by: other, "add_") { x, y in
      try x.binary(.addScaled(scale: scale), y, "add_")
        .recorded("add_", from: [x, y]) { g, _ in
          [g, scale == 1 ? g : try g.mul(Tensor(scale))]
        }
    }
  }
  /// Multiplies by `other`.
  /// - Throws: `EngineError` if it does not broadcast, or gradients cannot be recorded.
  public func mulInPlace(_ other: Tensor) throws {
    try updateInPlace(by: other, "mul_") { try $0.mul($1) }
  }
}
