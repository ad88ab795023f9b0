/// How a tensor was computed: what from, and how a gradient goes back.
///
/// An operation on a tensor that requires gradients makes a node with its inputs and a
/// vector–Jacobian product (VJP), a closure from the gradient of the result to the gradients of the
/// inputs, nil where none is needed. Nodes form a graph that `backward` walks; it takes it apart
/// on the way, unless it is to be kept for another time.
///
/// A rule gets the tensors that it reads from its node, which has noticed whether one was changed
/// in place meanwhile. It is `@Sendable`, so the compiler refuses one that captures a tensor.
final class Node {
  /// How a gradient goes back.
  enum Rule {
    /// From the gradient of the result to those of the inputs, nil where none is needed. If they
    /// are the rule's own (`areFresh`), nobody else reads them and sums may be made in them.
    case gradients(areFresh: Bool, VJP)
    /// A view of the result's gradient, for views: whether it may be added to stays as it was.
    case view(@Sendable (_ gradient: Tensor) throws -> Tensor)
    /// Adds to the gradient of the only input what comes from the gradient of the result: for
    /// operations that read few of the input's elements.
    case addition(@Sendable (_ gradient: Tensor, _ saved: Saved, _ sum: Tensor) throws -> Void)
    /// For a vector in which the elements at a layout were replaced: their gradient goes to the
    /// last input, that of the others (if any of them has one: `keepsRest`) to the first.
    case write(Layout, keepsRest: Bool)
  }

  /// From the gradient of the result to those of the inputs.
  typealias VJP = @Sendable (_ gradient: Tensor, _ saved: Saved) throws -> [Tensor?]

  /// What a rule is handed back.
  struct Saved {
    /// What the result was computed from.
    fileprivate(set) var inputs: [Tensor]
    /// What else the operation saved: a mask, statistics.
    fileprivate(set) var tensors: [Tensor] = []
    /// The ids that it chose by.
    fileprivate(set) var integers: [IntTensor] = []

    /// How often each was changed in place, in this order.
    fileprivate var versions: [Int] {
      var versions: [Int] = []
      versions.reserveCapacity(inputs.count + tensors.count + integers.count)
      for input in inputs { versions.append(input.storage.version) }
      for tensor in tensors { versions.append(tensor.storage.version) }
      for ids in integers { versions.append(ids.storage.version) }
      return versions
    }
  }

  /// Name of the operation, for messages.
  let operation: String
  private var saved: Saved
  private let versions: [Int]
  /// How often the storage of the result had been changed in place when it was made.
  let resultVersion: Int
  private var rule: Rule?
  /// The ``WriteHistory`` of whose storage it is known not to have been computed.
  var unrelated = 0

  init(_ operation: String, _ saved: Saved, resultVersion: Int, _ rule: Rule) {
    self.operation = operation
    self.resultVersion = resultVersion
    self.saved = saved
    self.rule = rule
    versions = saved.versions
  }

  /// Tensors it was computed from.
  var inputs: [Tensor] { saved.inputs }

  /// All tensors that it holds.
  var tensors: [Tensor] { saved.inputs + saved.tensors }

  /// What the result is a view of, or a copy of elements that has their gradient; nil if it is
  /// neither.
  var viewed: Tensor? {
    switch rule {
    case .view, .addition: saved.inputs.first
    case .gradients, .write, nil: nil
    }
  }

  /// Whether a backward pass has used it up.
  var isUsed: Bool { rule == nil }

  /// Adds the gradients of the inputs, from that of `result`, to `sums`; lets go of everything the
  /// forward pass kept, unless it is retained.
  func backward(
    _ result: Tensor, _ gradient: GradientSums.Sum, retain: Bool,
    addingTo sums: inout GradientSums
  ) throws {
    guard let rule else { throw Node.usedBefore("backward") }
    if saved.versions != versions || result.storage.version != resultVersion {
      throw changeInPlace(result)
    }
    switch rule {
    case .gradients(let areFresh, let vjp):
      let gradients = try vjp(gradient.tensor, saved)
      try StopToken.check()
      // A rule that is retained may hand out what it saved, and will read it again.
      let isOwned = areFresh && !retain
      for (input, contribution) in zip(takeInputs(retain: retain), gradients)
      where sums.want(input) {
        guard let contribution else { continue }
        try sums.add(contribution, for: input, isOwned: isOwned)
      }
    case .view(let vjp):
      let contribution = try vjp(gradient.tensor)
      for input in takeInputs(retain: retain) where sums.want(input) {
        try sums.add(contribution, for: input, isOwned: gradient.isOwned)
      }
    case .addition(let add):
      let saved = saved
      for input in takeInputs(retain: retain) where sums.want(input) {
        try add(gradient.tensor, saved, sums.owned(for: input))
      }
    case .write(let layout, let keepsRest):
      let whole = gradient.isOwned ? gradient.tensor : try gradient.tensor.copied()
      let inputs = takeInputs(retain: retain)
      if let values = inputs.dropFirst(keepsRest ? 1 : 0).first, sums.want(values) {
        try sums.add(whole.part(layout).copied(), for: values, isOwned: true)
      }
      if keepsRest, sums.want(inputs[0]) {
        whole.part(layout).clear()
        try sums.add(whole, for: inputs[0], isOwned: true)
      }
    }
  }

  static func usedBefore(_ operation: String) -> EngineError {
    EngineError(
      operation,
      "the graph was already used by an earlier backward() or grad(); compute the result again, or "
        + "call that one with {retain = true}")
  }

  private func takeInputs(retain: Bool) -> [Tensor] { retain ? saved.inputs : release() }

  /// Which of the tensors that the rule may read was changed in place.
  private func changeInPlace(_ result: Tensor) -> EngineError {
    func failure(_ what: String, _ shape: [Int], _ since: String = "") -> EngineError {
      EngineError("backward", "\(what), of shape \(shape), was changed in place\(since)")
    }
    let changed = zip(saved.versions, versions).map { $0 != $1 }
    let inputs = saved.inputs
    if let (input, _) = zip(inputs, changed).first(where: \.1) {
      return failure("an input of \(operation)", input.shape, " after its use")
    }
    // Many rules read the result (exp, softmax, …).
    guard result.storage.version == resultVersion else {
      return failure("the result of \(operation)", result.shape)
    }
    let shapes = saved.tensors.map(\.shape) + saved.integers.map(\.shape)
    let shape = zip(shapes, changed.dropFirst(inputs.count)).first(where: \.1)?.0 ?? []
    return failure("what \(operation) chose by", shape, " after its use")
  }

  private func release() -> [Tensor] {
    rule = nil
    defer { saved = Saved(inputs: []) }
    return saved.inputs
  }

  // A long chain is taken apart in a loop: released one inside the other, ten thousand
  // operations would exhaust the stack.
  deinit {
    var pending = release()
    while !pending.isEmpty {
      var tensor: Tensor? = pending.removeLast()
      guard isKnownUniquelyReferenced(&tensor) else { continue }
      if var node = tensor?.ownNode {
        tensor?.ownNode = nil
        if isKnownUniquelyReferenced(&node) { pending.append(contentsOf: node.release()) }
      }
      // A tensor that was written into holds its chain by its storage.
      guard tensor?.storage.history != nil else { continue }
      var storage = tensor?.storage
      tensor = nil
      if isKnownUniquelyReferenced(&storage), let state = storage?.releaseHistory() {
        pending.append(state)
      }
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
  ///   - tensors: what else `vjp` reads and is handed back; without gradients of their own.
  ///   - integers: the ids that it reads.
  ///   - areFresh: whether the gradients that `vjp` returns are tensors of their own that nobody
  ///     else reads, so that others may be added in place.
  ///   - vjp: from the gradient of this tensor to those of the inputs, in their order; it captures
  ///     no tensor, so that no change in place escapes the node that hands them back. It may
  ///     return nil for an input whose `requiresGrad` is false. Gradients may have more dimensions
  ///     than the input or sizes where the input has 1; they are summed to its shape.
  /// - Returns: this tensor.
  func recorded(
    _ operation: String, from inputs: [Tensor], saving tensors: [Tensor] = [],
    integers: [IntTensor] = [], areFresh: Bool = false, vjp: @escaping Node.VJP
  ) -> Tensor {
    recorded(
      operation, from: inputs, saving: tensors, integers: integers,
      .gradients(areFresh: areFresh, vjp))
  }

  /// The same for a scalar whose gradients were computed with it, nil where none is wanted.
  func recorded(
    _ operation: String, from inputs: [Tensor], gradients: [Tensor?]
  ) -> Tensor {
    let wanted = gradients.map { $0 != nil }
    let made = gradients.compactMap { $0 }
    return recorded(operation, from: inputs, saving: made, areFresh: true) { g, saved in
      let scale = try g.item()
      var gradients = saved.tensors.makeIterator()
      return try wanted.map {
        guard $0, let gradient = gradients.next() else { return nil }
        return scale == 1 ? gradient : try gradient.mul(Tensor(scale))
      }
    }
  }

  /// The same with any rule.
  func recorded(
    _ operation: String, from inputs: [Tensor], saving tensors: [Tensor] = [],
    integers: [IntTensor] = [], _ rule: Node.Rule
  ) -> Tensor {
    // The task-local value costs more to read than the flags.
    guard inputs.contains(where: { $0.requiresGrad }), Gradients.areRecorded else { return self }
    for input in inputs where input.storage !== storage { input.storage.noteRead() }
    for tensor in tensors where tensor.storage !== storage { tensor.storage.noteRead() }
    requiresGrad = true
    node = Node(
      operation, Node.Saved(inputs: inputs, tensors: tensors, integers: integers),
      resultVersion: storage.version, rule)
    return self
  }

  /// Adds the gradient of this tensor to the `grad` of every leaf that requires it.
  ///
  /// Walks the graph once in reverse order of computation and releases each intermediate tensor as
  /// soon as its gradient has been used, so the graph serves one backward pass unless it is
  /// retained. Gradients are numbers without history: there are no second derivatives.
  /// - Parameters:
  ///   - gradient: that of what is differentiated with respect to this tensor, of its shape;
  ///     default: 1, for a scalar.
  ///   - retain: whether the graph can be used again.
  /// - Throws: `EngineError` if this is not a scalar and there is no gradient of its shape, if it
  ///   requires no gradient, or was used before.
  public func backward(gradient: Tensor? = nil, retain: Bool = false) throws {
    let seed = try seed(gradient, "backward")
    try noGrad {
      try propagate(seed, retain: retain) {
        if $0.node == nil || $0.retainsGrad { try $0.accumulate($1) }
      }
    }
  }

  /// The gradients of this tensor with respect to others, which may be anywhere in its graph.
  ///
  /// Only what leads to them is walked, and no `grad` is touched.
  /// - Parameters:
  ///   - inputs: leaves that require gradients, or tensors computed from such.
  ///   - gradient: as for ``backward(gradient:retain:)``.
  ///   - retain: whether the graph can be used again.
  /// - Returns: a gradient for each of `inputs`, of its shape and without history.
  /// - Throws: `EngineError` as ``backward(gradient:retain:)``, or if this does not depend on one
  ///   of them: it may be a view or copy made anew, and zeros would hide that.
  public func gradients(
    of inputs: [Tensor], gradient: Tensor? = nil, retain: Bool = false
  ) throws -> [Tensor] {
    let seed = try seed(gradient, "grad")
    try checkDependence(on: inputs)
    let asked = Set(inputs.map(ObjectIdentifier.init))
    var found: [ObjectIdentifier: Tensor] = [:]
    try noGrad {
      try propagate(seed, towards: asked, retain: retain) { tensor, gradient in
        guard asked.contains(ObjectIdentifier(tensor)) else { return }
        found[ObjectIdentifier(tensor)] = try gradient.ownTensor()
      }
    }
    var given = Set<ObjectIdentifier>()
    return try inputs.map { input in
      // An operation may have read none of it.
      guard let gradient = found[ObjectIdentifier(input)] else {
        return try Tensor(full: input.shape, 0)
      }
      return given.insert(ObjectIdentifier(input)).inserted ? gradient : try gradient.clone()
    }
  }

  private func checkDependence(on inputs: [Tensor]) throws {
    let graph = graphOrder()
    let tensors = Set(graph.map(ObjectIdentifier.init))
    let used = graph.filter { $0.node?.isUsed ?? false }
    for (place, input) in inputs.enumerated() {
      let name = "tensor \(place + 1), of shape \(input.shape)"
      guard input.requiresGrad else {
        throw EngineError("grad", "\(name), does not require gradients")
      }
      // What was computed from is forgotten there: perhaps this, unless this was computed from it.
      if !used.isEmpty {
        let sources = Set(input.graphOrder().map(ObjectIdentifier.init))
        guard used.allSatisfy({ sources.contains(ObjectIdentifier($0)) }) else {
          throw Node.usedBefore("grad")
        }
      }
      guard tensors.contains(ObjectIdentifier(input)) else {
        throw EngineError("grad", "the result does not depend on \(name)")
      }
    }
  }

  /// What a walk begins with.
  private func seed(_ gradient: Tensor?, _ operation: String) throws -> GradientSums.Sum {
    guard gradient != nil || count == 1 else {
      throw EngineError(
        operation,
        "needs a scalar, got shape \(shape); take sum() or mean() first, or give a gradient")
    }
    guard requiresGrad else {
      throw EngineError(
        operation,
        "this tensor does not depend on any that requires gradients (gradients themselves have no "
          + "history: there are no second derivatives)")
    }
    guard let gradient else {
      return GradientSums.Sum(tensor: try Tensor(full: shape, 1), isOwned: true)
    }
    guard gradient.shape == shape else {
      throw EngineError(
        operation, "needs a gradient of shape \(shape), as the tensor, got \(gradient.shape)")
    }
    return GradientSums.Sum(tensor: try gradient.detach().float(), isOwned: false)
  }

  /// Walks the graph, all of it or what leads to certain tensors, and hands over each tensor with
  /// its gradient.
  private func propagate(
    _ seed: GradientSums.Sum, towards asked: Set<ObjectIdentifier>? = nil, retain: Bool,
    to receive: (Tensor, GradientSums.Sum) throws -> Void
  ) throws {
    // In `order`, an entry comes after everything it was computed from.
    var order = graphOrder()
    if let asked { order = order.leading(to: asked) }
    var sums = GradientSums(for: asked == nil ? nil : Set(order.map(ObjectIdentifier.init)))
    try sums.add(seed.tensor, for: self, isOwned: seed.isOwned)
    while let tensor = order.popLast() {
      guard let gradient = sums.take(for: tensor) else { continue }
      try StopToken.check()
      guard let node = tensor.node else {
        try StopToken.suspended { try receive(tensor, gradient) }
        continue
      }
      try StopToken.suspended { try receive(tensor, gradient.borrowed) }
      guard sums.wantSome(of: node.inputs) else { continue }
      try node.backward(tensor, gradient, retain: retain, addingTo: &sums)
      try StopToken.check()
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
    grad = try grad?.add(gradient.tensor) ?? gradient.ownTensor()
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

extension [Tensor] {
  /// The entries of a graph that were computed from those asked for, and these.
  fileprivate func leading(to asked: Set<ObjectIdentifier>) -> [Tensor] {
    var path = asked
    return filter { tensor in
      let inputs = tensor.node?.inputs ?? []
      if inputs.contains(where: { path.contains(ObjectIdentifier($0)) }) {
        path.insert(ObjectIdentifier(tensor))
      }
      return path.contains(ObjectIdentifier(tensor))
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

    /// The sum as a tensor of its own: it may be a view, or shared with another.
    func ownTensor() throws -> Tensor { isOwned ? tensor : try tensor.copied() }
  }

  private var sums: [ObjectIdentifier: Sum] = [:]
  private let wanted: Set<ObjectIdentifier>?

  /// Sums for certain tensors only, or for all that require gradients.
  init(for wanted: Set<ObjectIdentifier>? = nil) { self.wanted = wanted }

  /// Whether the gradient of a tensor is asked for.
  func want(_ tensor: Tensor) -> Bool {
    tensor.requiresGrad && wanted?.contains(ObjectIdentifier(tensor)) ?? true
  }

  /// Whether a node with these inputs is to be walked; without a choice, every one is.
  func wantSome(of inputs: [Tensor]) -> Bool { wanted == nil || inputs.contains(where: want) }

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
    let sum = try sums[key]?.tensor.copied() ?? Tensor(full: tensor.shape, 0)
    sums[key] = Sum(tensor: sum, isOwned: true)
    return sum
  }

  /// The sum for `tensor`, which is complete; nil if there is none.
  mutating func take(for tensor: Tensor) -> Sum? {
    sums.removeValue(forKey: ObjectIdentifier(tensor))
  }
}
