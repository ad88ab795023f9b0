import ByteStrings
import CEdit
import Glibc

/// The terminal the command talks to.
package enum Terminal {
  /// Asks the terminal to mark what is pasted.
  static let pasteOn = "\u{1B}[?2004h"
  /// And to stop marking it.
  static let pasteOff = "\u{1B}[?2004l"

  /// Whether lines can be edited: both ends are a terminal that can move its cursor.
  static var canEdit: Bool {
    isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !isDumb
  }

  /// Whether the terminal cannot move its cursor, as an editor's shell window.
  static var isDumb: Bool { ["", "dumb"].contains(environment("TERM") ?? "") }

  /// Whether to write in colour: on a terminal, unless NO_COLOR is set.
  package static var wantsColour: Bool {
    isatty(STDOUT_FILENO) == 1 && !isDumb && (environment("NO_COLOR") ?? "").isEmpty
  }

  /// Columns and rows of the window; 80 by 24 if it does not say.
  static var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), max(1, Int(size.ws_row)))
  }

  /// How many columns a text takes, as the locale's wcwidth(3) has it; wide characters take two.
  package static func width(of text: String) -> Int {
    text.unicodeScalars.reduce(0) { width, scalar in
      let own = scalar.value < 0x80 ? 1 : mnemo_columns(wchar_t(bitPattern: scalar.value))
      // One that cannot be printed is shown as something.
      return width + (own < 0 ? 1 : Int(own))
    }
  }

  /// Takes the user's locale, or one of UTF-8 where it has other characters: all text here is
  /// UTF-8.
  package static func setLocale() {
    setlocale(LC_CTYPE, "")
    if String(cString: nl_langinfo(Int32(CODESET))) != "UTF-8" { setlocale(LC_CTYPE, "C.UTF-8") }
  }

  /// Writes at once, behind what was printed before.
  static func write(_ text: String) {
    fflush(nil)
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
        if count < 0 && errno != EINTR { return }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
      }
    }
  }

  /// The value of an environment variable.
  package static func environment(_ name: String) -> String? {
    getenv(name).map { String(cBytes: $0) }
  }

  /// Writes out what was printed.
  static func flush() { fflush(nil) }

  /// Writes on standard error.
  static func writeError(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
