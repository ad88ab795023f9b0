import Glibc

// What a tensor prints as: type and shape, then its numbers in aligned columns, long ones cut in
// the middle. Batches of matrices are printed one matrix after the other.

extension Tensor {
  /// Type, shape and numbers.
  public var text: String { text(width: nil) }

  /// Type, shape and numbers, with as many columns as fit `width` characters.
  public func text(width: Int?) -> String {
    // The scale is that of all elements, also of those left out.
    var (top, isWhole) = (Float(0), true)
    for start in stride(from: 0, to: count, by: 1 << 16) where !StopToken.stopsHere {
      layout.forEachPosition(in: start..<Swift.min(count, start + (1 << 16))) {
        let size = Swift.abs(element(at: $1))
        guard size.isFinite else { return }
        top = size > top ? size : top
        isWhole = isWhole && size == size.rounded()
      }
    }
    let whole = isWhole && top < 1e6
    // Very large or small numbers share a power of ten.
    var exponent = 0
    if !whole && top > 0 && (top >= 1e5 || top < 1e-3) { exponent = Int(floor(log10(Double(top)))) }
    let scale = Glibc.pow(10, Double(exponent))
    let digits = whole ? 0 : 4
    let cells: (Int) -> String = { i in
      let value = self.element(at: self.layout.position(of: i))
      if value.isNaN { return "nan" }
      if value.isInfinite { return value > 0 ? "inf" : "-inf" }
      return fixed(Double(value) / scale, digits)
    }
    let heading =
      "Tensor \(shape)" + (dtype == .float32 ? "" : ", \(dtype)")
      + (exponent == 0 ? "" : " × 1e\(exponent)")
    return heading + TextTable.render(shape, width, cells)
  }
}

extension IntTensor {
  /// Type, shape and numbers.
  public var text: String { text(width: nil) }

  /// Type, shape and numbers, with as many columns as fit `width` characters.
  public func text(width: Int?) -> String {
    "IntTensor \(shape)"
      + TextTable.render(shape, width) { "\(storage.integers[layout.position(of: $0)])" }
  }
}

/// A number with a fixed number of decimals.
private func fixed(_ value: Double, _ digits: Int) -> String {
  let scale = Glibc.pow(10, Double(digits))
  let whole = Int((Swift.abs(value) * scale).rounded())
  let sign = value < 0 && whole != 0 ? "-" : ""
  if digits == 0 { return "\(sign)\(whole)" }
  let fraction = String(whole % Int(scale))
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(sign)\(whole / Int(scale)).\(zeros)\(fraction)"
}

/// Columns of numbers; at most 6 at either end of a dimension are shown.
private enum TextTable {
  static let edge = 6

  /// The indices of a dimension that are shown; nil stands for those left out.
  static func shown(_ size: Int, edge: Int = edge) -> [Int?] {
    if size <= 2 * edge { return Array(0..<size) }
    return (0..<edge).map { $0 } + [nil] + (size - edge..<size).map { $0 }
  }

  static func render(_ shape: [Int], _ width: Int?, _ cell: (Int) -> String) -> String {
    if shape.contains(0) { return "" }
    if shape.isEmpty { return "  " + cell(0) }
    let columns = shape[shape.count - 1]
    let rows = shape.count >= 2 ? shape[shape.count - 2] : 1
    let matrices = shape.dropLast(2).reduce(1, *)
    var lines = [String]()
    for matrix in shown(matrices) {
      guard let matrix else {
        lines.append("…")
        continue
      }
      if shape.count > 2 { lines.append("[\(index(matrix, shape.dropLast(2)))]") }
      lines += table(rows, columns, width) { cell((matrix * rows + $0) * columns + $1) }
    }
    return "\n" + lines.joined(separator: "\n")
  }

  private static func table(
    _ rows: Int, _ columns: Int, _ room: Int?, _ cell: (Int, Int) -> String
  ) -> [String] {
    func texts(_ edge: Int) -> [[String]] {
      shown(rows).map { row in
        shown(columns, edge: edge).map { column in
          guard let row, let column else { return "…" }
          return cell(row, column)
        }
      }
    }
    var (edge, cells) = (edge, texts(edge))
    var width = cells.joined().map(\.count).max() ?? 0
    while let room, edge > 1, (cells.first?.count ?? 0) * (width + 2) > room {
      edge -= 1
      cells = texts(edge)
      width = cells.joined().map(\.count).max() ?? 0
    }
    return cells.map { row in
      row.map { String(repeating: " ", count: width + 2 - $0.count) + $0 }.joined()
    }
  }

  /// The place of a matrix among the leading dimensions, counted from 1.
  private static func index(_ matrix: Int, _ lead: ArraySlice<Int>) -> String {
    var rest = matrix
    var places = [String]()
    for size in lead.reversed() {
      places.append("\(rest % size + 1)")
      rest /= size
    }
    return places.reversed().joined(separator: ", ") + ", :, :"
  }
}
