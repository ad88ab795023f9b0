extension String {
  /// The text as a message shows what came from a file: without characters that steer a terminal,
  /// and not too long.
  package var printable: String {
    let shown = unicodeScalars.prefix(200).map { scalar in
      switch scalar.properties.generalCategory {
      case .privateUse, .unassigned: scalar.numbered
      default: scalar.steers ? scalar.numbered : String(scalar)
      }
    }
    return shown.joined() + (unicodeScalars.count > 200 ? "…" : "")
  }

  /// The whole of a text of several lines, without characters that steer a terminal.
  package var harmless: String {
    guard unicodeScalars.contains(where: \.steersInText) else { return self }
    return unicodeScalars.map { $0.steersInText ? $0.numbered : String($0) }.joined()
  }
}

extension Unicode.Scalar {
  /// Whether it steers a terminal: controls, also those from U+0080 to U+009F, what shows nothing
  /// but turns the direction of writing, and bytes that are no character.
  fileprivate var steers: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: byte != nil
    }
  }

  fileprivate var steersInText: Bool { self != "\n" && self != "\t" && steers }

  /// A byte that is no character is shown as one.
  fileprivate var numbered: String {
    let start = byte == nil ? "\\u{" : "\\x"
    let number = String(byte.map(UInt32.init) ?? value, radix: 16, uppercase: true)
    return start + number + (byte == nil ? "}" : "")
  }
}
