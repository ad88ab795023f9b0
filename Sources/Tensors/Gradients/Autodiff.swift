/// How a tensor was computed: what from, and how a gradient goes back.
///
/// An operation on a tensor that requires gradients makes a node with its inputs and a
/// vector–Jacobian product (VJP), a closure from the gradient of the result to the gradients of the
/// inputs, nil where none is needed. Nodes form a graph that `backward` walks once.
final class Node {
  /// How a gradient goes back.
  enum Rule {
    /// From the gradient of the result to those of the inputs, nil where none is needed. They are
    /// the rule's own (`areFresh`): nobody else reads them and sums may be made in them.
    case gradients(areFresh: Bool, (Tensor) throws -> [Tensor?])
    /// A view of the result's gradient, for views: whether it may be added to stays as it was.
    case view((Tensor) throws -> Tensor)
    /// Adds to the gradient of the only input what comes from the gradient of the result: for
    /// operations that read few of the input's elements.
    case addition((_ gradient: Tensor, _ sum: Tensor) throws -> Void)
  }

  /// Name of the operation, for messages.
  let operation: String
  /// What a rule reads beside the inputs: a mask, ids.
  enum Reading {
    case tensor(Tensor)
    case integers(IntTensor)

    fileprivate var version: Int {
      switch self {
      case .tensor(let tensor): tensor.storage.version
      case .integers(let tensor): tensor.storage.version
      }
    }

    fileprivate var shape: [Int] {
      switch self {
      case .tensor(let tensor): tensor.shape
      case .integers(let tensor): tensor.shape
      }
    }
  }

  /// Tensors it was computed from.
  private(set) var inputs: [Tensor]
  private let versions: [Int]
  private var readings: [(reading: Reading, version: Int)]
  private let resultVersion: Int
  private var rule: Rule?

  init(
    _ operation: String, _ inputs: [Tensor], reading readings: [Reading], resultVersion: Int,
    _ rule: Rule
  ) {
    self.operation = operation
    self.resultVersion = resultVersion
    self.inputs = inputs
    self.rule = rule
    versions = inputs.map { $0.storage.version }
    self.readings = readings.map { ($0, $0.version) }
  }

  /// Whether a backward pass has used it.
  var isUsed: Bool { rule == nil }

  /// Adds the gradients of the inputs, from that of `result`, to `sums`; lets go of everything the
  /// forward pass kept.
  func backward(
    _ result: Tensor, _ gradient: GradientSums.Sum, addingTo sums: inout GradientSums
  ) throws {
    guard let rule else {
      throw EngineError(
        "backward",
        "the graph was already used by an earlier backward(); compute the result again")
    }
    for (input, version) in zip(inputs, versions) where input.storage.version != version {
      throw EngineError(
        "backward",
        "an input of \(operation), of shape \(input.shape), was changed in place after its use")
    }
    for (reading, version) in readings where reading.version != version {
      throw EngineError(
        "backward",
        "what \(operation) chose by, of shape \(reading.shape), was changed in place after its use")
    }
    // Many rules read the result (exp, softmax, …).
    guard result.storage.version == resultVersion else {
      throw EngineError(
        "backward", "the result of \(operation), of shape \(result.shape), was changed in place")
    }
    switch rule {
    case .gradients(let areFresh, let vjp):
      let gradients = try vjp(gradient.tensor)
      try StopToken.check()
      for (input, contribution) in zip(release(), gradients) where input.requiresGrad {
        guard let contribution else { continue }
        try sums.add(contribution, for: input, isOwned: areFresh)
      }
    case .view(let vjp):
      let contribution = try vjp(gradient.tensor)
      for input in release() where input.requiresGrad {
        try sums.add(contribution, for: input, isOwned: gradient.isOwned)
      }
    case .addition(let add):
      for input in release() where input.requiresGrad {
        try add(gradient.tensor, sums.owned(for: input))
      }
    }
  }

  private func release() -> [Tensor] {
    rule = nil
    readings = []
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
  @TaskLocal package static var areRecorded = true
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
  ///   - readings: what else `vjp` reads, so that a change in place is noticed.
  ///   - areFresh: whether the gradients that `vjp` returns are tensors of their own that nobody
  ///     else reads, so that others may be added in place.
  ///   - vjp: from the gradient of this tensor to those of the inputs, in their order; it may
  ///     return nil for an input whose `requiresGrad` is false. Gradients may have more dimensions
  ///     than the input or sizes where the input has 1; they are summed to its shape.
  /// - Returns: this tensor.
  func recorded(
    _ operation: String, from inputs: [Tensor], reading readings: [Node.Reading] = [],
    areFresh: Bool = false, vjp: @escaping (Tensor) throws -> [Tensor?]
  ) -> Tensor {
    recorded(operation, from: inputs, reading: readings, .gradients(areFresh: areFresh, vjp))
  }

  /// The same with any rule.
  func recorded(
    _ operation: String, from inputs: [Tensor], reading readings: [Node.Reading] = [],
    _ rule: Node.Rule
  ) -> Tensor {
    // The task-local value costs more to read than the flags.
    guard inputs.contains(where: { $0.requiresGrad }), Gradients.areRecorded else { return self }
    requiresGrad = true
    node = Node(
      operation, inputs, reading: readings, resultVersion: storage.version, rule)
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
    var sums = GradientSums()
    try sums.add(seed, for: self, isOwned: true)
    while let tensor = order.popLast() {
      guard let gradient = sums.take(for: tensor) else { continue }
      try StopToken.check()
      if tensor.retainsGrad && tensor.node != nil {
        try StopToken.suspended { try tensor.accumulate(gradient.borrowed) }
      }
      if let node = tensor.node {
        try node.backward(tensor, gradient, addingTo: &sums)
        try StopToken.check()
      } else {
        try StopToken.suspended { try tensor.accumulate(gradient) }
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

  private func accumulate(_ gradient: GradientSums.Sum) throws {
    if let grad {
      self.grad = try grad.add(gradient.tensor)
    } else {
      // A gradient of its own: the incoming one may be a view, or shared with another leaf.
      grad = gradient.isOwned ? gradient.tensor : try gradient.tensor.clone()
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

extension Tensor {
  /// Adds the elements of a tensor of this shape to these, both contiguous, in place.
  func accumulate(_ other: Tensor) {
    precondition(other.shape == shape && layout.isContiguous && other.layout.isContiguous)
    withExtendedLifetime(other) {
      Backends.current.add(count, other.pointer, to: pointer)
    }
  }
}

/// The gradients of one backward pass that are not complete yet.
struct GradientSums {
  /// A sum so far.
  struct Sum {
    let tensor: Tensor
    /// Whether nobody else reads the tensor, so that more may be added in place.
    let isOwned: Bool

    /// The same, for somebody who has to leave it as it is.
    var borrowed: Sum { Sum(tensor: tensor, isOwned: false) }
  }

  private var sums: [ObjectIdentifier: Sum] = [:]

  /// Adds a gradient, summed to `tensor`'s shape.
  mutating func add(_ contribution: Tensor, for tensor: Tensor, isOwned: Bool) throws {
    let gradient = try contribution.summed(to: tensor.shape)
    let isOwned = isOwned || gradient !== contribution
    let key = ObjectIdentifier(tensor)
    guard let earlier = sums[key] else {
      sums[key] = Sum(tensor: gradient, isOwned: isOwned && gradient.layout.isContiguous)
      return
    }
    if earlier.isOwned && gradient.layout.isContiguous {
      earlier.tensor.accumulate(gradient)
    } else {
      sums[key] = Sum(tensor: try earlier.tensor.add(gradient), isOwned: true)
    }
  }

  /// The sum for `tensor` so far, zeros if there is none, to be added to in place.
  mutating func owned(for tensor: Tensor) throws -> Tensor {
    let key = ObjectIdentifier(tensor)
    if let sum = sums[key], sum.isOwned { return sum.tensor }
    let sum = try sums[key]?.tensor.clone() ?? Tensor(full: tensor.shape, 0)
    sums[key] = Sum(tensor: sum, isOwned: true)
    return sum
  }

  /// The sum for `tensor`, which is complete; nil if there is none.
  mutating func take(for tensor: Tensor) -> Sum? {
    sums.removeValue(forKey: ObjectIdentifier(tensor))
  }
}
