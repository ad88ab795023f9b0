// What a tensor prints as: type and shape, then its numbers.

extension Tensor {
  /// Type, shape and numbers.
  public var text: String { text(PrintOptions()) }

  /// Type, shape and numbers.
  public func text(_ options: PrintOptions) -> String {
    let table = TextTable(shape, options)
    let format = NumberFormat(forEachElement, shown: table.places.map(number), options)
    return "Tensor \(shape)" + (dtype == .float32 ? "" : ", \(dtype)") + format.heading
      + table.text { format.text(number($0)) }
  }

  /// The element at a place counted row by row.
  private func number(_ place: Int) -> Float { element(at: layout.position(of: place)) }

  /// All elements; none of the rest once this is interrupted.
  private func forEachElement(_ body: (Float) -> Void) {
    for start in stride(from: 0, to: count, by: 1 << 16) where !StopToken.stopsHere {
      layout.forEachPosition(in: start..<Swift.min(count, start + (1 << 16))) {
        body(element(at: $1))
      }
    }
  }
}

extension IntTensor {
  /// Type, shape and numbers.
  public var text: String { text(PrintOptions()) }

  /// Type, shape and numbers.
  public func text(_ options: PrintOptions) -> String {
    "IntTensor \(shape)"
      + TextTable(shape, options).text { "\(storage.integers[layout.position(of: $0)])" }
  }
}
