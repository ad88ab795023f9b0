/// A loss over a batch, as the sum of losses over its parts, each with its gradients.
///
/// Gradients of a sum are sums of gradients, so each part of a batch (a micro-batch) can go through
/// its forward and backward pass by itself, on one thread, while everything it computes is still in
/// that core's cache; whole batches go through memory once for every operation. Only the gradients
/// of the inputs that the parts share, the weights, outlive a part.
///
/// Threading: parts run in parallel; their sums are added in the order of the parts.
public enum GradientAccumulation {
  /// Σ over parts of a loss that is computed from the same inputs.
  ///
  /// Where gradients are recorded, those of the inputs are computed at once: about three times the
  /// work of the value alone.
  ///
  /// - Parameters:
  ///   - inputs: tensors that the loss depends on and whose gradients are wanted.
  ///   - parts: number of parts; chosen by the size of the work.
  ///   - loss: the loss of a part, a scalar, computed from `inputs` in the place of the originals
  ///     and on any thread.
  /// - Returns: a 0-dimensional tensor.
  /// - Throws: what `loss` throws, for the first part that does.
  public static func sum(
    over inputs: [Tensor], parts: Int, _ loss: (_ inputs: [Tensor], _ part: Int) throws -> Tensor
  ) throws -> Tensor {
    let trained = inputs.map { $0.requiresGrad && Gradients.areRecorded }
    let areRecorded = trained.contains(true)
    let sums = OrderedSums(inputs: inputs.count)
    Parallel.run(parts) { part, _ in
      let result = Result {
        let leaves = try zip(inputs, trained).map { try $0.detach().requireGrad($1) }
        let value = areRecorded ? try loss(leaves, part) : try noGrad { try loss(leaves, part) }
        if value.requiresGrad { try value.backward() }
        return Part(value: Double(try value.item()), gradients: leaves.map(\.grad))
      }
      sums.add(result, part)
    }
    try StopToken.check()
    let (value, gradients) = try sums.total()
    let result = Tensor(Float(value))
    guard areRecorded else { return result }
    return result.recorded("loss", from: inputs, gradients: gradients)
  }

  private struct Part {
    let value: Double
    let gradients: [Tensor?]
  }

  /// Sums of what parts deliver in any order, added in the order of the parts.
  private final class OrderedSums: @unchecked Sendable {
    // Sendable: everything below is used under the lock.
    private let lock = Lock(())
    private var next = 0
    private var waiting: [Int: Result<Part, any Error>] = [:]
    private var value = 0.0
    private var gradients: [Tensor?]
    private var error: (any Error)?

    init(inputs: Int) { gradients = Array(repeating: nil, count: inputs) }

    func add(_ result: Result<Part, any Error>, _ part: Int) {
      lock.withLock { _ in
        waiting[part] = result
        while let result = waiting.removeValue(forKey: next) {
          next += 1
          add(result)
        }
      }
    }

    private func add(_ result: Result<Part, any Error>) {
      guard error == nil else { return }
      switch result {
      case .failure(let error): self.error = error
      case .success(let part):
        value += part.value
        for (i, gradient) in part.gradients.enumerated() {
          guard let gradient else { continue }
          if let sum = gradients[i] {
            sum.accumulate(gradient)
          } else {
            gradients[i] = gradient
          }
        }
      }
    }

    func total() throws -> (value: Double, gradients: [Tensor?]) {
      try lock.withLock { _ in
        if let error { throw error }
        return (value, gradients)
      }
    }
  }
}

extension Tensor {
  /// A tensor whose rows are computed in parts, in parallel and without gradients.
  ///
  /// - Parameters:
  ///   - shape: [rows, …] of the whole.
  ///   - parts: number of parts.
  ///   - body: the rows of a part; on any thread.
  ///   - firstRow: where they stand.
  /// - Returns: the whole.
  /// - Throws: what `body` throws, for the first part that does.
  public static func assembled(
    _ shape: [Int], parts: Int, _ body: (_ part: Int) throws -> Tensor, firstRow: (Int) -> Int
  ) throws -> Tensor {
    _ = try Layout.checkedCount(shape, "forward")
    let result = try Tensor(uninitialized: shape)
    // Each part writes to a place of its own.
    nonisolated(unsafe) var errors = [(any Error)?](repeating: nil, count: parts)
    errors.withUnsafeMutableBufferPointer { errors in
      Parallel.run(parts) { part, _ in
        do {
          let rows = try noGrad { try body(part).float() }
          let place = try result.layout.narrowed(
            0, firstRow(part), rows.shape.first ?? 0, "forward")
          guard rows.shape == place.shape else {
            throw EngineError(
              "forward", "a part of shape \(rows.shape) does not fit a whole of \(shape)")
          }
          withExtendedLifetime(rows) {
            Backends.current.copy(
              rows.storage.floats, rows.layout, to: result.storage.floats, place)
          }
        } catch {
          errors[part] = error
        }
      }
    }
    try StopToken.check()
    if let error = errors.lazy.compactMap({ $0 }).first { throw error }
    return result
  }
}
