// The different elements of a tensor, in ascending order.

/// Which elements are equal, found in an order that puts them side by side.
private struct EqualElements {
  /// Of each kind, the place of its first element.
  var firsts: [Int32] = []
  /// How many there are of each kind.
  var counts: [Int32] = []
  /// The kind of each element, by its place.
  let kinds: IntTensor

  /// - Parameters:
  ///   - order: the places of all elements; equal ones follow each other and keep their order.
  ///   - areEqual: whether the elements at two places are equal.
  /// - Throws: `EngineError` if there is no memory for the kinds.
  init(_ order: IntTensor, _ areEqual: (Int, Int) -> Bool) throws {
    kinds = try IntTensor(shape: order.shape)
    try StopToken.parts(order.count) { part in
      for i in part {
        let place = order.pointer[i]
        if let first = firsts.last, areEqual(Int(first), Int(place)) {
          counts[counts.count - 1] += 1
        } else {
          firsts.append(place)
          counts.append(1)
        }
        kinds.pointer[Int(place)] = Int32(truncatingIfNeeded: firsts.count - 1)
      }
    }
  }
}

extension Tensor {
  /// The different elements in ascending order, without gradient; NaN counts as the largest, and
  /// all NaN as equal.
  /// - Returns: the values, for each element of this tensor which of them (from 0) it is, and how
  ///   often each value stands in it.
  /// - Throws: `EngineError` if there are too many elements.
  public func unique() throws -> (values: Tensor, inverse: IntTensor, counts: IntTensor) {
    try IntTensor.checkPlaces(among: count, "unique")
    let line = try detach().reshape([-1]).plainOperand()
    let x = line.pointer
    let equal = try EqualElements(line.argsort()) { x[$0] == x[$1] || x[$0].isNaN && x[$1].isNaN }
    return try (
      line.rows(IntTensor(equal.firsts)), equal.kinds.reshape(shape), IntTensor(equal.counts)
    )
  }
}

extension IntTensor {
  /// The different elements in ascending order.
  /// - Returns: the values, for each element of this tensor which of them (from 0) it is, and how
  ///   often each value stands in it.
  /// - Throws: `EngineError` if there are too many elements.
  public func unique() throws -> (values: IntTensor, inverse: IntTensor, counts: IntTensor) {
    try IntTensor.checkPlaces(among: count, "unique")
    let line = try reshape([-1])
    let x = line.pointer
    let equal = try EqualElements(line.argsort()) { x[$0] == x[$1] }
    return try (
      line.rows(IntTensor(equal.firsts)), equal.kinds.reshape(shape), IntTensor(equal.counts)
    )
  }
}
