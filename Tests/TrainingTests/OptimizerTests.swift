import TensorFiles
import Tensors
import TestSupport
import Testing
import Training

/// Update rules against PyTorch's, in double precision.
///
/// Both parameters are given the golden gradients; `b` has none at some steps, as if it were frozen
/// there.
struct OptimizerTests {
  static let cases = [
    "sgd", "sgd-decay", "sgd-momentum", "sgd-momentum-decay", "sgd-nesterov", "sgd-schedule",
    "adamw", "adamw-betas", "adamw-no-decay", "adamw-schedule",
  ]
  /// Whether `b` is trained at a step: unfrozen midway, frozen again for two steps.
  static let trainsB = (0..<12).map { $0 >= 4 && $0 != 8 && $0 != 9 }

  /// The optimizer of a case, with the settings given to PyTorch.
  private func optimizer(_ name: String) throws -> any Optimizer {
    let schedule = LearningRate.schedule { 0.2 / Double(1 + $0) }
    switch name {
    case "sgd": return try SGD(learningRate: .constant(0.1))
    case "sgd-decay": return try SGD(learningRate: .constant(0.1), weightDecay: 0.3)
    case "sgd-momentum": return try SGD(learningRate: .constant(0.05), momentum: 0.9)
    case "sgd-momentum-decay":
      return try SGD(learningRate: .constant(0.1), momentum: 0.5, weightDecay: 0.2)
    case "sgd-nesterov":
      return try SGD(
        learningRate: .constant(0.1), momentum: 0.8, weightDecay: 0.1, nesterov: true)
    case "sgd-schedule": return try SGD(learningRate: schedule, momentum: 0.9)
    case "adamw": return try AdamW()
    case "adamw-betas":
      return try AdamW(
        learningRate: .constant(0.1), betas: (0.5, 0.7), epsilon: 0.1, weightDecay: 0.2)
    case "adamw-no-decay":
      return try AdamW(learningRate: .constant(0.05), betas: (0.9, 0.99), weightDecay: 0)
    case "adamw-schedule":
      return try AdamW(learningRate: schedule, betas: (0.8, 0.95), weightDecay: 0.1)
    default: throw EngineError("test", "no case \(name)")
    }
  }

  /// The tensors of the golden file.
  private func golden() throws -> [String: Tensor] {
    try Safetensors.load(fixture("optimizers")).tensors
      .compactMapValues { if case .float(let tensor) = $0 { tensor } else { nil } }
  }

  /// Makes update `step` with the golden gradients.
  private func update(
    _ optimizer: any Optimizer, _ parameters: [(name: String, tensor: Tensor)], step: Int,
    _ golden: [String: Tensor]
  ) throws {
    for (name, tensor) in parameters {
      let isTrained = name == "a" || Self.trainsB[step]
      tensor.grad = isTrained ? try golden["grad.\(name)"]?.select(0, step).clone() : nil
    }
    try optimizer.update(parameters, step: step)
  }

  private func fresh(_ golden: [String: Tensor]) throws -> [(name: String, tensor: Tensor)] {
    try ["a", "b"].map { ($0, try #require(golden[$0]).clone().requireGrad()) }
  }

  private func expectGolden(
    _ parameters: [(name: String, tensor: Tensor)], step: Int, _ golden: [String: Tensor],
    _ label: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for (name, tensor) in parameters {
      let expected = try #require(golden["\(label).\(name)"]).select(0, step).elements()
      let largest = expected.reduce(0) { max($0, abs($1)) }
      for (place, (x, y)) in zip(tensor.elements(), expected).enumerated() {
        #expect(
          abs(x - y) <= 1e-6 * largest, "\(label): element \(place) of \(name) after \(step)",
          sourceLocation: sourceLocation)
      }
    }
  }

  @Test(arguments: cases) func trajectoriesAreThoseOfPyTorch(_ label: String) throws {
    let golden = try golden()
    let optimizer = try optimizer(label)
    let parameters = try fresh(golden)
    for step in 0..<12 {
      let b = parameters[1].tensor.elements()
      let gradients = try golden["grad.a"]?.select(0, step).elements()
      try update(optimizer, parameters, step: step, golden)
      try expectGolden(parameters, step: step, golden, label)
      #expect((parameters[1].tensor.elements() == b) == !Self.trainsB[step], "step \(step)")
      #expect(parameters[0].tensor.grad?.elements() == gradients, "gradients are left alone")
    }
  }

  /// Going back to a state and to the parameters of that time, the same steps are made again.
  @Test(arguments: cases) func statesAreReturnedTo(_ label: String) throws {
    let golden = try golden()
    let optimizer = try optimizer(label)
    let parameters = try fresh(golden)
    for step in 0..<6 { try update(optimizer, parameters, step: step, golden) }
    let kept = try parameters.map {
      ($0.tensor, try $0.tensor.copied(), try optimizer.states[$0.tensor]?.copy())
    }
    for step in 6..<9 { try update(optimizer, parameters, step: step, golden) }
    for (tensor, values, state) in kept {
      tensor.overwrite(with: values)
      optimizer.states[tensor] = state
    }
    for step in 6..<12 {
      try update(optimizer, parameters, step: step, golden)
      try expectGolden(parameters, step: step, golden, label)
    }
  }

  /// Parameters of one name and other sizes take turns with one optimizer, and each goes its own
  /// way.
  @Test(arguments: cases) func statesBelongToTheirParameters(_ label: String) throws {
    let golden = try golden()
    let (alone, shared) = (try optimizer(label), try optimizer(label))
    let expected = try fresh(golden)
    let parameters = try fresh(golden)
    for step in 0..<12 {
      try update(alone, expected, step: step, golden)
      try update(shared, parameters, step: step, golden)
      // Other parameters of these names, this step and no other.
      for size in [1, 1000] {
        let others = try ["a", "b"].map { ($0, try Tensor(full: [size], 1)) }
        for (_, tensor) in others { tensor.grad = try Tensor(full: [size], 2) }
        try shared.update(others, step: step)
      }
    }
    for (a, b) in zip(parameters, expected) {
      #expect(a.tensor.elements().map(\.bitPattern) == b.tensor.elements().map(\.bitPattern))
    }
  }

  @Test func gradientsHaveTheShapeOfTheirParameter() throws {
    for optimizer in [try optimizer("sgd"), try optimizer("adamw")] {
      let p = try Tensor([1, 2, 3])
      p.grad = try Tensor([1, 1])
      expectError("optimizer: the gradient of 'p' has shape [2], the parameter has [3]") {
        try optimizer.update([("p", p)], step: 0)
      }
      #expect(p.elements() == [1, 2, 3])
    }
  }

  @Test func viewsAreNoParameters() throws {
    for optimizer in [try optimizer("sgd"), try optimizer("adamw")] {
      let whole = try Tensor([1, 2, 3, 4], shape: [2, 2])
      for view in [try whole.t(), try whole.narrow(1, 0, 1).expand([2, 3])] {
        view.grad = try Tensor(full: view.shape, 1)
        #expect(throws: EngineError.self) { try optimizer.update([("p", view)], step: 0) }
      }
      #expect(whole.elements() == [1, 2, 3, 4])
    }
  }

  @Test func parametersWithoutGradientsAreLeftAlone() throws {
    for optimizer in [try optimizer("sgd-nesterov"), try optimizer("adamw-betas")] {
      let p = try Tensor([1, -2, 3]).requireGrad()
      try optimizer.update([("p", p)], step: 0)
      #expect(p.elements() == [1, -2, 3])
      try optimizer.update([], step: 1)
    }
  }

  @Test func schedulesAreAskedOnceAStep() throws {
    var asked: [Int] = []
    let schedule = LearningRate.schedule {
      asked.append($0)
      return 0.5
    }
    let optimizers: [any Optimizer] = [
      try SGD(learningRate: schedule), try AdamW(learningRate: schedule),
    ]
    for optimizer in optimizers {
      let parameters = try ["p", "q"].map { ($0, try Tensor([1, 2])) }
      for (_, tensor) in parameters { tensor.grad = try Tensor([1, 1]) }
      for step in [0, 1, 7] { try optimizer.update(parameters, step: step) }
      #expect(asked == [0, 1, 7])
      asked = []
    }
  }

  @Test func ratesOfSchedulesAreChecked() throws {
    for (rate, text) in [(-0.5, "-0.5"), (.infinity, "inf"), (.nan, "nan")] {
      let schedule = LearningRate.schedule { $0 == 3 ? rate : 0.1 }
      let optimizers: [any Optimizer] = [
        try SGD(learningRate: schedule, momentum: 0.5), try AdamW(learningRate: schedule),
      ]
      for optimizer in optimizers {
        let p = try Tensor([1, 2])
        p.grad = try Tensor([1, 1])
        try optimizer.update([("p", p)], step: 2)
        let before = p.elements()
        expectError("optimizer: the learning rate at step 3 is \(text) (allowed: 0 or more)") {
          try optimizer.update([("p", p)], step: 3)
        }
        #expect(p.elements() == before)
      }
    }
    let failing = try SGD(learningRate: .schedule { _ in throw Refusal() })
    #expect(throws: Refusal.self) { try failing.update([("p", Tensor(1))], step: 0) }
  }

  @Test func stepsAreCountedByTheirOptimizer() throws {
    var asked: [Int] = []
    let schedule = LearningRate.schedule {
      asked.append($0)
      return 0.5
    }
    let optimizer = try SGD(learningRate: schedule)
    let p = try Tensor([1, 2]).requireGrad()
    expectError("step: no parameter has a gradient; call backward() on the loss before each step") {
      try optimizer.step([("p", p)])
    }
    for _ in 0..<3 {
      p.grad = try Tensor([1, 2])
      try optimizer.step([("p", p), ("frozen", try Tensor([1]))])
    }
    #expect(asked == [0, 1, 2] && optimizer.states.steps == 3)
    #expect(p.elements() == [-0.5, -1])
  }

  @Test func groupsHaveRatesAndDecaysOfTheirOwn() throws {
    var options = SGD.Options()
    options.learningRate = .constant(0.5)
    options.weightDecay = 1
    options.groups = [
      ParameterGroup(match: "a*", learningRate: .schedule { $0 == 0 ? 0.25 : 0 }),
      ParameterGroup(match: "*b", weightDecay: 0),
    ]
    let optimizer = try SGD(options)
    let names = ["a", "ab", "b", "c"]
    let parameters = try names.map { ($0, try Tensor([1]).requireGrad()) }
    for (_, tensor) in parameters { tensor.grad = try Tensor([1]) }
    try optimizer.step(parameters)
    #expect(parameters.map { $0.1.elements()[0] } == [0.5, 0.5, 0.5, 0])
    expectError("optimizer: groups[2]: no parameter matches '*b'; there are a, c") {
      try optimizer.step([parameters[0], parameters[3]])
    }
  }

  /// What does not fit changes nothing, also where it is not the first.
  @Test func nothingChangesWhereOneParameterDoesNotFit() throws {
    let muon = try Muon()
    let matrix = try Tensor(full: [2, 3], 1)
    let vector = try Tensor([1, 2])
    (matrix.grad, vector.grad) = (try Tensor(full: [2, 3], 1), try Tensor([1, 2]))
    expectError(
      "optim.muon: 'v' has shape [2], and only matrices are updated; give other parameters to "
        + "another optimizer, or freeze them"
    ) { try muon.update([("m", matrix), ("v", vector)], step: 0) }
    #expect(matrix.elements() == [1, 1, 1, 1, 1, 1] && muon.states[matrix] == nil)
  }

  @Test func gradientsAreClippedTogether() throws {
    let parameters = try [[3, 0], [0, 4]].map { ("p", try Tensor($0)) }
    for (_, tensor) in parameters { tensor.grad = try tensor.clone() }
    #expect(try GradientNorm.clip(parameters, to: 10) == 5)
    #expect(parameters[0].1.grad?.elements() == [3, 0])
    #expect(try GradientNorm.clip(parameters, to: 1) == 5)
    expectClose(parameters[1].1.grad, try Tensor([0, 0.8]), 1e-5, "clipped")
  }

  @Test func optionsAreChecked() throws {
    func sgd(
      _ text: String, lr: Double = 0.1, momentum: Double = 0, weightDecay: Double = 0,
      nesterov: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      expectError("optim.sgd: \(text)", sourceLocation: sourceLocation) {
        try SGD(
          learningRate: .constant(lr), momentum: momentum, weightDecay: weightDecay,
          nesterov: nesterov)
      }
    }
    sgd("lr = -0.1 (allowed: 0 or more)", lr: -0.1)
    sgd("lr = nan (allowed: 0 or more)", lr: .nan)
    sgd("lr = inf (allowed: 0 or more)", lr: .infinity)
    sgd("momentum = 1.0 (allowed: 0 ≤ momentum < 1)", momentum: 1)
    sgd("momentum = -0.5 (allowed: 0 ≤ momentum < 1)", momentum: -0.5)
    sgd("weight_decay = -1.0 (allowed: 0 or more)", weightDecay: -1)
    sgd("nesterov needs a momentum above 0", nesterov: true)

    func adamw(
      _ text: String, lr: Double = 0.1, betas: (Double, Double) = (0.9, 0.99), eps: Double = 0,
      weightDecay: Double = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      expectError("optim.adamw: \(text)", sourceLocation: sourceLocation) {
        try AdamW(
          learningRate: .constant(lr), betas: betas, epsilon: eps, weightDecay: weightDecay)
      }
    }
    adamw("lr = -0.1 (allowed: 0 or more)", lr: -0.1)
    adamw("betas = 1.0 (allowed: 0 ≤ beta < 1)", betas: (1, 0.9))
    adamw("betas = -0.1 (allowed: 0 ≤ beta < 1)", betas: (0.9, -0.1))
    adamw("betas = nan (allowed: 0 ≤ beta < 1)", betas: (.nan, 0.9))
    adamw("eps = -1.0 (allowed: 0 or more)", eps: -1)
    adamw("weight_decay = inf (allowed: 0 or more)", weightDecay: .infinity)
    // A rate of 0 is allowed, and changes nothing.
    let p = try Tensor([1, 2])
    p.grad = try Tensor([1, 1])
    try SGD(learningRate: .constant(0), weightDecay: 1).update([("p", p)], step: 0)
    try AdamW(learningRate: .constant(0), weightDecay: 1).update([("p", p)], step: 0)
    #expect(p.elements() == [1, 2])
  }
}
