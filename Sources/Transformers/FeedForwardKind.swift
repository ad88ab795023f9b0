import Settings
import Tensors

/// A transformer layer's feed-forward part F, without biases.
public enum FeedForwardKind: String, SettingConvertible, CaseIterable, Sendable {
  /// None.
  case none
  /// F(x) = W x, W [d, d].
  case linear
  /// F(x) = W₂ relu(W₁ x), hidden size 4d.
  case mlp

  /// Its trained weights: `ff.weight`, or `ff.w1.weight` and `ff.w2.weight`, behind `prefix`
  /// (`layers.0`), drawn from the streams `stream` and `stream` + 1.
  func plan(prefix: String, dim d: Int, stream: Int) -> [PlannedParameter] {
    switch self {
    case .none: []
    case .linear: [.weight("\(prefix).ff.weight", [d, d], stream: stream)]
    case .mlp:
      [
        .weight("\(prefix).ff.w1.weight", [4 * d, d], stream: stream),
        .weight("\(prefix).ff.w2.weight", [d, 4 * d], stream: stream + 1),
      ]
    }
  }

  /// F(x), with the layer's weights among `parameters`; nil without a feed-forward.
  ///
  /// An observer is shown W₁ x as `ff_hidden` and F(x) as `ff_output`.
  func output(
    _ x: Tensor, _ parameters: Parameters, prefix: String, _ trace: Trace? = nil
  ) throws -> Tensor? {
    func visit(_ name: String, _ tensor: Tensor) throws -> Tensor {
      try trace?.visit("\(prefix).\(name)", tensor) ?? tensor
    }
    switch self {
    case .none: return nil
    case .linear:
      return try visit("ff_output", x.linear(parameters.get("\(prefix).ff.weight")))
    case .mlp:
      let (w1, w2) = try (
        parameters.get("\(prefix).ff.w1.weight"), parameters.get("\(prefix).ff.w2.weight")
      )
      guard trace != nil else { return try x.feedForward(w1, w2) }
      let hidden = try visit("ff_hidden", x.linear(w1))
      return try visit("ff_output", hidden.relu().linear(w2))
    }
  }
}
