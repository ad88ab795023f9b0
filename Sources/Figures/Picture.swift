import ByteStrings
import TensorFiles
import Tensors

/// The formats of pictures, and how they begin and end.
package enum PictureFormat: String, CaseIterable, Sendable {
  case svg, png, pdf

  /// Whether these bytes are a picture of this format from its beginning to its end.
  package func isWhole(_ bytes: [UInt8]) -> Bool {
    switch self {
    case .svg: return bytes.starts(with: "<?xml".utf8) && Self.trimmed(bytes).ends("</svg>".utf8)
    // The signature, and the last chunk: no bytes of data, its name, its check sum.
    case .png:
      return bytes.starts(with: [0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A])
        && bytes.ends([0, 0, 0, 0] + Array("IEND".utf8) + [0xAE, 0x42, 0x60, 0x82])
    case .pdf: return bytes.starts(with: "%PDF-".utf8) && Self.trimmed(bytes).ends("%%EOF".utf8)
    }
  }

  private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    let last = bytes.lastIndex { !" \t\r\n".utf8.contains($0) }
    return bytes[..<(last.map { $0 + 1 } ?? 0)]
  }
}

extension Collection<UInt8> {
  fileprivate func ends(_ ending: some Collection<UInt8>) -> Bool {
    suffix(ending.count).elementsEqual(ending)
  }
}

/// Files of figures, which appear whole or not at all.
package enum FigureFile {
  /// Draws a script into a picture.
  /// - Throws: `EngineError` if gnuplot draws no whole picture, or it cannot be written: an earlier
  ///   picture is as before then; `Stopped`.
  package static func draw(
    _ script: [UInt8], _ format: PictureFormat, to path: String
  ) throws {
    let drawn = try Gnuplot.output(of: script, for: "save")
    guard !drawn.bytes.isEmpty else {
      throw EngineError("save", "gnuplot drew nothing: \(drawn.complaints)")
    }
    guard format.isWhole(drawn.bytes) else {
      throw EngineError(
        "save", "gnuplot's \(format.rawValue.uppercased()) is not whole: \(drawn.complaints)")
    }
    try write(drawn.bytes, to: path)
  }

  /// Writes a file beside and renames it when it is whole.
  /// - Throws: `EngineError` with the file's name and the system's reason.
  package static func write(_ bytes: [UInt8], to path: String) throws {
    let failure = { (reason: String) in
      EngineError("save", "cannot write \(path.printable): \(reason)")
    }
    try File.replace(path, failure) { file in
      try bytes.withUnsafeBytes { try file.write($0, failure) }
    }
  }
}
