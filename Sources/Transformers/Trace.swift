import Glibc
import Tensors

/// An observer of a forward pass: keeps named intermediate tensors, or puts others in their place.
///
/// A model calls ``visit(_:_:)`` at each named point of its forward pass and goes on with what it
/// returns. Names are written as parameters' are, so layers count from 0 in them:
/// `embeddings`; for each layer `layers.ℓ.attention_input`, `.queries`, `.keys`, `.values`,
/// `.scores` (before the mask), `.attention`, `.heads` (what W_O reads), `.attention_output`,
/// `.ff_input`, `.ff_hidden` (before the ReLU), `.ff_output`, `.residual`; `norm` (what W_U reads);
/// `logits`. A model has those that it computes. What is a head's own has an axis for them:
/// queries, keys, values and heads are [B, T, H, d/H], scores and attention [B, H, T, T].
public final class Trace {
  /// What stands in the place of the tensors that a name or glob matches: a function from the
  /// tensor and its name to one of the same shape.
  public typealias Replacement = (glob: String, function: (Tensor, String) throws -> Tensor)

  /// What was kept, in the order of computation.
  public private(set) var kept: [(name: String, tensor: Tensor)] = []
  /// Every name visited, in the order of computation.
  public private(set) var names: [String] = []
  private let globs: [String]
  private let replacements: [Replacement]
  private let retainsGradients: Bool
  private let endsThePass: Bool

  /// Thrown to end a forward pass of which nothing more is wanted.
  struct End: Error {}

  /// Thrown after a forward pass that showed nothing of a name or glob asked for.
  public struct UnknownName: Error {
    /// What was asked for.
    public let glob: String
    /// Whether it was to be replaced, not kept.
    public let isReplacement: Bool
    /// The names that were shown.
    public let names: [String]
  }

  /// An observer.
  /// - Parameters:
  ///   - globs: names to keep, with `*`, `?` and `[…]`.
  ///   - replacements: what stands in the place of others.
  ///   - retainsGradients: whether what is kept receives its gradient in a backward pass.
  ///   - endsThePass: whether the forward pass ends, with the error ``End``, at the first tensor
  ///     kept.
  public init(
    keeping globs: [String] = [],
    replacing replacements: [Replacement] = [],
    retainsGradients: Bool = false, endsThePass: Bool = false
  ) {
    self.endsThePass = endsThePass
    self.globs = globs
    self.replacements = replacements
    self.retainsGradients = retainsGradients
  }

  /// Called by a model with each intermediate tensor; it goes on with the result.
  /// - Throws: `EngineError` if a replacement has another shape; errors of the replacement.
  public func visit(_ name: String, _ tensor: Tensor) throws -> Tensor {
    names.append(name)
    var tensor = tensor
    for (glob, function) in replacements where fnmatch(glob, name, 0) == 0 {
      let replaced = try function(tensor, name)
      guard replaced.shape == tensor.shape else {
        throw EngineError(
          "patch",
          "the tensor in place of '\(name)' needs shape \(tensor.shape), got \(replaced.shape)")
      }
      tensor = replaced
    }
    if globs.contains(where: { fnmatch($0, name, 0) == 0 }) {
      if retainsGradients && !tensor.requiresGrad {
        // Nothing before it is trained, so it becomes a leaf of its own.
        tensor = try tensor.detach().requireGrad()
      }
      tensor.retainsGrad = retainsGradients
      kept.append((name, tensor))
      if endsThePass { throw End() }
    }
    return tensor
  }

  /// Called with what a part of a layer reads.
  ///
  /// It is shown as a view, so that its gradient, and what stands in its place, are those of this
  /// use alone.
  /// - Throws: as ``visit(_:_:)``.
  func visit(input: Tensor, _ name: String) throws -> Tensor {
    try visit(name, input.reshape(input.shape))
  }

  /// Checks that every name or glob asked for was met.
  /// - Throws: `UnknownName` about the first which was not.
  func checkNames() throws {
    let asked = globs.map { ($0, false) } + replacements.map { ($0.glob, true) }
    for (glob, isReplacement) in asked
    where !names.contains(where: { fnmatch(glob, $0, 0) == 0 }) {
      throw UnknownName(glob: glob, isReplacement: isReplacement, names: names)
    }
  }
}

extension Trace {
  /// Causal attention as plain formulas, with its `scores` and `attention` shown as the layer's.
  ///
  /// From queries and keys [B, T, H, E] and values [B, T, H, F] to the weighted sums of values,
  /// [B, T, H, F].
  func attention(
    queries: Tensor, keys: Tensor, values: Tensor, scale: Float, _ prefix: String
  ) throws -> Tensor {
    let (q, k, v) = try (
      queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)
    )
    let product = try q.matmul(k.transpose(2, 3)).mul(Tensor(scale))
    let scores = try visit("\(prefix).scores", product)
    let attention = try visit("\(prefix).attention", scores.causalSoftmax())
    return try attention.matmul(v).transpose(1, 2)
  }
}

extension Model {
  /// The logits as ``forward(_:)`` gives them, of a forward pass that `trace` observes.
  /// - Throws: `EngineError` as `forward`, or if a replacement misfits; `Trace.UnknownName`.
  public func forward(_ tokens: IntTensor, observedBy trace: Trace) throws -> Tensor {
    try check(tokens)
    let logits = try observedForward(tokens, trace)
    let result = try trace.visit("logits", logits)
    try trace.checkNames()
    return result
  }

  /// One intermediate tensor of the forward pass, without gradient.
  ///
  /// A built-in model goes no further than that, a few sequences at a time: the other tensors of
  /// size T×T are never those of the whole batch.
  private func intermediate(_ name: String, _ tokens: IntTensor) throws -> Tensor {
    try check(tokens)
    guard self is any FunctionalModel else {
      return try intermediate(name, tokens, endsThePass: false)
    }
    return try MicroBatches(tokens).joined {
      try intermediate(name, $0, endsThePass: true)
    }
  }

  private func intermediate(
    _ name: String, _ tokens: IntTensor, endsThePass: Bool
  ) throws -> Tensor {
    let trace = Trace(keeping: [name], endsThePass: endsThePass)
    do {
      _ = try noGrad { try forward(tokens, observedBy: trace) }
    } catch is Trace.End {
    } catch let unknown as Trace.UnknownName {
      throw EngineError(
        "trace",
        "the forward pass shows no '\(name)'; it shows \(unknown.names.joined(separator: ", "))")
    }
    // The name was met, or the pass would have thrown.
    return trace.kept[trace.kept.count - 1].tensor
  }

  /// The attention probabilities of a layer, [B, H, T, T]; without gradient.
  /// - Parameters:
  ///   - tokens: ids [B, T], counted from 0.
  ///   - layer: counted from 0.
  /// - Returns: probabilities, 0 above the diagonal.
  /// - Throws: `EngineError` as `forward`, or if there is no such layer.
  public func attention(_ tokens: IntTensor, layer: Int) throws -> Tensor {
    try check(layer: layer, "attention")
    return try intermediate("layers.\(layer).attention", tokens)
  }

  /// The residual stream after `layers` layers, [B, T, D]: 0 for the embeddings; without gradient.
  /// - Parameters:
  ///   - tokens: ids [B, T], counted from 0.
  ///   - layers: how many layers it has passed.
  /// - Returns: the residual stream.
  /// - Throws: `EngineError` as `forward`, or if there are not so many layers.
  public func residual(_ tokens: IntTensor, after layers: Int) throws -> Tensor {
    if layers == 0 { return try intermediate("embeddings", tokens) }
    // The least integer has no predecessor: the largest stands for it, which is no layer either.
    try check(layer: layers &- 1, from: 0, "residual")
    return try intermediate("layers.\(layers - 1).residual", tokens)
  }

  /// Checks a layer's number; of a model that does not count its layers, the forward pass tells
  /// what it has.
  private func check(layer: Int, from first: Int = 1, _ operation: String) throws {
    let isCounted = layerCount > 0
    guard layer >= 0, layer < (isCounted ? layerCount : .max) else {
      let allowed = isCounted ? "\(first)…\(layerCount)" : "\(first) or more"
      throw EngineError(operation, "layer \(layer &+ 1) (allowed: \(allowed))")
    }
  }
}
