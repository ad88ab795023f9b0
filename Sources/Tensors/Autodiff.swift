/// How a tensor was computed: what from, and how a gradient goes back.
///
/// An operation on a tensor that requires gradients makes a node with its inputs and a
/// vector–Jacobian product (VJP), a closure from the gradient of the result to the gradients of the
/// inputs, nil where none is needed. Nodes form a graph that `backward` walks once.
final class Node {
  /// Name of the operation, for messages.
  let operation: String
  /// Tensors it was computed from.
  private(set) var inputs: [Tensor]
  private let versions: [Int]
  private let resultVersion: Int
  private var vjp: ((Tensor) throws -> [Tensor?])?

  init(
    _ operation: String, _ inputs: [Tensor], resultVersion: Int,
    _ vjp: @escaping (Tensor) throws -> [Tensor?]
  ) {
    self.operation = operation
    self.resultVersion = resultVersion
    self.inputs = inputs
    self.vjp = vjp
    versions = inputs.map { $0.storage.version }
  }

  /// Whether a backward pass has used it.
  var isUsed: Bool { vjp == nil }

  /// The gradients of the inputs, from that of `result`; lets go of everything the forward pass
  /// kept.
  func backward(_ result: Tensor, _ gradient: Tensor) throws -> [(Tensor, Tensor?)] {
    guard let vjp else {
      throw EngineError(
        "backward",
        "the graph was already used by an earlier backward(); compute the result again")
    }
    for (input, version) in zip(inputs, versions) where input.storage.version != version {
      throw EngineError(
        "backward",
        "an input of \(operation), of shape \(input.shape), was changed in place after its use")
    }
    // Many rules read the result (exp, softmax, …).
    guard result.storage.version == resultVersion else {
      throw EngineError(
        "backward", "the result of \(operation), of shape \(result.shape), was changed in place")
    }
    let gradients = try vjp(gradient)
    return Array(zip(release(), gradients))
  }

  private func release() -> [Tensor] {
    vjp = nil
    defer { inputs = [] }
    return inputs
  }

  // A long chain is taken apart in a loop: released one inside the other, ten thousand
  // operations would exhaust the stack.
  deinit {
    var pending = release()
    while var tensor = pending.popLast() {
      guard isKnownUniquelyReferenced(&tensor), var node = tensor.node else { continue }
      tensor.node = nil
      if isKnownUniquelyReferenced(&node) { pending.append(contentsOf: node.release()) }
    }
  }
}

/// Whether operations record how to differentiate them.
public enum Gradients {
  @TaskLocal static var areRecorded = true
}

/// Runs `body` without recording operations: results do not require gradients.
public func noGrad<R>(_ body: () throws -> R) rethrows -> R {
  try Gradients.$areRecorded.withValue(false, operation: body)
}

extension Tensor {
  /// Makes `self` the result of an operation on `inputs`, if any of them requires gradients.
  ///
  /// - Parameters:
  ///   - operation: its name, for messages.
  ///   - inputs: what it was computed from.
  ///   - vjp: from the gradient of this tensor to those of the inputs, in their order; it may
  ///     return nil for an input whose `requiresGrad` is false. Gradients may have more dimensions
  ///     than the input or sizes where the input has 1; they are summed to its shape.
  /// - Returns: this tensor.
  func recorded(
    _ operation: String, from inputs: [Tensor], vjp: @escaping (Tensor) throws -> [Tensor?]
  ) -> Tensor {
    // The task-local value costs more to read than the flags.
    guard inputs.contains(where: { $0.requiresGrad }), Gradients.areRecorded else { return self }
    requiresGrad = true
    node = Node(operation, inputs, resultVersion: storage.version, vjp)
    return self
  }

  /// Adds the gradient of this scalar to the `grad` of every leaf that requires it.
  ///
  /// Walks the graph once in reverse order of computation and releases each intermediate tensor as
  /// soon as its gradient has been used, so the graph serves one backward pass.
  /// - Throws: `EngineError` if this is not a scalar, requires no gradient, or was used before.
  public func backward() throws {
    guard count == 1 else {
      throw EngineError(
        "backward", "needs a scalar, got shape \(shape); take sum() or mean() first")
    }
    guard requiresGrad else {
      throw EngineError("backward", "this tensor does not depend on any that requires gradients")
    }
    try noGrad { try propagate(Tensor(full: shape, 1)) }
  }

  private func propagate(_ seed: Tensor) throws {
    // In `order`, an entry comes after everything it was computed from.
    var order = graphOrder()
    var gradients: [ObjectIdentifier: Tensor] = [ObjectIdentifier(self): seed]
    while let tensor = order.popLast() {
      guard let gradient = gradients.removeValue(forKey: ObjectIdentifier(tensor)) else { continue }
      try Interruption.check()
      if tensor.retainsGrad && tensor.node != nil {
        try Interruption.suspended { try tensor.accumulate(gradient) }
      }
      guard let node = tensor.node else {
        try Interruption.suspended { try tensor.accumulate(gradient) }
        continue
      }
      let contributions = try node.backward(tensor, gradient)
      try Interruption.check()
      for (input, contribution) in contributions where input.requiresGrad {
        guard let contribution else { continue }
        let reduced = try contribution.summed(to: input.shape)
        let key = ObjectIdentifier(input)
        if let earlier = gradients[key] {
          gradients[key] = try earlier.add(reduced)
        } else {
          gradients[key] = reduced
        }
      }
    }
  }

  private func graphOrder() -> [Tensor] {
    var order = [Tensor]()
    var seen = Set<ObjectIdentifier>()
    var stack = [(tensor: self, next: 0)]
    seen.insert(ObjectIdentifier(self))
    while let (tensor, next) = stack.last {
      let inputs = tensor.node?.inputs ?? []
      if next < inputs.count {
        stack[stack.count - 1].next += 1
        let input = inputs[next]
        if input.requiresGrad, seen.insert(ObjectIdentifier(input)).inserted {
          stack.append((input, 0))
        }
      } else {
        order.append(tensor)
        stack.removeLast()
      }
    }
    return order
  }

  private func accumulate(_ gradient: Tensor) throws {
    if let grad {
      self.grad = try grad.add(gradient)
    } else {
      // A gradient of its own: the incoming one may be a view, or shared with another leaf.
      grad = gradient.clone()
    }
  }

  /// Sums a gradient over the dimensions that were broadcast from `shape`.
  func summed(to target: [Int]) throws -> Tensor {
    if shape == target { return self }
    var result = self
    while result.rank > target.count { result = try result.sum(0) }
    for d in 0..<target.count where target[d] == 1 && result.shape[d] != 1 {
      result = try result.sum(d, keepDim: true)
    }
    return result
  }
}
