import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// Weights of a model that is only read, each in its own type: what is set takes their place.
private final class ReadOnlyWeights: NamedWeights {
  private(set) var tensors: [(name: String, tensor: Tensor)]
  init(_ tensors: [(name: String, tensor: Tensor)]) { self.tensors = tensors }

  var names: [String] { tensors.map(\.name) }
  func get(_ name: String) throws -> Tensor { tensors[index(name)].tensor }
  func set(_ name: String, _ values: Tensor) throws { tensors[index(name)].tensor = values }
  private func index(_ name: String) -> Int { names.firstIndex(of: name) ?? 0 }
}

/// What scripts see of it is tested in truncation_test.lua.
struct TruncationTests {
  /// A matrix with the singular values 4, 2, 1, in sizes that rounding keeps.
  private func matrix() throws -> Tensor {
    try Tensor([0, 0, 4, 0, 2, 0, 0, 0, 0, 1, 0, 0], shape: [3, 4])
  }

  @Test func whatIsKept() throws {
    var parameters = Parameters()
    parameters.add("w", try matrix())
    let truncation = Truncation()
    let kept = try truncation.truncate(parameters, names: ["w"], share: 0.5)
    #expect(kept.map(\.name) == ["w"] && kept.map(\.rank) == [2])
    #expect(kept.map { ($0.energy * 1e6).rounded() } == [(20e6 / 21).rounded()])
    #expect(
      try parameters.get("w").elements().map { ($0 * 1024).rounded() / 1024 }
        == [0, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0])
    #expect(try truncation.restore(parameters) == ["w"])
    #expect(try parameters.get("w").elements() == matrix().elements())
  }

  @Test func numbersOf16BitsComeBackInTheirType() throws {
    let w = try matrix()
    for stored in [try w.half(), try w.bfloat16(), try w.half().t()] {
      let norm = try Tensor([1, 2]).half()
      let weights = ReadOnlyWeights([("norm", norm), ("w", stored)])
      let truncation = Truncation()
      for (share, rank) in [(0.5, 2), (0, 0), (0.1, 1)] {
        let kept = try truncation.truncate(weights, names: ["w*"], share: share)
        #expect(kept.map(\.rank) == [rank])
        let now = try weights.get("w")
        #expect(now.dtype == .float32 && now.shape == stored.shape)
        #expect(try LinearAlgebra.matrixRank(now, tolerance: 1e-3) == rank)
      }
      #expect(try truncation.restore(weights) == ["w"])
      let back = try weights.get("w")
      #expect(back.dtype == stored.dtype && back.elements() == stored.elements())
      // Of that, too, it knows the factors.
      #expect(try truncation.truncate(weights, names: ["w"], share: 1).map(\.energy) == [1])
      #expect(try weights.get("w").dtype == stored.dtype)
      #expect(try truncation.restore(weights) == [])
    }
  }

  @Test func whatTookItsPlaceIsAnother() throws {
    let weights = ReadOnlyWeights([("a", try matrix().half()), ("b", try matrix().half())])
    let truncation = Truncation()
    _ = try truncation.truncate(weights, names: ["*"], share: 0.4)
    let other = try Tensor(full: [3, 4], 2).half()
    try weights.set("a", other)
    expectError(
      "restore: 'a' has changed since truncation, by training or otherwise; changed = \"keep\" "
        + "leaves that, \"discard\" goes back to what was before"
    ) { try truncation.restore(weights) }
    #expect(try truncation.restore(weights, changed: .keep) == ["b"])
    #expect(try weights.get("a") === other)
    #expect(try weights.get("b").elements() == matrix().elements())
  }

  @Test func whatIsWrittenIntoItAfterwardsIsAnother() throws {
    let weights = ReadOnlyWeights([("w", try matrix())])
    let truncation = Truncation()
    _ = try truncation.truncate(weights, names: ["w"], share: 0.5)
    _ = try truncation.restore(weights)
    // `set` took the numbers that were kept for this.
    try weights.get("w").copyInPlace(Tensor(full: [3, 4], 2))
    let kept = try truncation.truncate(weights, names: ["w"], share: 0.1)
    #expect(kept.map { $0.energy > 0.999 } == [true])
    _ = try truncation.restore(weights)
    #expect(try weights.get("w").elements() == Array(repeating: 2, count: 12))
  }

  @Test func anErrorForgetsNothing() throws {
    let weights = ReadOnlyWeights([("a", try matrix()), ("b", try Tensor(full: [2, 2], .nan))])
    let truncation = Truncation()
    _ = try truncation.truncate(weights, names: ["a"], share: 0.5)
    try weights.set("a", Tensor(full: [3, 4], 1))
    expectError("truncate: 'b': svd: needs finite numbers, but one of shape [2, 2] is nan") {
      try truncation.truncate(weights, names: ["*"], share: 0.5)
    }
    #expect(try truncation.restore(weights, changed: .discard) == ["a"])
    #expect(try weights.get("a").elements() == matrix().elements())
  }

  @Test func aCopyOfAModelHasATruncationOfItsOwn() throws {
    let models: [any Model] = [
      try SimplifiedTransformer(.small()), try Transformer(.small()),
    ]
    for model in models {
      let before = model.bits
      _ = try model.truncation.truncate(model.parameters, names: ["*wo*"], share: 0.25)
      let truncated = model.bits
      #expect(truncated != before)
      let copy = try model.copy()
      #expect(try copy.truncation.restore(copy.parameters) == [])
      #expect(copy.bits == truncated)
      #expect(try !model.truncation.restore(model.parameters).isEmpty)
      #expect(model.bits == before && copy.bits == truncated)
    }
  }
}
