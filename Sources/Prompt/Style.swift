/// Colours and weights, as terminals write them; the eight colours follow the user's theme.
enum Style {
  static let reset = "\u{1B}[0m"
  static let bold = "\u{1B}[1m"
  static let dim = "\u{1B}[2m"
  static let red = "\u{1B}[31m"
  static let green = "\u{1B}[32m"
  static let prompt = "\u{1B}[1;32m"
}
