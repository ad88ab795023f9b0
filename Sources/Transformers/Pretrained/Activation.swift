import Settings
import Tensors

/// The function between the two matrices of a feed-forward, by the names of config.json.
public enum Activation: String, SettingConvertible, CaseIterable, Sendable {
  /// x·Φ(x), exact.
  case gelu
  /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
  case geluNew = "gelu_new"
  /// The same, as others write it.
  case geluFast = "gelu_fast"
  /// The same, as others write it.
  case geluTanh = "gelu_pytorch_tanh"
  /// x·sigmoid(1.702·x).
  case quickGelu = "quick_gelu"
  case relu
  /// x·sigmoid(x).
  case silu
  /// The same.
  case swish
  case tanh

  /// The function of every number of `x`.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    switch self {
    case .gelu: return try x.gelu()
    case .geluNew, .geluFast, .geluTanh:
      let inner = try x.square().mul(Tensor(0.044715)).add(Tensor(1)).mul(x)
      let tanh = try inner.mul(Tensor((2 / Float.pi).squareRoot())).tanh()
      return try tanh.add(Tensor(1)).mul(x).mul(Tensor(0.5))
    case .quickGelu: return try x.mul(Tensor(1.702)).sigmoid().mul(x)
    case .relu: return try x.relu()
    case .silu, .swish: return try x.silu()
    case .tanh: return try x.tanh()
    }
  }
}
