import Foundation
import GRDB
import JSONText

extension RunStore {
  /// Writes every measured value with its run into a file: by its ending CSV, or JSON lines.
  ///
  /// The columns are `run`, `step`, `name` and `value`. In CSV, NaN and infinity are nan, inf and
  /// -inf; in JSON, null, 1e999 and -1e999. An earlier file is replaced at once.
  /// - Returns: how many values there are.
  /// - Throws: `StoreError` for another ending, or if the file cannot be written.
  @discardableResult
  public func export(to file: String) throws -> Int {
    let isCSV = file.hasSuffix(".csv")
    guard isCSV || file.hasSuffix(".jsonl") else {
      throw StoreError("export: a path ending in .csv or .jsonl expected, got '\(file)'")
    }
    let temporary = file + ".part-\(getpid())"
    guard FileManager.default.createFile(atPath: temporary, contents: nil),
      let output = FileHandle(forWritingAtPath: temporary)
    else { throw StoreError("export: '\(file)' cannot be written: \(RunStore.reason)") }
    do {
      defer { try? output.close() }
      var (text, count) = (isCSV ? "run,step,name,value\n" : "", 0)
      try read { db in
        let rows = try Row.fetchCursor(
          db, sql: "SELECT run, step, name, value FROM metrics ORDER BY run, name, step")
        while let row = try rows.next() {
          text += RunStore.line(row[0], row[1], row[2], row[3] as Double? ?? .nan, isCSV)
          count += 1
          if text.utf8.count > 1 << 20 {
            try output.write(contentsOf: Data(text.utf8))
            text = ""
          }
        }
      }
      try output.write(contentsOf: Data(text.utf8))
      try output.synchronize()
      guard rename(temporary, file) == 0 else {
        throw StoreError("export: '\(file)' cannot be written: \(RunStore.reason)")
      }
      return count
    } catch {
      unlink(temporary)
      if error is StoreError { throw error }
      throw StoreError("export: '\(file)' cannot be written: \(RunStore.reason)")
    }
  }

  private static var reason: String { String(cString: strerror(errno)) }

  private static func line(
    _ run: Int, _ step: Int, _ name: String, _ value: Double, _ isCSV: Bool
  ) -> String {
    guard isCSV else {
      return JSON.object([
        ("run", .integer(run)), ("step", .integer(step)), ("name", .text(name)),
        ("value", .number(value)),
      ]).text + "\n"
    }
    let isPlain = !name.contains { $0 == "," || $0 == "\"" || $0.isNewline }
    let field = isPlain ? name : "\"\(name.replacingOccurrences(of: "\"", with: "\"\""))\""
    return "\(run),\(step),\(field),\(value)\n"
  }
}
