/// Numbers in aligned columns, of long dimensions both ends; batches of matrices are written one
/// matrix after the other.
struct TextTable {
  private let shape: [Int]
  private let edge: Int
  private let room: Int?
  private let rows: Int
  private let columns: Int

  init(_ shape: [Int], _ options: PrintOptions) {
    self.shape = shape
    let isWhole = shape.reduce(1, *) <= options.threshold
    edge = isWhole ? shape.max() ?? 1 : options.edgeItems
    room = options.width > 0 ? options.width : nil
    columns = shape.last ?? 1
    rows = shape.count >= 2 ? shape[shape.count - 2] : 1
  }

  /// The elements that are shown where the width allows it, counted row by row.
  var places: [Int] {
    guard !shape.contains(0) else { return [] }
    return shown(matrices).compactMap(\.self).flatMap { matrix in
      shown(rows).compactMap(\.self).flatMap { row in
        shown(columns).compactMap(\.self).map { place(matrix, row, $0) }
      }
    }
  }

  /// The table, on the line of the heading if it is a single number.
  func text(_ cell: (Int) -> String) -> String {
    if shape.contains(0) { return "" }
    if shape.isEmpty { return "  " + cell(0) }
    var lines = [String]()
    for matrix in shown(matrices) {
      guard let matrix else {
        lines.append("…")
        continue
      }
      if shape.count > 2 { lines.append("[\(index(matrix, shape.dropLast(2)))]") }
      lines += table { cell(place(matrix, $0, $1)) }
    }
    return "\n" + lines.joined(separator: "\n")
  }

  private var matrices: Int { shape.dropLast(2).reduce(1, *) }

  private func place(_ matrix: Int, _ row: Int, _ column: Int) -> Int {
    (matrix * rows + row) * columns + column
  }

  /// The indices of a dimension that are shown; nil stands for those left out.
  private func shown(_ size: Int) -> [Int?] { shown(size, edge) }

  private func shown(_ size: Int, _ edge: Int) -> [Int?] {
    if size <= 2 * edge { return Array(0..<size) }
    return (0..<edge).map { $0 } + [nil] + (size - edge..<size).map { $0 }
  }

  private func table(_ cell: (Int, Int) -> String) -> [String] {
    func texts(_ edge: Int) -> [[String]] {
      shown(rows).map { row in
        shown(columns, edge).map { column in
          guard let row, let column else { return "…" }
          return cell(row, column)
        }
      }
    }
    // A column takes three characters at least.
    var edge = min(self.edge, max(1, (room ?? .max) / 3))
    var cells = texts(edge)
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
  private func index(_ matrix: Int, _ lead: ArraySlice<Int>) -> String {
    var rest = matrix
    var places = [String]()
    for size in lead.reversed() {
      places.append("\(rest % size + 1)")
      rest /= size
    }
    return places.reversed().joined(separator: ", ") + ", :, :"
  }
}
