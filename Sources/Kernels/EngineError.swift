/// What a caller got wrong, as one sentence.
///
/// The sentence names the operation, the argument, what was given and what is allowed:
/// `matmul: inner sizes differ, [8, 16] × [12, 4]`. The engine throws it at its public doors and
/// never traps on a user's input.
public struct EngineError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The sentence, without a final period.
  public let description: String

  /// Makes the error of one operation.
  public init(_ operation: String, _ message: String) {
    description = "\(operation): \(message)"
  }
}
