import Glibc
import Tensors

/// A plain array of doubles with a shape: what the references of operations are written in.
///
/// Slow and obvious on purpose. A reading subscript broadcasts as NumPy does: indices align from
/// the right, and a size of 1 repeats.
struct Reference {
  var shape: [Int]
  var elements: [Double]

  var count: Int { elements.count }
  var rank: Int { shape.count }

  init(shape: [Int], elements: [Double]) {
    precondition(shape.reduce(1, *) == elements.count)
    self.shape = shape
    self.elements = elements
  }

  /// The elements of a tensor.
  init(_ tensor: Tensor) {
    self.init(shape: tensor.shape, elements: tensor.elements().map(Double.init))
  }

  /// A 0-dimensional array.
  init(_ value: Double) { self.init(shape: [], elements: [value]) }

  /// The array whose element at each index is `element(index)`.
  init(shape: [Int], _ element: ([Int]) -> Double) {
    self.shape = shape
    elements = []
    let total = shape.reduce(1, *)
    elements.reserveCapacity(total)
    var index = [Int](repeating: 0, count: shape.count)
    for _ in 0..<total {
      elements.append(element(index))
      for d in stride(from: shape.count - 1, through: 0, by: -1) {
        index[d] += 1
        if index[d] < shape[d] { break }
        index[d] = 0
      }
    }
  }

  subscript(_ index: [Int]) -> Double {
    let skip = index.count - shape.count
    var place = 0
    for d in 0..<shape.count {
      place = place * shape[d] + (shape[d] == 1 ? 0 : index[skip + d])
    }
    return elements[place]
  }

  subscript(_ index: Int...) -> Double { self[index] }

  /// f of every element.
  func map(_ f: (Double) -> Double) -> Reference {
    Reference(shape: shape, elements: elements.map(f))
  }

  /// f of every pair of elements, broadcasting.
  static func combine(
    _ a: Reference, _ b: Reference, _ f: (Double, Double) -> Double
  ) -> Reference {
    Reference(shape: broadcast(a.shape, b.shape)) { f(a[$0], b[$0]) }
  }

  /// The shape that two shapes which fit broadcast to.
  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    let x = [Int](repeating: 1, count: rank - a.count) + a
    let y = [Int](repeating: 1, count: rank - b.count) + b
    return zip(x, y).map { $0 == 1 ? $1 : $0 }
  }

  /// f of the list of elements along dimension `d`, which disappears or stays with size 1.
  func reduce(_ d: Int, keepDim: Bool = false, _ f: ([Double]) -> Double) -> Reference {
    var kept = shape
    kept[d] = 1
    var result = Reference(shape: kept) { index in
      f((0..<shape[d]).map { self[index.replacing(d, by: $0)] })
    }
    if !keepDim { result.shape.remove(at: d) }
    return result
  }

  /// Every list of elements along dimension `d` replaced by f of it.
  func mapLines(_ d: Int, _ f: ([Double]) -> [Double]) -> Reference {
    Reference(shape: shape) { index in
      f((0..<shape[d]).map { self[index.replacing(d, by: $0)] })[index[d]]
    }
  }

  /// The same elements in another shape.
  func reshaped(_ shape: [Int]) -> Reference { Reference(shape: shape, elements: elements) }

  /// Two dimensions exchanged.
  func transposed(_ a: Int, _ b: Int) -> Reference {
    var target = shape
    target.swapAt(a, b)
    return Reference(shape: target) { index in
      var index = index
      index.swapAt(a, b)
      return self[index]
    }
  }

  /// Repeated to `shape`.
  func expanded(_ shape: [Int]) -> Reference { Reference(shape: shape) { self[$0] } }

  /// The matrix product of two arrays of any rank above 0, by NumPy's rules.
  static func matmul(_ a: Reference, _ b: Reference) -> Reference {
    let x = a.rank == 1 ? a.reshaped([1] + a.shape) : a
    let y = b.rank == 1 ? b.reshaped(b.shape + [1]) : b
    let (m, k, n) = (x.shape[x.rank - 2], x.shape[x.rank - 1], y.shape[y.rank - 1])
    let lead = broadcast(Array(x.shape.dropLast(2)), Array(y.shape.dropLast(2)))
    var result = Reference(shape: lead + [m, n]) { index in
      let (batch, i, j) = (index.dropLast(2), index[index.count - 2], index[index.count - 1])
      return (0..<k).reduce(0.0) { $0 + x[batch + [i, $1]] * y[batch + [$1, j]] }
    }
    if a.rank == 1 { result.shape.remove(at: result.rank - 2) }
    if b.rank == 1 { result.shape.removeLast() }
    return result
  }
}

extension Array where Element == Int {
  /// These indices with the one at `place` replaced.
  func replacing(_ place: Int, by value: Int) -> [Int] {
    var result = self
    result[place] = value
    return result
  }
}

/// log Σ e^x, with the maximum taken out.
func logSumExp(_ x: [Double]) -> Double {
  guard let top = x.max(), top > -.infinity else { return -.infinity }
  return top + log(x.reduce(0) { $0 + exp($1 - top) })
}

/// e^x / Σ e^x.
func softmax(_ x: [Double]) -> [Double] {
  let total = logSumExp(x)
  return x.map { exp($0 - total) }
}
