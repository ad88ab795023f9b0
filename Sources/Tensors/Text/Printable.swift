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
  /// Whether it steers a terminal: controls, also those from U+0080 to U+009F, and what shows
  /// nothing but turns the direction of writing.
  fileprivate var steers: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  fileprivate var steersInText: Bool { self != "\n" && self != "\t" && steers }

  fileprivate var numbered: String { "\\u{\(String(value, radix: 16, uppercase: true))}" }
}
