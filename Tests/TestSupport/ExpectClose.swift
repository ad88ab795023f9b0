import Tensors
import Testing

/// Checks shape and elements, with a tolerance relative to the largest entry expected.
public func expectClose(
  _ actual: Tensor?, _ expected: Tensor, _ tolerance: Float, _ label: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let actual, actual.shape == expected.shape else {
    Issue.record(
      "\(label): shape \(actual?.shape.description ?? "of nothing"), not \(expected.shape)",
      sourceLocation: sourceLocation)
    return
  }
  let (x, y) = (actual.elements(), expected.elements())
  let largest = y.reduce(0) { max($0, abs($1)) }
  guard largest > 0 else {
    Issue.record("\(label): nothing but zeros expected", sourceLocation: sourceLocation)
    return
  }
  // Written so that NaN is a difference too.
  let worst = zip(x, y).map { abs($0 - $1) }.enumerated().first {
    !($0.element <= tolerance * largest)
  }
  if let (place, _) = worst {
    Issue.record(
      "\(label): element \(place) is \(x[place]), not \(y[place]) (largest \(largest))",
      sourceLocation: sourceLocation)
  }
}
