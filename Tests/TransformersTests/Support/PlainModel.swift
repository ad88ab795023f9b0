import Tasks
import Tensors
import TestSupport
import Testing
import Transformers

/// A model written once more from plain tensor operations, to hold the engine's against.
protocol PlainModel {
  /// Leaves by name, all of which require gradients.
  var parameters: [String: Tensor] { get }
  /// Logits [B, T, V] and each layer's attention probabilities.
  func callAsFunction(_ tokens: IntTensor) throws -> (logits: Tensor, attention: [Tensor])
}

extension PlainModel {
  /// A model's parameters in leaves of their own.
  static func leaves(of model: any Model) throws -> [String: Tensor] {
    try Dictionary(
      uniqueKeysWithValues: model.parameters.all.map {
        ($0.name, try $0.tensor.copied().requireGrad())
      })
  }
}

/// Checks the loss under every mask, and the gradients of every parameter, against the plain
/// model's full logits; every parameter of `model` is trained.
func expectMaskedLosses(
  _ model: any Model, _ batch: Batch, sourceLocation: SourceLocation = #_sourceLocation,
  _ makePlain: () throws -> any PlainModel
) throws {
  for choice in LossMask.allCases {
    let mask = try choice.mask(of: batch)
    let plain = try makePlain()
    let expected = try plain(batch.tokens).logits.crossEntropy(batch.targets, mask: mask)
    try expected.backward()
    let loss = try model.loss(batch, mask: mask)
    expectClose(
      loss, expected.detach(), 1e-5, "loss on \(choice)", sourceLocation: sourceLocation)
    try loss.backward()
    for (name, tensor) in model.parameters.all {
      let gradient = try #require(plain.parameters[name]?.grad, "\(name)")
      expectClose(
        tensor.grad, gradient, 3e-5, "gradient of \(name), loss on \(choice)",
        sourceLocation: sourceLocation)
      tensor.grad = nil
    }
  }
}
