import Tensors

/// Sequences to predict: B sequences of T tokens.
public struct Batch {
  /// Ids from 0, [B, T].
  public var tokens: IntTensor
  /// The token that follows each token, [B, T].
  public var targets: IntTensor
  /// 0 where the token is no trigger, else how many times that trigger has been seen in its
  /// sequence up to and including here (1, 2, …), [B, T].
  public var occurrence: IntTensor

  /// A batch of these tensors.
  public init(tokens: IntTensor, targets: IntTensor, occurrence: IntTensor) {
    self.tokens = tokens
    self.targets = targets
    self.occurrence = occurrence
  }
}
