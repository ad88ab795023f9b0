import Tensors
import TestModels
import TestSupport
import Testing
import Transformers

/// Parameters by name: to look up, to replace, to freeze.
struct ParametersTests {
  private static let list =
    "tok_embeddings.weight, pe, layers.0.attention.wk.weight, layers.0.attention.wv.weight, "
    + "layers.0.attention.wo.weight, layers.1.attention.wk.weight, layers.1.attention.wv.weight, "
    + "layers.1.attention.wo.weight, output.weight"

  @Test func lookUp() throws {
    let parameters = try SimplifiedTransformer(.small()).parameters
    #expect(parameters["pe"]?.shape == [15, 8])
    #expect(parameters["wk"] == nil)
    #expect(try parameters.get("pe") === parameters["pe"])
    #expect(parameters.all.map(\.name) == parameters.names)
    #expect(parameters.names.joined(separator: ", ") == Self.list)
    expectError("model: no parameter named 'wk'; there are \(Self.list)") {
      try parameters.get("wk")
    }
  }

  @Test func namesAreTheirBytes() throws {
    var parameters = Parameters()
    let (one, two) = (Tensor(1), Tensor(2))
    // One character, and two that look like it.
    parameters.add("\u{E9}", one)
    parameters.add("e\u{301}", two)
    #expect(parameters["\u{E9}"] === one && parameters["e\u{301}"] === two)
    #expect(parameters.all.map(\.tensor.count) == [1, 1] && parameters.names.count == 2)
    #expect(try parameters.setTrained("e*", true).count == 1)
    #expect(!one.requiresGrad && two.requiresGrad)
  }

  @Test func valuesAreCopied() throws {
    let parameters = try SimplifiedTransformer(.small()).parameters
    let tensor = try parameters.get("layers.0.attention.wk.weight")
    let values = try Tensor((0..<64).map { Float($0) }, shape: [8, 8])
    // A view, of a parameter that is trained: neither matters.
    try parameters.set("layers.0.attention.wk.weight", values.t())
    #expect(try parameters.get("layers.0.attention.wk.weight") === tensor)
    #expect(tensor.requiresGrad)
    #expect(try tensor.elements() == values.t().elements())
    try values.copyInPlace(Tensor(0))
    #expect(tensor.elements()[1] == 8)
  }

  @Test func wrongValuesAreRefused() throws {
    let parameters = try SimplifiedTransformer(.small()).parameters
    let before = parameters.bits
    expectError("model: parameter 'pe' has shape [15, 8], the tensor given has [8]") {
      try parameters.set("pe", Tensor(full: [8], 1))
    }
    expectError("model: parameter 'pe' has shape [15, 8], the tensor given has [8, 15]") {
      try parameters.set("pe", Tensor(full: [8, 15], 1))
    }
    expectError("model: no parameter named 'PE'; there are \(Self.list)") {
      try parameters.set("PE", Tensor(full: [15, 8], 1))
    }
    #expect(parameters.bits == before)
  }

  @Test func globsFreezeAndUnfreeze() throws {
    let model = try SimplifiedTransformer(.small())
    let parameters = model.parameters
    let keys = ["layers.0.attention.wk.weight", "layers.1.attention.wk.weight"]
    #expect(try parameters.setTrained("*.wk.weight", false) == keys)
    #expect(parameters.trainedNames == ["layers.1.attention.wo.weight"])
    #expect(try parameters.setTrained("layers.[01].attention.w?.weight", true).count == 6)
    #expect(parameters.trainedNames == parameters.names.filter { $0.hasPrefix("layers.") })
    #expect(try parameters.setTrained("*", false) == parameters.names)
    #expect(parameters.trained.isEmpty)
    #expect(try parameters.setTrained("pe", true) == ["pe"])
    #expect(parameters.trainedNames == ["pe"])

    // Only what is trained gets a gradient, and freezing lets go of it.
    let batch = try smallBatch()
    try model.loss(batch, mask: Tensor(full: [3, 13], 1)).backward()
    #expect(parameters.all.filter { $0.tensor.grad != nil }.map(\.name) == ["pe"])
    try parameters.setTrained("p*", false)
    #expect(parameters["pe"]?.grad == nil)
    #expect(try !model.loss(batch, mask: Tensor(full: [3, 13], 1)).requiresGrad)
  }

  @Test func globsThatMatchNothingAreRefused() throws {
    let parameters = try SimplifiedTransformer(.small()).parameters
    let before = parameters.trainedNames
    for glob in ["wk", "layers.2.*", "", "PE", "pe?"] {
      expectError("model: no parameter matches '\(glob)'; there are \(Self.list)") {
        try parameters.setTrained(glob, true)
      }
    }
    #expect(parameters.trainedNames == before)
  }
}
