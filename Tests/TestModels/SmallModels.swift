import Tasks
import Transformers

extension SimplifiedConfiguration {
  /// A small configuration, every size different.
  public static func small(_ change: (inout SimplifiedConfiguration) -> Void = { _ in })
    -> SimplifiedConfiguration
  {
    var configuration = SimplifiedConfiguration(vocab: 11)
    configuration.dim = 8
    configuration.maxLen = 15
    configuration.seed = 7
    change(&configuration)
    return configuration
  }
}

extension TransformerConfiguration {
  /// A small configuration, every size different.
  public static func small(_ change: (inout TransformerConfiguration) -> Void = { _ in })
    -> TransformerConfiguration
  {
    var configuration = TransformerConfiguration(vocab: 11)
    configuration.dim = 12
    configuration.heads = 3
    configuration.maxLen = 15
    configuration.seed = 7
    change(&configuration)
    return configuration
  }
}

/// Sequences of 13 tokens with triggers that come again, for models of `small`.
public func smallTask(vocab: Int = 11, seqLen: Int = 13) throws -> BigramTask {
  var options = BigramTask.Options(corpus: try .uniform(vocab))
  (options.triggers, options.seqLen, options.seed) = (3, seqLen, 5)
  return try BigramTask(options)
}

/// The first batch of `smallTask`.
public func smallBatch(_ size: Int = 3) throws -> Batch {
  try smallTask().batch(size, index: 0)
}
