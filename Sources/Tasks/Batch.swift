import Tensors

/// Sequences to predict: B sequences of T tokens.
public struct Batch {
  /// Ids from 0, [B, T].
  public var tokens: IntTensor
  /// What is to be predicted: at each token, as a rule the token that follows it, [B, T]; or at
  /// the last token of each sequence alone, [B].
  public var targets: IntTensor
  /// What else is known of each token, [B, T], or of each sequence, [B], by name; see ``Field`` for
  /// names with a meaning.
  public var fields: [String: IntTensor]

  /// Names of fields that loss masks and probes know.
  public enum Field {
    /// 0 where the token is no trigger, else how many times that trigger has been seen in its
    /// sequence up to and including here (1, 2, …).
    public static let occurrence = "occurrence"
    /// The subject that a sequence asks about, [B], from 0.
    public static let subjects = "subjects"
    /// The relation that it asks for, [B], from 0.
    public static let relations = "relations"
    /// The answer, [B], a class from 0.
    public static let answers = "answers"
    /// The names of those that number things, and so count from 1 for a user.
    public static let numbering: Set<String> = [subjects, relations, answers]
  }

  /// A batch of these tensors.
  public init(tokens: IntTensor, targets: IntTensor, fields: [String: IntTensor] = [:]) {
    (self.tokens, self.targets, self.fields) = (tokens, targets, fields)
  }
}
