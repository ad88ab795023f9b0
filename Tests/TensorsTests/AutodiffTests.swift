import Tensors
import TestSupport
import Testing

@Suite struct AutodiffTests {
  private func leaf(_ elements: [Float] = [1, 2, 3]) throws -> Tensor {
    try Tensor(elements).requireGrad()
  }

  @Test func accumulatesOverUses() throws {
    let x = try leaf()
    try x.mul(x).add(x).sum().backward()  // x² + x
    #expect(x.grad?.elements() == [3, 5, 7])
  }

  @Test func accumulatesOverPaths() throws {
    // Two paths of different length meet in x; each intermediate is walked once.
    let x = try leaf([2])
    let y = try x.mul(Tensor(3))
    let z = try y.mul(y).add(y)  // 9x² + 3x
    try z.add(x).add(y).sum().backward()
    #expect(x.grad?.elements() == [18 * 2 + 3 + 1 + 3])
  }

  @Test func accumulatesOverBackwardCalls() throws {
    let x = try leaf()
    try x.square().sum().backward()
    let first = try #require(x.grad)
    try x.square().sum().backward()
    #expect(x.grad?.elements() == [4, 8, 12])
    // The gradient that someone kept is not changed under their hands.
    #expect(first.elements() == [2, 4, 6])
    x.grad = nil
    try x.sum().backward()
    #expect(x.grad?.elements() == [1, 1, 1])
  }

  @Test func gradientsBelongToOneLeafEach() throws {
    let (x, y) = (try leaf(), try leaf())
    try x.add(y).sum().backward()
    try x.grad?.mulInPlace(Tensor(5))
    #expect(x.grad?.elements() == [5, 5, 5])
    #expect(y.grad?.elements() == [1, 1, 1])
    #expect(y.grad?.layout.isContiguous == true)
  }

  @Test func intermediatesKeepNoGradient() throws {
    let x = try leaf()
    let y = try x.square()
    try y.sum().backward()
    #expect(y.grad == nil)
    #expect(y.requiresGrad)
  }

  @Test func scalarsOfAnyRank() throws {
    for shape in [[], [1], [1, 1]] {
      let x = try Tensor.full(shape, 3).requireGrad()
      try x.square().backward()
      #expect(x.grad?.shape == shape)
      #expect(x.grad?.elements() == [6])
    }
    // A leaf is its own derivative.
    let x = try Tensor(2).requireGrad()
    try x.backward()
    #expect(x.grad?.elements() == [1])
  }

  @Test func backwardErrors() throws {
    let x = try leaf()
    expectError(
      "backward: needs a scalar, got shape [3]; take sum() or mean() first, or give a gradient"
    ) {
      try x.square().backward()
    }
    expectError(
      "backward: needs a scalar, got shape [0]; take sum() or mean() first, or give a gradient"
    ) {
      try leaf([]).neg().backward()
    }
    expectError(Self.withoutHistory("backward")) {
      try Tensor([1, 2]).sum().backward()
    }
    let used = Self.usedBefore("backward")
    let loss = try x.square().sum()
    try loss.backward()
    expectError(used) { try loss.backward() }
    let shared = try x.square()
    try shared.sum().backward()
    expectError(used) { try shared.mul(Tensor(2)).sum().backward() }
    #expect(x.grad?.elements() == [4, 8, 12])
  }

  private static func withoutHistory(_ operation: String) -> String {
    "\(operation): this tensor does not depend on any that requires gradients (gradients themselves "
      + "have no history: there are no second derivatives)"
  }

  private static func usedBefore(_ operation: String) -> String {
    "\(operation): the graph was already used by an earlier backward() or grad(); compute the result "
      + "again, or call that one with {retain = true}"
  }

  @Test func retainedGraphsServeAgain() throws {
    let x = try leaf()
    let y = try x.square().exp().reshape([3, 1])
    let loss = try y.mul(y).sum()
    try loss.backward(retain: true)
    let first = try #require(x.grad)
    let once = first.elements()
    try loss.backward(retain: true)
    #expect(first.elements() == once)
    #expect(x.grad?.elements() == once.map { 2 * $0 })
    try loss.backward()
    #expect(x.grad?.elements() == once.map { 3 * $0 })
    expectError(Self.usedBefore("backward")) { try loss.backward(retain: true) }
    // Changes in place are noticed still.
    let w = try Tensor([1, 1, 1])
    let other = try x.mul(w).sum()
    try other.backward(retain: true)
    try w.addInPlace(Tensor(1))
    expectError("backward: an input of mul, of shape [3], was changed in place after its use") {
      try other.backward(retain: true)
    }
  }

  /// Sums of gradients are made in place; those that a loss computed with its value, and keeps, are
  /// not what they are made in.
  @Test func retainedGraphsKeepTheirGradients() throws {
    let (a, b) = (try leaf(), try Tensor([4, 5, 6]))
    func loss() throws -> Tensor {
      let ready = try GradientAccumulation.sum(over: [a], parts: 2) { inputs, _ in
        try inputs[0].mul(b).sum()
      }
      // The walk comes to what was added last first.
      return try a.square().sum().add(a.mul(Tensor(3)).sum()).add(ready)
    }
    try loss().backward()
    let once = try #require(a.grad).elements()
    #expect(once == [13, 17, 21])
    a.grad = nil
    let kept = try loss()
    for round in 1...3 {
      try kept.backward(retain: true)
      #expect(a.grad?.elements() == once.map { Float(round) * $0 })
    }
    // The loss alone: its gradient becomes a leaf's, which is the user's to change.
    a.grad = nil
    let alone = try GradientAccumulation.sum(over: [a], parts: 2) { inputs, _ in
      try inputs[0].mul(b).sum()
    }
    try alone.backward(retain: true)
    try a.grad?.mulInPlace(Tensor(100))
    a.grad = nil
    try alone.backward(retain: true)
    #expect(a.grad?.elements() == [8, 10, 12])
  }

  @Test func gradientsThatAreGiven() throws {
    let x = try leaf()
    let g = try Tensor([1, 10, 100])
    try x.square().backward(gradient: g)
    #expect(x.grad?.elements() == [2, 40, 600])
    #expect(g.elements() == [1, 10, 100])
    // Of a leaf it is the gradient itself, but not the same tensor.
    x.grad = nil
    try x.backward(gradient: g)
    try x.grad?.mulInPlace(Tensor(2))
    #expect(g.elements() == [1, 10, 100])
    // A view that repeats its elements, a scalar, numbers of 16 bits, nothing.
    x.grad = nil
    try x.square().backward(gradient: Tensor([3]).expand([3]))
    #expect(x.grad?.elements() == [6, 12, 18])
    x.grad = nil
    try x.sum().backward(gradient: Tensor(5))
    #expect(x.grad?.elements() == [5, 5, 5])
    x.grad = nil
    try x.square().backward(gradient: g.half())
    #expect(x.grad?.elements() == [2, 40, 600])
    let empty = try leaf([])
    try empty.neg().backward(gradient: Tensor([]))
    #expect(empty.grad?.shape == [0])
    expectError("backward: needs a gradient of shape [3], as the tensor, got [1]") {
      try x.square().backward(gradient: Tensor([1]))
    }
    expectError("backward: needs a gradient of shape [], as the tensor, got [1]") {
      try x.sum().backward(gradient: Tensor([1]))
    }
    expectError(Self.withoutHistory("backward")) { try g.backward(gradient: g) }
  }

  @Test func gradientsWithRespectToTensors() throws {
    let (x, w) = (try leaf(), try leaf([4, 5, 6]))
    let hidden = try x.mul(w).retainGrad()
    let loss = try hidden.square().sum()
    let gradients = try loss.gradients(of: [hidden, w, x, loss, w], retain: true)
    #expect(gradients[0].elements() == [8, 20, 36])
    #expect(gradients[1].elements() == [8, 40, 108])
    #expect(gradients[2].elements() == [32, 100, 216])
    #expect(try gradients[3].item() == 1)
    #expect(gradients[4].elements() == gradients[1].elements())
    try gradients[1].mulInPlace(Tensor(0))
    #expect(gradients[4].elements() == [8, 40, 108])
    #expect(gradients.allSatisfy { !$0.requiresGrad && $0.layout.isContiguous })
    #expect(x.grad == nil && w.grad == nil && hidden.grad == nil && loss.grad == nil)
    // What leads to others is not walked, and stays.
    #expect(try loss.gradients(of: [hidden])[0].elements() == [8, 20, 36])
    #expect(try hidden.gradients(of: [x], gradient: Tensor.ones([3]))[0].elements() == [4, 5, 6])
    expectError(Self.usedBefore("grad")) { try loss.gradients(of: [x]) }
    expectError(Self.usedBefore("grad")) { try hidden.sum().gradients(of: [x]) }
  }

  /// A node that was used has forgotten its inputs, which may be the tensors asked for.
  @Test func gradientsBesideUsedNodes() throws {
    let x = try leaf()
    let shared = try x.square()
    try shared.sum().backward()
    expectError(Self.usedBefore("grad")) {
      try shared.sum().add(x.sum()).gradients(of: [x])
    }
    // What was computed from the node is not among them.
    let other = try shared.mul(Tensor(3))
    let gradients = try other.add(other).sum().gradients(of: [shared, other])
    #expect(gradients[0].elements() == [6, 6, 6] && gradients[1].elements() == [2, 2, 2])
  }

  @Test func gradientsInsideNoGradAndOverPaths() throws {
    let x = try leaf([2])
    let y = try x.mul(Tensor(3))
    let z = try y.mul(y).add(y).add(x)
    // The gradient of y counts all that was computed from it, that of x all of y's.
    let gradients = try noGrad { try z.gradients(of: [y, x]) }
    #expect(gradients[0].elements() == [13])
    #expect(gradients[1].elements() == [40])
  }

  @Test func gradientsOfWhatIsReadNowhere() throws {
    let (a, b) = (try leaf(), try leaf())
    let loss = try GradientAccumulation.sum(over: [a, b], parts: 2) { inputs, _ in
      try inputs[0].sum()
    }
    let gradients = try loss.gradients(of: [b, a])
    #expect(gradients[0].elements() == [0, 0, 0])
    #expect(gradients[1].elements() == [2, 2, 2])
  }

  @Test func gradientsErrors() throws {
    let (x, w) = (try leaf(), try leaf())
    let loss = try x.square().sum()
    expectError("grad: the result does not depend on tensor 2, of shape [3]") {
      try loss.gradients(of: [x, w])
    }
    expectError("grad: tensor 1, of shape [2], does not require gradients") {
      try loss.gradients(of: [Tensor([1, 2])])
    }
    expectError(
      "grad: needs a scalar, got shape [3]; take sum() or mean() first, or give a gradient"
    ) { try x.square().gradients(of: [x]) }
    expectError("grad: needs a gradient of shape [3], as the tensor, got [2]") {
      try x.square().gradients(of: [x], gradient: Tensor([1, 2]))
    }
    let gradient = try loss.gradients(of: [x])[0]
    expectError(Self.withoutHistory("grad")) { try gradient.sum().gradients(of: [x]) }
    #expect(x.grad == nil && w.grad == nil)
  }

  @Test func leavesAndRetainedGradients() throws {
    let x = try leaf()
    let y = try x.square()
    #expect(x.isLeaf && !y.isLeaf && y.detach().isLeaf)
    #expect(try noGrad { try x.square().isLeaf })
    #expect(try y.retainGrad() === y)
    try y.mul(Tensor([1, 2, 3])).sum().backward(retain: true)
    #expect(y.grad?.elements() == [1, 2, 3])
    try y.sum().backward()
    #expect(y.grad?.elements() == [2, 3, 4])
    #expect(x.grad?.elements() == [4, 12, 24])
    expectError("retain_grad: the tensor does not require gradients") {
      try Tensor([1]).retainGrad()
    }
  }

  @Test func noticesInputsChangedAfterUse() throws {
    func message(_ operation: String) -> String {
      "backward: an input of \(operation), of shape [3], was changed in place after its use"
    }
    let (x, w) = (try leaf(), try Tensor([1, 1, 1]))
    var loss = try x.mul(w).sum()
    try w.addInPlace(Tensor(1))
    expectError(message("mul")) { try loss.backward() }
    loss = try x.square().sum()
    try noGrad { try x.addInPlace(Tensor(1)) }
    expectError(message("square")) { try loss.backward() }
    // Through a view of the same storage.
    loss = try x.mul(w).sum()
    try w.narrow(0, 1, 1).copyInPlace(Tensor(7))
    expectError(message("mul")) { try loss.backward() }
    loss = try x.mul(w).sum()
    try w.withMutableElements { $0[0] = 2 }
    expectError(message("mul")) { try loss.backward() }
    #expect(x.grad == nil)
    // A change before the use is none of its business.
    try w.copyInPlace(Tensor([1, 2, 3]))
    try x.mul(w).sum().backward()
    #expect(x.grad?.elements() == [1, 2, 3])
  }

  @Test func noticesResultsChangedBeforeBackward() throws {
    let x = try leaf()
    for (name, operation) in [
      ("exp", { try $0.exp() }), ("sigmoid", { try $0.sigmoid() }),
      ("softmax", { try $0.softmax(0) }),
    ] as [(String, (Tensor) throws -> Tensor)] {
      let y = try operation(x)
      try noGrad { try y.mulInPlace(Tensor(2)) }
      expectError("backward: the result of \(name), of shape [3], was changed in place") {
        try y.sum().backward()
      }
    }
    #expect(x.grad == nil)
  }

  @Test func refusesChangesInPlace() throws {
    let x = try leaf()
    func message(_ operation: String) -> String {
      "\(operation): a tensor that requires gradients is not changed in place; "
        + "do it inside no_grad"
    }
    expectError(message("add_")) { try x.addInPlace(Tensor(1)) }
    expectError(message("mul_")) { try x.mulInPlace(Tensor(1)) }
    expectError(message("copy_")) { try x.copyInPlace(Tensor(1)) }
    expectError(message("copy_")) { try x.narrow(0, 0, 1).copyInPlace(Tensor(1)) }
    expectError("add_: square needs its result for its gradient; change a clone() of it") {
      try x.square().addInPlace(Tensor(1))
    }
    #expect(x.elements() == [1, 2, 3])
    try noGrad { try x.addInPlace(Tensor(1), scale: -2) }
    #expect(x.elements() == [-1, 0, 1])
    #expect(x.requiresGrad)
  }

  @Test func noGradRecordsNothing() throws {
    let x = try leaf()
    let y = try noGrad { try x.mul(x).reshape([3, 1]).sum() }
    #expect(!y.requiresGrad)
    // It ends with its body, also by an error, and nests.
    expectError("a: b") { try noGrad { throw EngineError("a", "b") } }
    #expect(try x.neg().requiresGrad)
    let (inner, outer) = try noGrad {
      (try noGrad { try x.neg().requiresGrad }, try x.neg().requiresGrad)
    }
    #expect(!inner && !outer)
    #expect(try x.neg().requiresGrad)
  }

  @Test func detachCutsTheHistory() throws {
    let x = try leaf()
    let cut = try x.square().detach()
    #expect(!cut.requiresGrad)
    try x.mul(cut).sum().backward()
    #expect(x.grad?.elements() == [1, 4, 9])
    #expect(try x.clone().requiresGrad)
    #expect(try !x.detach().clone().requiresGrad)
    #expect(!x.detach().requiresGrad)
    try x.detach().copyInPlace(Tensor(0))
    #expect(x.elements() == [0, 0, 0])
  }

  @Test func requireGrad() throws {
    let x = try leaf()
    try x.sum().backward()
    try x.requireGrad(false)
    #expect(!x.requiresGrad)
    #expect(x.grad == nil)
    #expect(try !x.neg().requiresGrad)
    try x.requireGrad()
    expectError(
      "requires_grad: only a tensor that was not computed from others can change it; "
        + "use detach() first"
    ) {
      try x.neg().requireGrad(false)
    }
    // Computed without record, a tensor is a leaf.
    let y = try noGrad { try x.neg() }.requireGrad()
    try y.square().sum().backward()
    #expect(y.grad?.elements() == [-2, -4, -6])
  }

  @Test func unusedLeavesGetNoGradient() throws {
    let (x, y) = (try leaf(), try leaf())
    _ = try x.add(y)
    try x.sum().backward()
    #expect(y.grad == nil)
  }

  /// What a rule reads beside its inputs is watched as they are.
  @Test func whatARuleReadsMustNotChange() throws {
    let logits = try Tensor([1, 2, 3, 4], shape: [2, 2]).requireGrad()
    let (targets, mask) = (try IntTensor([0, 1]), try Tensor.ones([2]))
    let loss = try logits.crossEntropy(targets, mask: mask)
    try mask.copyInPlace(Tensor(0))
    expectError(
      "backward: what cross_entropy chose by, of shape [2], was changed in place after its use"
    ) { try loss.backward() }

    let other = try logits.crossEntropy(targets)
    try targets.copyInPlace(IntTensor([1, 0]))
    expectError(
      "backward: what cross_entropy chose by, of shape [2], was changed in place after its use"
    ) { try other.backward() }

    // An id that leaves the table afterwards is never used.
    let ids = try IntTensor([0, 1])
    let rows = try logits.rows(ids).sum()
    try ids.copyInPlace(IntTensor([1_000_000, 2_000_000]))
    expectError(
      "backward: what index chose by, of shape [2], was changed in place after its use"
    ) { try rows.backward() }
    #expect(logits.grad == nil)
  }
}
