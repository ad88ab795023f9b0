import ByteStrings
import Glibc

/// A run that a folder holds, as its files tell.
public struct StoredRun: Equatable, CustomStringConvertible {
  /// The folder.
  public let path: String
  private let history: FileMark?
  private let model: FileMark?

  /// The run in a folder; nil if there is none.
  init?(in path: String) {
    self.path = path
    history = FileMark("\(path)/history.jsonl")
    model = FileMark("\(path)/model.safetensors")
    if history == nil && model == nil { return nil }
  }

  /// The first run found in a folder, in those in it, or in those in these; nil if there is none.
  public static func first(below path: String, depth: Int = 2) -> StoredRun? {
    if let run = StoredRun(in: path) { return run }
    guard depth > 0 else { return nil }
    for name in WritableFolder.names(in: path) where FileMark("\(path)/\(name)")?.isRegular != true
    {
      if let run = first(below: "\(path)/\(name)", depth: depth - 1) { return run }
    }
    return nil
  }

  /// What there is: `a run of 51 records up to step 500 and a model`.
  public var description: String {
    [history.map { _ in recorded }, model.map { _ in "a model" }].compactMap { $0 }
      .joined(separator: " and ")
  }

  private var recorded: String {
    guard let bytes = RecordsFile.bytes("\(path)/history.jsonl") else { return "a history.jsonl" }
    let count = bytes.count { $0 == UInt8(ascii: "\n") }
    guard count > 0 else { return "an empty history.jsonl" }
    let records = "a run of \(count) record\(count == 1 ? "" : "s")"
    let last = bytes.split(separator: UInt8(ascii: "\n")).last ?? []
    let beginning = Array("{\"step\":".utf8)
    let digits = last.dropFirst(beginning.count).prefix { $0 >= 0x30 && $0 <= 0x39 }
    guard last.starts(with: beginning), !digits.isEmpty else { return records }
    return records + " up to step \(String(decoding: digits, as: UTF8.self))"
  }
}
