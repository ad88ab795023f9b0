extension String {
  /// The text as a message shows what came from a file: without characters that steer a terminal,
  /// and not too long.
  package var printable: String {
    let shown = unicodeScalars.prefix(200).map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: String(scalar)
      }
    }
    return shown.joined() + (unicodeScalars.count > 200 ? "…" : "")
  }
}
